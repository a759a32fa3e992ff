//! Keys that the agent of a container platform hands out. Source: agent.md §2.1.

use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderMap, Uri};
use longshore_wire::client::{CallError, ClientError, Fetcher, Transport};

use super::keys::Keys;
use crate::causes::with_causes;
use crate::service::{ConnectError, USER_AGENT, ca_bundle};

/// Where relative addresses begin.
const ECS: &str = "http://169.254.170.2";

/// The pod identity agent of EKS.
const EKS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);

/// How long the platform may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most that an answer may have.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Why the container platform gave no keys.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The variable holds no address that a secret may be sent to: neither https nor this machine.
    #[error("'{0}' is not an address that container credentials are taken from")]
    Address(String),
    /// The authorization token cannot be read or sent.
    #[error("cannot use the authorization token for container credentials")]
    Token,
    /// It cannot be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Whom to trust cannot be found out.
    #[error(transparent)]
    Trust(#[from] ConnectError),
    /// It cannot be reached.
    #[error("no container credentials: {0}")]
    Network(String),
    /// It answered with an error.
    #[error("no container credentials: the answer is {0}")]
    Status(u16),
    /// It answered something else.
    #[error("no container credentials: the answer holds no keys")]
    Unreadable,
}

impl From<CallError> for ContainerError {
    fn from(error: CallError) -> ContainerError {
        ContainerError::Network(with_causes(&error))
    }
}

/// Where the platform's agent is, and what it wants to see.
#[derive(Clone, Debug)]
pub struct Container {
    uri: String,
    token_file: Option<PathBuf>,
    token: Option<Token>,
}

/// Does not show in `Debug`.
#[derive(Clone)]
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(..)")
    }
}

impl Container {
    /// As the platform has set it up; `None` outside of containers.
    pub(super) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Container> {
        let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{ECS}{path}"));
        let uri = relative.or_else(|| variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"))?;
        let token_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(PathBuf::from);
        Some(Container { uri, token_file, token: variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Token) })
    }

    /// Asks for keys.
    pub(super) async fn keys(&self) -> Result<Keys, ContainerError> {
        let address = || ContainerError::Address(self.uri.clone());
        let uri: Uri = self.uri.parse().map_err(|_| address())?;
        if !is_allowed(&uri) {
            return Err(address());
        }
        // The platform is on this machine or near it: a proxy could only listen in.
        let transport = Transport {
            connect_timeout: TIMEOUT,
            http_read_timeout: TIMEOUT,
            ca_bundle: ca_bundle()?,
            ..Transport::default()
        };
        let answer = Fetcher::new(&transport, USER_AGENT)?.get(&uri, self.headers()?).await?;
        if !answer.status.is_success() {
            return Err(ContainerError::Status(answer.status.as_u16()));
        }
        Keys::from_json(&answer.collected(MAX_ANSWER_BYTES).await?).ok_or(ContainerError::Unreadable)
    }

    /// The token's file is read each time, as the platform renews it.
    fn headers(&self) -> Result<HeaderMap, ContainerError> {
        let token = match (&self.token_file, &self.token) {
            (Some(path), _) => std::fs::read_to_string(path).map_err(|_| ContainerError::Token)?,
            (None, Some(Token(token))) => token.clone(),
            (None, None) => return Ok(HeaderMap::new()),
        };
        let mut value = HeaderValue::from_str(token.trim()).map_err(|_| ContainerError::Token)?;
        value.set_sensitive(true);
        Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    }
}

/// Without TLS only this machine and its link may see the token and the keys.
fn is_allowed(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_near = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unicast_link_local() || address == EKS_V6
        }
        Err(_) => host == "localhost",
    };
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_near,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Reply, TestServer};

    #[track_caller]
    fn check_allowed(uri: &str, expected: bool) {
        assert_eq!(is_allowed(&uri.parse().expect("a URI")), expected, "{uri}");
    }

    #[test]
    fn keys_are_taken_from_this_machine_its_link_or_by_tls() {
        check_allowed("http://169.254.170.2/v2/credentials/x", true);
        check_allowed("http://169.254.170.23/v1/credentials", true);
        check_allowed("http://[fd00:ec2::23]/v1/credentials", true);
        check_allowed("http://127.0.0.1:1234/", true);
        check_allowed("http://[::1]/", true);
        check_allowed("http://localhost/get", true);
        check_allowed("https://keys.example/get", true);
        check_allowed("http://keys.example/get", false);
        check_allowed("http://10.0.0.1/get", false);
        check_allowed("http://localhost.example/get", false);
    }

    fn container(variables: &[(&str, String)]) -> Option<Container> {
        Container::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        })
    }

    #[tokio::test]
    async fn the_platform_is_shown_its_token() {
        let keys =
            r#"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2099-01-01T00:00:00Z"}"#;
        let server = TestServer::start(move |_, _| Reply::new(200, keys)).await;
        let dir = tempfile::tempdir().expect("dir");
        let file = dir.path().join("token");
        std::fs::write(&file, "from-file\n").expect("write");
        let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/keys", server.address()));
        let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-variable".to_owned());
        let token_file = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.display().to_string());
        for variables in [vec![uri.clone()], vec![uri.clone(), token.clone()], vec![uri, token, token_file]] {
            let found = container(&variables).expect("a container").keys().await.expect("keys");
            assert_eq!(found.credentials.access_key_id, "A");
        }
        let shown: Vec<String> =
            server.requests().iter().map(|request| request.header("authorization").to_owned()).collect();
        assert_eq!(shown, ["", "from-variable", "from-file"]);
    }

    #[tokio::test]
    async fn what_the_platform_does_wrong_is_said() {
        let server = TestServer::start(|n, _| Reply::new([500, 200][n], "hidden")).await;
        let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.address());
        let container_at = container(&[uri]).expect("a container");
        let first = container_at.keys().await.expect_err("500").to_string();
        assert_eq!(first, "no container credentials: the answer is 500");
        let second = container_at.keys().await.expect_err("no keys").to_string();
        assert_eq!(second, "no container credentials: the answer holds no keys");
        let far = container(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/x".to_owned())]);
        let error = far.expect("a container").keys().await.expect_err("far away").to_string();
        assert_eq!(error, "'http://10.0.0.1/x' is not an address that container credentials are taken from");
        let relative = container(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x".to_owned())]);
        assert_eq!(relative.expect("a container").uri, "http://169.254.170.2/v2/x");
        assert!(container(&[]).is_none());
    }
}
