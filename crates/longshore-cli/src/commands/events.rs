//! `longshore events`: state changes of all deployments.

use longshore_wire::timeline::ListEventsInput;
use serde_json::Value;

use super::Outcome;
use crate::args::Global;
use crate::output::Output;
use crate::service::Service;
use crate::settings;

/// For how long one request waits.
const WAIT_SECS: u64 = 15;

/// Show state changes of all deployments and their hosts, as EventBridge would deliver them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore events --follow
  longshore events --follow --output json | jq -c .detail
  longshore events --after 0

Without --after, from now on; --after 0 from the oldest that is kept. The same as server-sent events:
GET /events on the server, signed for codedeploy.

With --output json, one event a line: {\"version\",\"id\",\"detail-type\",\"source\",\"account\",\"time\",\"region\",
\"resources\",\"detail\"}.")]
pub(crate) struct Args {
    /// Go on until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// From this place on, as the end of an earlier `longshore events` names it
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
}

/// Prints them until there is no more, or for as long as the program runs.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let service = Service::new(settings::connection(global)?)?;
    let wait_seconds = args.follow.then_some(WAIT_SECS);
    let mut input = ListEventsInput { after: args.after.clone(), wait_seconds };
    loop {
        let answer = service.events(&input).await?;
        for event in &answer.events {
            output.text(&line(event))?;
            output.json(event)?;
        }
        let is_end = input.after.as_ref() == Some(&answer.after);
        if !args.follow && (is_end || args.after.is_none()) {
            output.text(&format!("go on with: longshore events --after {}", answer.after))?;
            return Ok(Outcome::Done);
        }
        input.after = Some(answer.after);
    }
}

/// When, which deployment or host, what became of it.
fn line(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let detail = &event["detail"];
    let host = text(&detail["instanceId"]);
    let host = if host.is_empty() { host } else { format!("  {host}") };
    format!(
        "{}  {}{host}  {}  {}/{}",
        text(&event["time"]),
        text(&detail["deploymentId"]),
        text(&detail["state"]),
        text(&detail["application"]),
        text(&detail["deploymentGroup"]),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_event_is_a_line() {
        let event = serde_json::json!({"time": "2026-11-29T10:00:00Z", "detail": {"instanceId": "web-1",
            "deploymentId": "d-A1B2C3D4E", "state": "SUCCESS", "application": "shop", "deploymentGroup": "all"}});
        assert_eq!(super::line(&event), "2026-11-29T10:00:00Z  d-A1B2C3D4E  web-1  SUCCESS  shop/all");
    }
}
