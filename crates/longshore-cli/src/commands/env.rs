//! `longshore env`: the variables that point AWS's clients at the running server.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Outcome;
use crate::advice::Advice;
use crate::args::Global;
use crate::output::Output;
use crate::settings::{self, Connection};

/// A server on this machine answers at once; one in a network within this, or something is wrong.
const CONNECT: Duration = Duration::from_secs(5);

/// Print the variables that point AWS clients at the server
///
/// Run it as: eval "$(longshore env)". From then on `aws deploy ...`, `aws s3 ...` and every AWS SDK in
/// this shell talk to Longshore. The key printed is the server's root key: keep it to yourself.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eval \"$(longshore env)\"
  aws deploy list-applications
  longshore env --data-dir /srv/longshore --output json")]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "AWS_ENDPOINT_URL")]
    endpoint: &'a str,
    #[serde(rename = "AWS_ACCESS_KEY_ID")]
    access_key_id: &'a str,
    #[serde(rename = "AWS_SECRET_ACCESS_KEY")]
    secret_access_key: &'a str,
    #[serde(rename = "AWS_REGION")]
    region: &'a str,
    #[serde(rename = "AWS_DEFAULT_REGION")]
    default_region: &'a str,
}

/// Prints the variables; nothing when no server answers, so that `eval` does no harm.
pub(crate) async fn run(_args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let connection = settings::connection(global)?;
    check_that_it_answers(&connection.endpoint).await?;
    output.json(&Document {
        endpoint: &connection.endpoint,
        access_key_id: &connection.credentials.access_key_id,
        secret_access_key: &connection.credentials.secret_access_key,
        region: &connection.region,
        default_region: &connection.region,
    })?;
    output.text(export_lines(&connection).trim_end())?;
    Ok(Outcome::Done)
}

/// A server that was killed leaves its address behind.
async fn check_that_it_answers(endpoint: &str) -> anyhow::Result<()> {
    let address = authority(endpoint).with_context(|| {
        Advice::new(format!("`{endpoint}` is not a URL"), "write it like http://127.0.0.1:8080")
    })?;
    let advice = || Advice::new(format!("no server answers at {endpoint}"), "start one with `longshore up`");
    timeout(CONNECT, TcpStream::connect(&address)).await.with_context(advice)?.with_context(advice)?;
    Ok(())
}

/// `host:port` of a URL.
fn authority(endpoint: &str) -> Option<String> {
    let uri: http::Uri = endpoint.parse().ok()?;
    let default_port = if uri.scheme_str()? == "https" { 443 } else { 80 };
    Some(format!("{}:{}", uri.host()?, uri.port_u16().unwrap_or(default_port)))
}

fn export_lines(connection: &Connection) -> String {
    let Connection { endpoint, region, credentials } = connection;
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
    ];
    let mut lines = String::new();
    for (name, value) in variables {
        let _ = writeln!(lines, "export {name}={}", shell_quoted(value));
    }
    // A token left over from another account would spoil every signature.
    lines.push_str(match &credentials.session_token {
        Some(_) => "",
        None => "unset AWS_SESSION_TOKEN\n",
    });
    lines
}

/// `text` as one word of a POSIX shell: bare when it is harmless, else in single quotes.
fn shell_quoted(text: &str) -> String {
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@%+=".contains(c);
    if !text.is_empty() && text.chars().all(is_harmless) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shell_quoted(text), expected);
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        check("http://127.0.0.1:8080", "http://127.0.0.1:8080");
        check("wJalr/XUtn+FEMI=", "wJalr/XUtn+FEMI=");
        check("a b", "'a b'");
        check("it's $HOME", r"'it'\''s $HOME'");
        check("", "''");
    }

    #[test]
    fn the_port_is_the_schemes_when_none_is_written() {
        assert_eq!(authority("http://h").as_deref(), Some("h:80"));
        assert_eq!(authority("https://h").as_deref(), Some("h:443"));
        assert_eq!(authority("http://[::1]:8080").as_deref(), Some("[::1]:8080"));
        assert_eq!(authority("nonsense"), None);
    }
}
