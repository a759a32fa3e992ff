//! A proxy between the client and the world: whom it is asked for, and how.
//! Source: agent.md §1.1 (`proxy_uri`), I-15.

use std::error::Error;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use base64::Engine;
use http::header::PROXY_AUTHORIZATION;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;

use super::ClientError;
use super::body::RequestBody;

/// Why nothing came back through a proxy.
#[derive(Debug, thiserror::Error)]
#[error("cannot reach the proxy `{authority}`")]
struct Unreachable {
    authority: Authority,
    source: std::io::Error,
}

/// `http://[user:password@]host:port`.
pub(super) struct Proxy {
    authority: Authority,
    authorization: Option<HeaderValue>,
    connect_timeout: Duration,
}

impl Proxy {
    pub(super) fn new(proxy_uri: &str, connect_timeout: Duration) -> Result<Proxy, ClientError> {
        let shown = proxy_uri.rsplit_once('@').map_or(proxy_uri, |(_, host)| host).to_owned();
        let bad = || ClientError::Proxy { proxy: shown.clone() };
        let uri: Uri = proxy_uri.parse().map_err(|_| bad())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(bad)?;
        let (user_info, host) = match authority.as_str().rsplit_once('@') {
            Some((user_info, host)) => (Some(user_info), host),
            None => (None, authority.as_str()),
        };
        let authorization = user_info.map(basic).transpose().map_err(|_| bad())?;
        Ok(Proxy { authority: host.parse().map_err(|_| bad())?, authorization, connect_timeout })
    }

    /// A connector that asks the proxy for a tunnel (`CONNECT`).
    pub(super) fn tunnel(&self, tcp: HttpConnector) -> Tunnel<HttpConnector> {
        let mut proxy = http::uri::Parts::default();
        proxy.scheme = Some(http::uri::Scheme::HTTP);
        proxy.authority = Some(self.authority.clone());
        proxy.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
        let uri = Uri::from_parts(proxy).unwrap_or_default();
        let tunnel = Tunnel::new(uri, tcp);
        match &self.authorization {
            Some(authorization) => tunnel.with_auth(authorization.clone()),
            None => tunnel,
        }
    }

    /// Hands the request to the proxy with the whole address in its first line, on a connection of its own.
    pub(super) async fn relayed(
        &self,
        mut request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let stream = self.connect().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the answer, or when the call is dropped; its errors are the answer's too.
        tokio::spawn(connection);
        Ok(sender.send_request(request).await?)
    }

    async fn connect(&self) -> Result<TcpStream, Unreachable> {
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let connecting = TcpStream::connect((host, self.authority.port_u16().unwrap_or(80)));
        let connected = match tokio::time::timeout(self.connect_timeout, connecting).await {
            Ok(connected) => connected,
            Err(elapsed) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed)),
        };
        connected.map_err(|source| Unreachable { authority: self.authority.clone(), source })
    }
}

fn basic(user_info: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let decoded: Vec<u8> = percent_decode_str(user_info).collect();
    let encoded = base64::engine::general_purpose::STANDARD.encode(decoded);
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether the host is one that only this machine's own link knows, such as the metadata service:
/// no proxy can reach it, and none may see what it says.
pub(super) fn is_link_local(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_unicast_link_local() || METADATA_V6.contains(&address),
        Err(_) => false,
    }
}

/// The metadata services of EC2 and of EKS pods; local by agreement, not by prefix.
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: bool) {
        assert_eq!(is_link_local(&uri.parse().expect("a URI")), expected, "{uri}");
    }

    #[test]
    fn link_local_addresses_are_known() {
        check("http://169.254.169.254/latest/api/token", true);
        check("http://169.254.170.2/v2/credentials", true);
        check("http://[fe80::1]:80/", true);
        check("http://[fd00:ec2::254]/latest", true);
        check("http://[fd00:ec2::23]/v1/credentials", true);
        check("http://127.0.0.1:8080/", false);
        check("http://10.0.0.1/", false);
        check("https://s3.us-east-1.amazonaws.com/", false);
    }
}
