//! Bundles that GitHub packs from a commit. Source: agent.md §5.2, with I-17.

use std::path::Path;

use http::header::{AUTHORIZATION, HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode, Uri};
use longshore_wire::client::{self, Download, Fetcher};
use longshore_wire::host_command::specification::AccessToken;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::partial_file::PartialFile;
use super::{DownloadError, Downloader, GitHubAnswer};
use crate::service::{CallError, ConnectError, USER_AGENT};

/// GitHub's own API.
const API: &str = "https://api.github.com";

/// How often an answer may send us somewhere else.
const MAX_REDIRECTS: usize = 5;

/// What a part of a path may not hold as it is.
const PART: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Which commit of which repository, and how it is to be packed.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The owner.
    pub account: &'a str,
    /// Without the owner.
    pub repository: &'a str,
    /// Its hash.
    pub commit_id: &'a str,
    /// `tar` or `zip`; tar when absent.
    pub bundle_type: Option<&'a str>,
    /// For private repositories.
    pub token: Option<&'a AccessToken>,
}

/// Why one attempt brought nothing.
enum Failure {
    /// Because of what GitHub, or the network, said.
    Answer(GitHubAnswer),
    /// Because of this host; it will not be better the next time.
    Here(DownloadError),
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Failure {
        Failure::Here(error)
    }
}

impl Downloader {
    /// Puts the commit, packed, at `path`, whole or not at all.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub async fn fetch_commit(&self, commit: &Commit<'_>, path: &Path) -> Result<(), DownloadError> {
        let api = self.settings.github_api_endpoint.as_deref().unwrap_or(API);
        let url = commit.address(api)?;
        let uri: Uri = url.parse().map_err(|_| DownloadError::Address(url.clone()))?;
        tracing::info!("Downloading artifact bundle from {url}");
        let fetcher = Fetcher::new(self.outgoing.transport(), USER_AGENT).map_err(ConnectError::Client)?;
        let mut answers = Vec::new();
        let mut pauses = self.git_hub_pauses.iter();
        loop {
            let answer = match attempt(&fetcher, &uri, commit.token, path).await {
                Ok(()) => return Ok(()),
                Err(Failure::Here(error)) => return Err(error),
                Err(Failure::Answer(answer)) => answer,
            };
            tracing::warn!("GitHub gave no bundle for {url}: {answer}");
            let pause = pauses.next().filter(|_| answer.is_transient());
            answers.push(answer);
            match pause {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Err(DownloadError::GitHub { url, answers }),
            }
        }
    }
}

impl Commit<'_> {
    fn address(&self, api: &str) -> Result<String, DownloadError> {
        let form = match self.bundle_type {
            None | Some("tar") => "tarball",
            Some("zip") => "zipball",
            Some(other) => return Err(DownloadError::GitHubBundleType(other.to_owned())),
        };
        let part = |text| utf8_percent_encode(text, &PART);
        let (account, repository, commit_id) =
            (part(self.account), part(self.repository), part(self.commit_id));
        let api = api.trim_end_matches('/');
        Ok(format!("{api}/repos/{account}/{repository}/{form}/{commit_id}"))
    }
}

async fn attempt(
    fetcher: &Fetcher,
    uri: &Uri,
    token: Option<&AccessToken>,
    path: &Path,
) -> Result<(), Failure> {
    let mut answer = follow(fetcher, uri, token).await?;
    let mut partial = PartialFile::create(path).await?;
    while let Some(chunk) = answer.chunk().await.map_err(network)? {
        partial.append(&chunk).await?;
    }
    Ok(partial.finish(path).await?)
}

/// The answer at the end of all redirects. Only the host that was asked first sees the token.
async fn follow(fetcher: &Fetcher, first: &Uri, token: Option<&AccessToken>) -> Result<Download, Failure> {
    let mut uri = first.clone();
    for _ in 0..=MAX_REDIRECTS {
        let mut headers = HeaderMap::new();
        if let Some(AccessToken(token)) = token.filter(|_| is_same_origin(first, &uri)) {
            headers.insert(AUTHORIZATION, authorization(token)?);
        }
        let answer = fetcher.get(&uri, headers).await.map_err(network)?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let Some(target) = answer.header(LOCATION.as_str()).filter(|_| answer.status.is_redirection()) else {
            return Err(Failure::Answer(refusal(&answer)));
        };
        uri = redirected(&uri, target).ok_or_else(|| redirect(target))?;
        if !may_lead_to(first, &uri) {
            return Err(redirect(target));
        }
    }
    Err(redirect("more places than anybody should be sent to"))
}

fn authorization(token: &str) -> Result<HeaderValue, DownloadError> {
    // Not the text of the error: it could show the token.
    let bad = |_| DownloadError::Address("a GitHub token that no header can carry".to_owned());
    let mut value = HeaderValue::from_str(&format!("token {token}")).map_err(bad)?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_same_origin(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && one.authority() == other.authority()
}

/// Where a `Location` leads from `uri`.
fn redirected(uri: &Uri, location: &str) -> Option<Uri> {
    let target: Uri = location.parse().ok()?;
    if target.authority().is_some() {
        return target.scheme().is_some().then_some(target);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = target.into_parts().path_and_query;
    Uri::from_parts(parts).ok()
}

/// Never out of TLS; where the operator has set up an API without it, redirects may do without too.
fn may_lead_to(first: &Uri, target: &Uri) -> bool {
    target.scheme_str() == Some("https") || target.scheme() == first.scheme()
}

/// A place that is not gone to, without its query: download addresses carry tokens in it.
fn redirect(target: &str) -> Failure {
    let target = target.split('?').next().unwrap_or_default().to_owned();
    Failure::Answer(GitHubAnswer::Redirect { target })
}

fn refusal(answer: &Download) -> GitHubAnswer {
    GitHubAnswer::Status {
        status: answer.status.as_u16(),
        reason: StatusCode::canonical_reason(&answer.status).unwrap_or("Unknown"),
        request_id: answer.header("x-github-request-id").map(str::to_owned),
    }
}

fn network(error: client::CallError) -> Failure {
    Failure::Answer(GitHubAnswer::Network { detail: CallError::from(error).sentence() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bundle_type: Option<&str>, expected: &str) {
        let commit =
            Commit { account: "us", repository: "app one", commit_id: "0a/1", bundle_type, token: None };
        let shown = commit.address("https://h/api/v3/").unwrap_or_else(|error| error.to_string());
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_address_names_commit_and_packing() {
        check(None, "https://h/api/v3/repos/us/app%20one/tarball/0a%2F1");
        check(Some("tar"), "https://h/api/v3/repos/us/app%20one/tarball/0a%2F1");
        check(Some("zip"), "https://h/api/v3/repos/us/app%20one/zipball/0a%2F1");
        let other = "GitHub revision specified with bundle_type other than zip or tar [bundle_type=tgz";
        check(Some("tgz"), other);
    }

    #[track_caller]
    fn check_redirect(location: &str, expected: Option<&str>) {
        let uri = Uri::from_static("https://h:1/a?b=c");
        assert_eq!(redirected(&uri, location).map(|uri| uri.to_string()).as_deref(), expected, "{location}");
    }

    #[test]
    fn a_redirect_never_leaves_tls() {
        for (first, target, expected) in [
            ("https://api/x", "https://codeload/y", true),
            ("https://api/x", "http://codeload/y", false),
            ("http://api/x", "http://codeload/y", true),
            ("https://api/x", "ftp://codeload/y", false),
        ] {
            assert_eq!(
                may_lead_to(&Uri::from_static(first), &Uri::from_static(target)),
                expected,
                "{target}"
            );
        }
    }

    #[test]
    fn a_location_may_be_relative() {
        check_redirect("https://other/x?y=z", Some("https://other/x?y=z"));
        check_redirect("/x?y=z", Some("https://h:1/x?y=z"));
        check_redirect("", None);
    }
}
