//! Asks the server: first for its clock, then to be its host.

use std::time::Duration;

use longshore_model::id::HostName;
use longshore_model::time::Timestamp;
use longshore_wire::client::{CallError, Client, ClientConfig};
use longshore_wire::enrollment::{
    ENROLL_HOST, EnrollHostInput, EnrollHostOutput, HOST_TARGET_PREFIX, TokenText,
};
use longshore_wire::{envelope, host_command};

use super::error::{ClockOff, EnrollError};
use crate::service::{USER_AGENT, ca_bundle};

/// The region is told with the answer; until then any will do.
const ANY_REGION: &str = "us-east-1";

/// Servers refuse what was signed 5 minutes from their own time; a clock this far off would soon be.
const MAX_SKEW: Duration = Duration::from_secs(4 * 60);

/// A difference that is worth a word.
const NOTABLE_SKEW: Duration = Duration::from_secs(30);

/// What is asked, of whom.
pub(super) struct Enrolling<'a> {
    pub(super) server: &'a str,
    pub(super) proxy_uri: Option<String>,
    pub(super) token: &'a TokenText,
    pub(super) name: &'a HostName,
    pub(super) request_id: &'a str,
}

/// How the machine's clock stands to the server's, which does not always say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClockView {
    here: Timestamp,
    there: Option<Timestamp>,
}

impl ClockView {
    pub(super) fn worth_a_warning(self) -> Option<ClockOff> {
        self.off_by_more_than(NOTABLE_SKEW)
    }

    fn off_by_more_than(self, bound: Duration) -> Option<ClockOff> {
        let there = self.there?;
        let (behind, ahead) = (there.since(self.here), self.here.since(there));
        (bound < behind.max(ahead)).then_some(ClockOff { behind, ahead })
    }
}

/// An id for a request that was never made before.
pub(super) fn new_request_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Enrolls, if the machine's clock is good enough for a host.
pub(super) async fn ask(enrolling: &Enrolling<'_>) -> Result<(ClockView, EnrollHostOutput), EnrollError> {
    let Enrolling { server, proxy_uri, token, name, request_id } = enrolling;
    let mut config = ClientConfig::new(*server, ANY_REGION, token.credentials());
    USER_AGENT.clone_into(&mut config.user_agent);
    config.transport.proxy_uri.clone_from(proxy_uri);
    config.transport.ca_bundle = ca_bundle()?;
    let client = Client::new(config)?;
    let there = client.server_time().await.map_err(EnrollError::Unreachable)?;
    let clock = ClockView { here: super::now(), there };
    if let Some(off) = clock.off_by_more_than(MAX_SKEW) {
        return Err(EnrollError::Clock(off));
    }
    let input =
        EnrollHostInput { name: Some(name.to_string()), client_request_id: Some((*request_id).to_owned()) };
    let target = format!("{HOST_TARGET_PREFIX}.{ENROLL_HOST}");
    let answer = client.call_json(host_command::SIGNING_NAME, &target, &input).await;
    let answer = answer.map_err(|error| match &error {
        CallError::Service { status, .. } if *status < 500 => EnrollError::Refused(error),
        _ => EnrollError::Lost { request_id: (*request_id).to_owned(), source: error.into() },
    })?;
    Ok((clock, answer))
}

/// The certificate to believe, if it is the one that the token announced.
pub(super) fn signer(answer: &EnrollHostOutput, token: &TokenText) -> Result<String, EnrollError> {
    envelope::pin(&answer.signer_certificate, &token.signer_fingerprint).map_err(EnrollError::Signer)
}

/// Whether the way to `server` leads over a network without TLS.
pub(super) fn is_open_to_others(server: &str) -> bool {
    let Ok(uri) = server.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let address: Result<std::net::IpAddr, _> = host.trim_matches(['[', ']']).parse();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    uri.scheme_str() == Some("http") && !is_here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_clock(here: i64, there: Option<i64>, expected: (Option<&str>, Option<&str>)) {
        let view = ClockView {
            here: Timestamp::from_millis(here * 1000),
            there: there.map(|secs| Timestamp::from_millis(secs * 1000)),
        };
        let shown = |off: Option<ClockOff>| off.map(|off| off.to_string());
        let found = (shown(view.worth_a_warning()), shown(view.off_by_more_than(MAX_SKEW)));
        assert_eq!((found.0.as_deref(), found.1.as_deref()), expected);
    }

    #[test]
    fn a_clock_is_good_suspicious_or_of_no_use() {
        check_clock(1000, None, (None, None));
        check_clock(1000, Some(1030), (None, None));
        check_clock(1000, Some(1031), (Some("31 s behind"), None));
        check_clock(1000, Some(1241), (Some("4 min 1 s behind"), Some("4 min 1 s behind")));
        check_clock(5000, Some(1000), (Some("66 min 40 s ahead of"), Some("66 min 40 s ahead of")));
    }

    #[track_caller]
    fn check_open(server: &str, expected: bool) {
        assert_eq!(is_open_to_others(server), expected, "{server}");
    }

    #[test]
    fn only_tls_and_the_machine_itself_are_private() {
        check_open("http://127.0.0.1:8080", false);
        check_open("http://[::1]:8080", false);
        check_open("http://localhost:8080", false);
        check_open("https://longshore.example", false);
        check_open("http://longshore.example", true);
        check_open("http://10.0.0.5:8080", true);
    }
}
