//! `longshore status`: one deployment as it is now, or the latest ones.

use serde::Serialize;

use super::Outcome;
use super::watch::{Known, deployment_id, look, now};
use crate::args::Global;
use crate::output::board::board;
use crate::output::columns::columns;
use crate::output::line::duration_text;
use crate::output::report::failure_report;
use crate::output::{Output, json};
use crate::progress::Progress;
use crate::service::Service;
use crate::settings;

/// Show a deployment as it is now, or list the latest ones
///
/// With an id: its hosts, their lifecycle events, and what failed. Without: the latest deployments,
/// newest first. Either way the exit status is 0 when the server could be asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore status
  longshore status d-A1B2C3D4E
  longshore status d-A1B2C3D4E --output json | jq -r '.hosts[] | select(.status==\"Failed\") | .name'

With --output json: one document; with an id {\"deploymentId\",\"applicationName\",\"deploymentGroupName\",
\"deploymentConfigName\",\"revision\",\"status\",\"error\",\"createTime\",\"completeTime\",\"counts\",\"hosts\"},
without {\"deployments\":[...]} of the same without hosts.")]
pub(crate) struct Args {
    /// The deployment's id; without it the latest deployments are listed
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// How many deployments to list
    #[arg(long, default_value_t = 10, value_name = "N")]
    limit: usize,
}

impl Args {
    /// The flags that show the deployment `id`.
    pub(crate) fn of(id: &str) -> Args {
        Args { id: Some(id.to_owned()), limit: 0 }
    }
}

#[derive(Serialize)]
struct ListDocument<'a> {
    deployments: Vec<json::Deployment<'a>>,
}

/// Shows one, or lists.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let id = args.id.as_deref().map(deployment_id).transpose()?;
    let service = Service::new(settings::connection(global)?)?;
    match id {
        Some(id) => {
            let progress = look(&service, &id, &mut Known::default()).await?;
            output.lines(&board(&progress, now(), usize::MAX))?;
            output.lines(&failure_report(&progress))?;
            output.json(&json::Deployment::of(&progress))?;
        }
        None => list(&service, args.limit, output).await?,
    }
    Ok(Outcome::Done)
}

async fn list(service: &Service, limit: usize, output: Output) -> anyhow::Result<()> {
    let ids = service.latest_deployments(limit).await?;
    let deployments = service.deployments(&ids).await?;
    if deployments.is_empty() {
        output.text("no deployments yet: make one with `longshore deploy`")?;
    } else {
        let rows: Vec<[String; 6]> = deployments.iter().map(row).collect();
        output.lines(&columns(["DEPLOYMENT", "STATUS", "APPLICATION", "GROUP", "AGE", "TOOK"], &rows))?;
    }
    output.json(&ListDocument { deployments: deployments.iter().map(json::Deployment::of).collect() })?;
    Ok(())
}

fn row(progress: &Progress) -> [String; 6] {
    let age =
        progress.created_at.map(|created_at| duration_text(now().since(created_at))).unwrap_or_default();
    [
        progress.id.to_string(),
        progress.status.as_str().to_owned(),
        progress.application.clone(),
        progress.group.clone(),
        age,
        duration_text(progress.elapsed(now())),
    ]
}
