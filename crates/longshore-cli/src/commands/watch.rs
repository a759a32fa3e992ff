//! `longshore watch`, and the watching that `deploy` and `demo` share.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use longshore_model::deployment::DeploymentStatus;
use longshore_model::id::DeploymentId;
use longshore_model::time::Timestamp;
use serde::Serialize;
use tokio::time::sleep;

use super::Outcome;
use crate::advice::Advice;
use crate::args::Global;
use crate::interrupt::Interrupt;
use crate::output::board::board;
use crate::output::json;
use crate::output::line::Line;
use crate::output::live::Live;
use crate::output::plain::{change_document, change_line};
use crate::output::report::failure_report;
use crate::output::{Output, Screen};
use crate::progress::Progress;
use crate::progress::change::changes;
use crate::service::Service;
use crate::settings;

/// How often a terminal is brought up to date: events of a small application take a few tenths of a second.
const LOOK_LIVE: Duration = Duration::from_millis(150);
/// How often a pipe is.
const LOOK_PLAIN: Duration = Duration::from_millis(500);

/// Show a deployment happening, until it ends
///
/// On a terminal: a row for each host with its lifecycle events, drawn live. On a pipe: a line for each
/// change. Ctrl-C ends the watching, not the deployment.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  longshore watch d-A1B2C3D4E

Exit status: 0 Succeeded, 1 Failed, 3 Stopped, 2 could not be watched, 130 interrupted.

With --output json, a JSON object a line:
  {\"type\":\"deployment\",\"deploymentId\",\"status\"}
  {\"type\":\"event\",\"deploymentId\",\"host\",\"event\":{\"name\",\"status\",\"startTime\",\"endTime\",\"diagnostics\"}}
  {\"type\":\"host\",\"deploymentId\",\"host\",\"status\"}
  {\"type\":\"result\",\"deployment\":{...}}      the last line: what `longshore status ID` shows")]
pub(crate) struct Args {
    /// The deployment's id
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "result")]
struct ResultDocument<'a> {
    deployment: json::Deployment<'a>,
}

/// Watches one deployment.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let id = deployment_id(&args.id)?;
    let service = Service::new(settings::connection(global)?)?;
    watch(&service, &id, output).await
}

/// Reads a deployment id from the command line.
///
/// # Errors
/// When it is none, with the rule.
pub(crate) fn deployment_id(text: &str) -> anyhow::Result<DeploymentId> {
    DeploymentId::parse(text)
        .context(Advice::new("that is no deployment", "`longshore status` lists the latest deployments"))
}

/// Shows the deployment until it ends or somebody presses Ctrl-C, then the report of what failed.
///
/// # Errors
/// When the server cannot be asked.
pub(crate) async fn watch(service: &Service, id: &DeploymentId, output: Output) -> anyhow::Result<Outcome> {
    let mut interrupt = Interrupt::listen()?;
    let mut view = View::new(output, Vec::new);
    let watched = tokio::select! {
        watched = follow(service, id, &mut view) => Some(watched?),
        () = interrupt.heard() => None,
    };
    view.finish()?;
    let Some(progress) = watched else {
        output.text(&format!("stopped watching; the deployment goes on: longshore watch {id}"))?;
        return Ok(Outcome::Interrupted);
    };
    conclude(&progress, output)
}

/// The report of an ended deployment, and its outcome.
///
/// # Errors
/// When stdout cannot be written.
pub(crate) fn conclude(progress: &Progress, output: Output) -> anyhow::Result<Outcome> {
    if progress.status != DeploymentStatus::Succeeded {
        output.lines(&failure_report(progress))?;
    }
    output.json(&ResultDocument { deployment: json::Deployment::of(progress) })?;
    Ok(Outcome::of(progress.status))
}

/// Looks again and again until the deployment is final, showing each look.
///
/// # Errors
/// When the server cannot be asked, or stdout not written.
pub(crate) async fn follow<F: Fn() -> Vec<Line>>(
    service: &Service,
    id: &DeploymentId,
    view: &mut View<F>,
) -> anyhow::Result<Progress> {
    let mut known = Known::default();
    loop {
        let progress = look(service, id, &mut known).await?;
        let is_final = progress.status.is_final();
        view.show(progress)?;
        if is_final {
            return view.last.clone().context("nothing was shown");
        }
        sleep(view.interval()).await;
    }
}

/// What need not be asked at every look.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The hosts' names: they do not change once the deployment has started.
    names: Vec<String>,
    /// When the wait between zones ends, once the server was asked; it may not say.
    wait_ends: Option<Option<Timestamp>>,
}

/// One look at a deployment and its hosts.
///
/// # Errors
/// When the server cannot be asked.
pub(crate) async fn look(
    service: &Service,
    id: &DeploymentId,
    known: &mut Known,
) -> anyhow::Result<Progress> {
    let mut progress = service.deployment(id).await?;
    if known.names.is_empty() && progress.status != DeploymentStatus::Created {
        known.names = service.target_names(id).await?;
    }
    progress.hosts = service.targets(id, &known.names).await?;
    let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now());
    known.wait_ends = match known.wait_ends {
        _ if progress.status != DeploymentStatus::Baking => None,
        Some(end) if !is_over(end) => Some(end),
        Some(_) | None => Some(service.waits_until(id).await),
    };
    progress.waits_until = known.wait_ends.flatten();
    Ok(progress)
}

/// What is shown of a deployment while it is followed.
pub(crate) struct View<F> {
    output: Output,
    live: Option<Live>,
    /// Lines below the board, asked for at each drawing.
    below: F,
    last: Option<Progress>,
}

impl<F: Fn() -> Vec<Line>> View<F> {
    /// A view on `output`; `below` gives the lines below the board of a terminal.
    pub(crate) fn new(output: Output, below: F) -> View<F> {
        View { output, live: Live::on(output), below, last: None }
    }

    fn interval(&self) -> Duration {
        match self.output.screen {
            Screen::Terminal { .. } => LOOK_LIVE,
            Screen::Pipe => LOOK_PLAIN,
        }
    }

    fn show(&mut self, progress: Progress) -> anyhow::Result<()> {
        match &self.live {
            Some(live) => live.draw(&self.drawing(&progress, live)),
            None => self.tell(&progress)?,
        }
        self.last = Some(progress);
        Ok(())
    }

    fn drawing(&self, progress: &Progress, live: &Live) -> Vec<Line> {
        let below = (self.below)();
        // Title, header, "and more" and the bar.
        let max_rows = live.max_lines().saturating_sub(below.len() + 4).max(1);
        let mut lines = board(progress, now(), max_rows);
        lines.extend(below);
        lines
    }

    fn tell(&self, progress: &Progress) -> anyhow::Result<()> {
        for change in changes(self.last.as_ref(), progress) {
            self.output.line(&change_line(&change, progress, now()))?;
            self.output.json(&change_document(&change, progress.id.as_str()))?;
        }
        Ok(())
    }

    /// Leaves the last drawing standing.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        if let (Some(live), Some(progress)) = (self.live.take(), self.last.take()) {
            let lines = self.drawing(&progress, &live);
            live.finish(&lines)?;
        }
        Ok(())
    }
}

/// This machine's clock.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
