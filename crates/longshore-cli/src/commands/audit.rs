//! `longshore audit`: who changed what.

use std::time::Duration;

use longshore_model::time::Timestamp;
use longshore_wire::audit::{AuditEventInfo, ListAuditEventsInput};

use super::Outcome;
use super::watch::now;
use crate::args::Global;
use crate::output::Output;
use crate::service::Service;
use crate::settings;

/// Show who changed what, when, from where, and what came of it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore audit --since 24h
  longshore audit --principal ann --operation CreateDeployment
  longshore audit --since 2026-11-01 --until 2026-12-01 --output json > november.jsonl

Oldest first. Every call that changes something is there, refused ones too; calls that only look are not.

With --output json, one object a line: {\"eventTime\",\"requestId\",\"principal\",\"accessKeyId\",\"sourceIp\",
\"userAgent\",\"service\",\"operation\",\"resources\",\"outcome\",\"parameters\"}; the outcome is `ok` or the code
of the error, times are seconds since 1970.")]
pub(crate) struct Args {
    /// Not before: a time such as 2026-11-22T20:00:00Z, a day, or how long ago: 30m, 24h, 7d
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Before that time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// By whom: the ARN, or its last parts, e.g. a user's name
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// Which operation, e.g. CreateDeployment
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
}

/// Prints the events page by page: there may be many.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let service = Service::new(settings::connection(global)?)?;
    let mut input = ListAuditEventsInput {
        since: args.since.map(Into::into),
        until: args.until.map(Into::into),
        principal: args.principal.clone(),
        operation: args.operation.clone(),
        next_token: None,
    };
    loop {
        let page = service.audit_events(&input).await?;
        for event in &page.events {
            output.text(&line(event))?;
            output.json(event)?;
        }
        match page.next_token {
            Some(token) => input.next_token = Some(token),
            None => return Ok(Outcome::Done),
        }
    }
}

/// When, who, what, with what outcome, on what, from where.
fn line(event: &AuditEventInfo) -> String {
    let millis = Timestamp::from(event.event_time).millis();
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    // The account is one and the same everywhere.
    let who = event.principal.splitn(6, ':').last().unwrap_or_default();
    let named = event.parameters.iter().map(|(name, value)| format!(" {name}={value}")).collect::<String>();
    let AuditEventInfo { service, operation, outcome, source_ip, .. } = event;
    let time = time.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!("{time}  {who}  {service}:{operation}  {outcome}  {source_ip} {named}").trim_end().to_owned()
}

fn time(text: &str) -> Result<Timestamp, String> {
    if let Some(ago) = duration(text) {
        return Ok(now().minus(ago));
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_millis(time.as_millisecond()));
    }
    let day = text.parse::<jiff::civil::Date>().and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC));
    day.map(|day| Timestamp::from_millis(day.timestamp().as_millisecond()))
        .map_err(|_| String::from("write a time like 2026-11-22T20:00:00Z, 2026-11-22, 30m, 24h or 7d"))
}

fn duration(text: &str) -> Option<Duration> {
    let unit_secs = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return None,
    };
    let count: u64 = text[..text.len() - 1].parse().ok()?;
    Some(Duration::from_secs(count.checked_mul(unit_secs)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_points_days_or_how_long_ago() {
        let at = |text: &str| time(text).map(Timestamp::millis);
        assert_eq!(at("2026-11-22T20:23:01Z"), Ok(1_795_378_981_000));
        assert_eq!(at("1970-01-02"), Ok(86_400_000));
        assert!(at("1h").is_ok() && at("7d") < at("30m"));
        for bad in ["", "yesterday", "h", "-1h", "2026-13-01", "é"] {
            assert!(at(bad).is_err(), "{bad}");
        }
    }
}
