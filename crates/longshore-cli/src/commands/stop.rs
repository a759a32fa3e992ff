//! `longshore stop`.

use serde::Serialize;

use super::Outcome;
use super::watch::deployment_id;
use crate::args::Global;
use crate::output::Output;
use crate::service::Service;
use crate::settings;

/// Stop a deployment
///
/// No further host is begun, and no further lifecycle event. A script that is running runs to its end;
/// nothing is undone. Hosts that were not reached are Skipped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  longshore stop d-A1B2C3D4E && longshore watch d-A1B2C3D4E

With --output json: {\"deploymentId\",\"message\"}")]
pub(crate) struct Args {
    /// The deployment's id
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    deployment_id: &'a str,
    message: &'a str,
}

/// Asks the server to stop it.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let id = deployment_id(&args.id)?;
    let service = Service::new(settings::connection(global)?)?;
    let message = service.stop_deployment(&id).await?;
    output.text(&format!("{id}  {message}"))?;
    output.json(&Document { deployment_id: id.as_str(), message: &message })?;
    Ok(Outcome::Done)
}
