//! `longshore hosts token`: tokens with which machines enroll themselves.

use anyhow::{Context, bail};
use jiff::{Span, SpanRelativeTo};
use longshore_model::time::Timestamp;
use longshore_wire::codec::Time;
use longshore_wire::enrollment::EnrollmentTokenInfo;
use serde::Serialize;

use super::watch::now;
use crate::advice::Advice;
use crate::output::Output;
use crate::output::columns::columns;
use crate::output::line::duration_text;
use crate::service::{NewToken, Service, Tag};

/// Make a token with which a machine enrolls itself as a host; or list tokens, or revoke one
///
/// The token is shown this once. Whoever has it can make one host of it (or as many as --uses says) until it
/// expires, and nothing else.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore hosts token --tag role=web
  longshore hosts token --uses 20 --expires 2h --tag role=web --tag zone=north
  longshore hosts token --output json | jq -r .token
  longshore hosts token --list
  longshore hosts token --revoke LSET0123456789ABCDEF

With --output json: {\"token\",\"tokenInfo\",\"command\"}; with --list {\"tokens\":[tokenInfo]}, with --revoke
{\"tokenInfo\"}. tokenInfo: {\"tokenId\",\"state\",\"maxUses\",\"useCount\",\"createTime\",\"createdBy\",\"expireTime\",
\"revokeTime\",\"tags\"}; state is Usable, UsedUp, Expired or Revoked.")]
pub(crate) struct Args {
    /// How many hosts it may enroll [default: 1]
    #[arg(long, value_name = "N", conflicts_with_all = ["list", "revoke"])]
    uses: Option<u32>,
    /// How long it is good for, e.g. 30m, 2h, 7d (the most) [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = seconds, conflicts_with_all = ["list", "revoke"])]
    expires: Option<u64>,
    /// A tag for its hosts; may be given several times
    #[arg(long, value_name = "KEY=VALUE", conflicts_with_all = ["list", "revoke"])]
    tag: Vec<Tag>,
    /// List the tokens, without their secrets
    #[arg(long, conflicts_with = "revoke")]
    list: bool,
    /// Take a token back; its hosts stay
    #[arg(long, value_name = "ID")]
    revoke: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MadeDocument<'a> {
    token: &'a str,
    token_info: &'a EnrollmentTokenInfo,
    command: &'a str,
}

#[derive(Serialize)]
struct ListDocument<'a> {
    tokens: &'a [EnrollmentTokenInfo],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RevokedDocument<'a> {
    token_info: &'a EnrollmentTokenInfo,
}

/// Makes, lists or revokes.
pub(crate) async fn run(service: &Service, args: &Args, output: Output) -> anyhow::Result<()> {
    match &args.revoke {
        Some(id) => revoke(service, id, output).await,
        None if args.list => list(service, output).await,
        None => make(service, args, output).await,
    }
}

async fn make(service: &Service, args: &Args, output: Output) -> anyhow::Result<()> {
    let new = NewToken { max_uses: args.uses, expires_in_seconds: args.expires, tags: args.tag.clone() };
    let made = service.create_token(new).await?;
    let endpoint = &service.connection().endpoint;
    let command = format!("longshore-agent enroll --server {endpoint} --token {}", made.token);
    let info = &made.token_info;
    let hosts = if info.max_uses == 1 { String::from("1 host") } else { format!("{} hosts", info.max_uses) };
    output.text(&format!("token {} for {hosts}, good for {}; on the machine:", info.token_id, left(info)))?;
    output.text(&format!("  {command}"))?;
    if is_loopback(endpoint) {
        output.text(&format!("(other machines do not reach {endpoint}: put the server's address there)"))?;
    }
    output.json(&MadeDocument { token: &made.token, token_info: info, command: &command })?;
    Ok(())
}

async fn list(service: &Service, output: Output) -> anyhow::Result<()> {
    let tokens = service.tokens().await?;
    if tokens.is_empty() {
        output.text("no tokens: make one with `longshore hosts token`")?;
    } else {
        let rows: Vec<[String; 5]> = tokens.iter().map(row).collect();
        output.lines(&columns(["TOKEN", "STATE", "USED", "LEFT", "TAGS"], &rows))?;
    }
    output.json(&ListDocument { tokens: &tokens })?;
    Ok(())
}

async fn revoke(service: &Service, id: &str, output: Output) -> anyhow::Result<()> {
    if id.contains('.') {
        let advice = "`longshore hosts token --list` shows the ids";
        bail!(Advice::new("give the id of the token alone: LSET and 16 characters", advice));
    }
    let info = service.revoke_token(id).await?;
    output.text(&format!(
        "revoked {}; it had enrolled {} of {}",
        info.token_id, info.use_count, info.max_uses
    ))?;
    output.json(&RevokedDocument { token_info: &info })?;
    Ok(())
}

fn row(info: &EnrollmentTokenInfo) -> [String; 5] {
    let tags = info.tags.iter().map(|tag| {
        format!("{}={}", tag.key.as_deref().unwrap_or_default(), tag.value.as_deref().unwrap_or_default())
    });
    let left = if info.state == "Usable" { left(info) } else { String::new() };
    let used = format!("{}/{}", info.use_count, info.max_uses);
    [info.token_id.clone(), info.state.clone(), used, left, tags.collect::<Vec<_>>().join(" ")]
}

fn left(info: &EnrollmentTokenInfo) -> String {
    let Time(end): Time = info.expire_time;
    let left = Timestamp::since(end, now());
    // Half a second late is as good as the whole of it.
    duration_text(std::time::Duration::from_secs(
        left.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX),
    ))
}

/// A time such as `90s` or `7d`, in seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time: write it like 30m, 2h or 7d");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    u64::try_from(duration.as_secs()).map_err(|_| wrong())
}

fn is_loopback(endpoint: &str) -> bool {
    let uri = endpoint.parse::<http::Uri>().context("an endpoint in use is a URL");
    let host = uri.ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    let address: Result<std::net::IpAddr, _> = host.trim_matches(['[', ']']).parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(seconds(text).ok(), expected, "{text}");
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        check("90s", Some(90));
        check("30m", Some(1800));
        check("1h", Some(3600));
        check("1h 30m", Some(5400));
        check("7d", Some(604_800));
        check("-1h", None);
        check("60", None);
        check("soon", None);
    }

    #[test]
    fn an_address_of_this_machine_is_known() {
        assert!(is_loopback("http://127.0.0.1:8080") && is_loopback("http://[::1]:1"));
        assert!(is_loopback("http://localhost") && !is_loopback("https://longshore.example"));
    }
}
