//! Webhooks: one POST over TLS to an address that was looked at before it is connected to.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use longshore_engine::outside::{Notification, OutsideError};
use longshore_wire::client::client_tls;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::{self, Network, Refusal};
use super::{envelope, signature};
use crate::reason::{chain, in_time, reason};
use crate::{OutsideStartError, read_ca_file};

/// How long one notification may take, from its name's look-up to the head of the answer.
const SEND_LIMIT: Duration = Duration::from_secs(10);

/// How webhooks are reached.
#[derive(Clone, Debug, Default)]
pub struct WebhookConfig {
    /// PEM certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Networks that are not public, and yet may be reached.
    pub networks: Vec<Network>,
}

/// Sends notifications to `https://` addresses.
pub struct Webhooks {
    networks: Vec<Network>,
    tls: TlsConnector,
    secret: String,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Webhooks").field("networks", &self.networks).finish_non_exhaustive()
    }
}

/// A webhook's address in its parts.
struct Destination {
    uri: Uri,
    host: String,
    port: u16,
}

impl Webhooks {
    /// Connects only when asked; signs with `secret`.
    ///
    /// # Errors
    /// [`OutsideStartError`] when the certificates to trust cannot be used.
    pub fn new(config: WebhookConfig, secret: String) -> Result<Webhooks, OutsideStartError> {
        let what = "webhooks";
        let more = config.ca_file.map(|path| read_ca_file(path, what)).transpose()?;
        let tls = client_tls(more.as_ref()).map_err(|source| OutsideStartError::Client { what, source })?;
        Ok(Webhooks { networks: config.networks, tls: TlsConnector::from(Arc::new(tls)), secret })
    }

    /// Sends it once. Redirects are not followed: the next address would be somebody else's choice.
    pub(super) async fn publish(&self, notification: &Notification) -> Result<(), OutsideError> {
        let destination = Destination::parse(&notification.target)?;
        let request = self.request(&destination, notification)?;
        let answered = in_time(&destination.host, SEND_LIMIT, self.send(&destination, request)).await;
        match answered.map_err(|error| OutsideError(format!("webhook: {error}")))? {
            status if status.is_success() => Ok(()),
            status if status.is_redirection() => Err(reason(format!(
                "webhook: `{}` answered {status}, and redirects are not followed",
                destination.host
            ))),
            status => Err(reason(format!("webhook: `{}` answered {status}", destination.host))),
        }
    }

    fn request(
        &self,
        destination: &Destination,
        notification: &Notification,
    ) -> Result<Request<Full<Bytes>>, OutsideError> {
        let body = envelope::body(notification);
        let signature = signature(&self.secret, now_secs(), &body);
        let path = destination.uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::post(path)
            .header(HOST, destination.host_header())
            .header(USER_AGENT, super::USER_AGENT)
            // As SNS sends it.
            .header(CONTENT_TYPE, "text/plain; charset=UTF-8")
            .header("x-amz-sns-message-type", "Notification")
            .header("x-amz-sns-message-id", header_value(&notification.id)?)
            .header("x-amz-sns-topic-arn", header_value(&notification.target)?)
            .header("x-longshore-signature", signature)
            .body(Full::new(Bytes::from(body)));
        request.map_err(|error| chain(&error))
    }

    async fn send(
        &self,
        destination: &Destination,
        request: Request<Full<Bytes>>,
    ) -> Result<StatusCode, OutsideError> {
        let host = &destination.host;
        let unreachable = |error: io::Error| reason(format!("cannot reach `{host}`: {}", chain(&error)));
        let addresses = self.addresses(destination).await?;
        let stream = TcpStream::connect(&*addresses).await.map_err(unreachable)?;
        let name = ServerName::try_from(host.clone()).map_err(|error| chain(&error))?;
        let stream = self.tls.connect(name, stream).await.map_err(unreachable)?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let broken = |error: hyper::Error| reason(format!("`{host}` did not answer: {}", chain(&error)));
        let (mut sender, connection) = handshake.map_err(broken)?;
        // It ends when `sender` and the answer are dropped, also when the time is up; its errors are the
        // answer's too.
        tokio::spawn(connection);
        Ok(sender.send_request(request).await.map_err(broken)?.status())
    }

    /// Where the host is, as far as it may be reached. The name is looked up once, and what was found is
    /// connected to: it cannot mean something else a moment later.
    async fn addresses(&self, destination: &Destination) -> Result<Vec<SocketAddr>, OutsideError> {
        let Destination { host, port, .. } = destination;
        let found = tokio::net::lookup_host((host.as_str(), *port)).await;
        let found = found.map_err(|error| reason(format!("cannot look up `{host}`: {error}")))?;
        let mut refused = None;
        let mut allowed = Vec::new();
        for candidate in found {
            match address::check(candidate.ip(), &self.networks) {
                Ok(()) => allowed.push(candidate),
                Err(refusal) => refused = Some((candidate.ip(), refusal)),
            }
        }
        match (allowed.is_empty(), refused) {
            (false, _) => Ok(allowed),
            (true, Some((address, refusal))) => Err(refused_because(host, address, refusal)),
            (true, None) => Err(reason(format!("`{host}` has no address"))),
        }
    }
}

impl Destination {
    fn parse(target: &str) -> Result<Destination, OutsideError> {
        // The address is not repeated: such addresses often hold a secret.
        let uri: Uri = target.parse().map_err(|_| reason("the webhook's address is not a URL"))?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https"));
        let authority = authority.ok_or_else(|| reason("the webhook's address is not an https:// URL"))?;
        if authority.as_str().contains('@') {
            return Err(reason("the webhook's address holds a user: it would be sent to nobody"));
        }
        let bad_port = || reason("the webhook's address has a port that cannot be");
        // `port_u16` is silent about one that is too large.
        let port = match &authority.as_str()[authority.host().len()..] {
            "" => 443,
            rest => rest.trim_start_matches(':').parse().map_err(|_| bad_port())?,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Destination { host, port, uri: uri.clone() })
    }

    fn host_header(&self) -> &str {
        self.uri.authority().map_or(self.host.as_str(), |authority| authority.as_str())
    }
}

fn refused_because(host: &str, address: IpAddr, refusal: Refusal) -> OutsideError {
    reason(match refusal {
        Refusal::Never => {
            format!("`{host}` is {address}, which no webhook may be: it belongs to this machine's platform")
        }
        Refusal::NotPublic => format!(
            "`{host}` is {address}, which is not a public address: \
             list its network in webhook_networks under [triggers] to allow it"
        ),
    })
}

fn header_value(text: &str) -> Result<HeaderValue, OutsideError> {
    HeaderValue::from_str(text).map_err(|_| reason("the notification has characters that HTTP cannot carry"))
}

fn now_secs() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, expected: Result<(&str, u16), &str>) {
        let parsed = Destination::parse(target);
        let parsed =
            parsed.as_ref().map(|found| (found.host.as_str(), found.port)).map_err(|error| &*error.0);
        assert_eq!(parsed, expected, "{target}");
    }

    #[test]
    fn only_plain_https_urls_are_webhooks() {
        check("https://hooks.example", Ok(("hooks.example", 443)));
        check("https://hooks.example:8443/a?b=c", Ok(("hooks.example", 8443)));
        check("https://[::1]:8443/", Ok(("::1", 8443)));
        check("http://hooks.example/", Err("the webhook's address is not an https:// URL"));
        check("hooks.example", Err("the webhook's address is not an https:// URL"));
        check("https:///path", Err("the webhook's address is not a URL"));
        check(
            "https://user:hunter2@hooks.example/",
            Err("the webhook's address holds a user: it would be sent to nobody"),
        );
        check("https://hooks.example:99999/", Err("the webhook's address has a port that cannot be"));
    }
}
