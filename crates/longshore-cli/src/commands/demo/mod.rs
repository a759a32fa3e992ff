//! `longshore demo`: a web application in two versions on three hosts of this machine, the second put
//! there one host at a time while a client keeps asking all three.

mod application;
mod client;
mod folder;
mod stage;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde::Serialize;

use super::Outcome;
use super::push::{UploadArgs, pack, upload};
use super::watch::{View, conclude, follow};
use crate::advice::Advice;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::output::line::{Line, Tone, duration_text};
use crate::progress::Progress;
use crate::service::{NewDeployment, S3Revision, Tag};
use application::Version;
use client::Client;
use folder::DemoFolder;
use stage::Stage;

/// The application's name in Longshore.
const APPLICATION: &str = "harbour-board";
/// Its deployment group: all three hosts.
const GROUP: &str = "pier";
/// The tag by which the group chooses hosts.
const TAG: (&str, &str) = ("pier", "1");
/// How long the client asks before and after the second deployment, so that both versions are seen.
const CALM: Duration = Duration::from_secs(1);

/// Deploy a web application in two versions to three hosts on this machine
///
/// Starts a server and three agents, each with a folder, a port and an identity of its own; deploys
/// version 1 to all three at once, then version 2 one host at a time while a client keeps asking all
/// three; counts the answers. Ends everything it started, also on Ctrl-C.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore demo
  longshore demo --keep           leave it running until Ctrl-C, to look at the pages

With --output json, a JSON object a line: what `longshore push` and `longshore watch` print for the two
deployments, then {\"type\":\"answers\",\"mostDown\":n,\"hosts\":[{\"host\",\"url\",\"answers\":{\"1\":n,\"2\":n},\"nRefused\",\"nCut\"}]}.")]
pub(crate) struct Args {
    /// The folder to play in; made anew each time
    #[arg(long, value_name = "DIR", default_value = ".longshore-demo")]
    dir: PathBuf,
    /// Leave everything running until Ctrl-C
    #[arg(long)]
    keep: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "answers")]
struct AnswersDocument {
    #[serde(rename = "mostDown")]
    most_down: usize,
    hosts: Vec<client::HostDocument>,
}

/// Plays the demo and cleans up, whatever happens.
pub(crate) async fn run(args: &Args, output: Output) -> anyhow::Result<Outcome> {
    let mut interrupt = Interrupt::listen()?;
    let folder = DemoFolder::open(&args.dir)?;
    let mut stage = Stage::new(&folder);
    let played = tokio::select! {
        played = play(args, &folder, &mut stage, output) => played,
        () = interrupt.heard() => Ok(Outcome::Interrupted),
    };
    let said = match played {
        Ok(Outcome::Interrupted) => output.text("\nending everything that was started"),
        Ok(_) | Err(_) => Ok(()),
    };
    // Before any error is looked at: a reader that is gone must not leave the pages running.
    stage.clear().await;
    said?;
    match played {
        Ok(Outcome::Done) => farewell(&folder, output)?,
        Ok(Outcome::DeploymentFailed | Outcome::DeploymentStopped) | Err(_) => {
            output.text(&format!("logs of the server and the hosts are in {}", folder.path().display()))?;
        }
        Ok(Outcome::Interrupted | Outcome::CouldNot) => {}
    }
    played
}

async fn play(
    args: &Args,
    folder: &DemoFolder,
    stage: &mut Stage<'_>,
    output: Output,
) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    step(output, "1/5  Starting a server and three hosts")?;
    stage.start_server().await?;
    stage.start_hosts().await?;
    stage.describe(output)?;

    step(output, "2/5  Making the application and its deployment group, and pushing both versions")?;
    let service = stage.service()?.clone();
    service.ensure_application(APPLICATION).await?;
    let tag = Tag { key: TAG.0.to_owned(), value: TAG.1.to_owned() };
    service.ensure_group(APPLICATION, GROUP, &[tag]).await?;
    let first = push(stage, folder, Version::First, output).await?;
    let second = push(stage, folder, Version::Second, output).await?;

    step(output, "3/5  Deploying version 1 to all three hosts at once")?;
    let progress = deploy(stage, &first, "CodeDeployDefault.AllAtOnce", output, Vec::new).await?;
    let outcome = conclude(&progress, output)?;
    if outcome != Outcome::Done {
        return Ok(outcome);
    }

    step(output, "4/5  Deploying version 2 one host at a time, while a client keeps asking all three")?;
    let client = Client::start(stage.hosts());
    tokio::time::sleep(CALM).await;
    let progress = deploy(stage, &second, "CodeDeployDefault.OneAtATime", output, || client.table()).await?;
    tokio::time::sleep(CALM).await;
    let answers = client.stop().await;
    let outcome = conclude(&progress, output)?;
    if outcome != Outcome::Done {
        return Ok(outcome);
    }

    step(output, "5/5  What the client saw")?;
    output.lines(&answers.table())?;
    output.lines(&answers.remarks())?;
    output.json(&AnswersDocument { most_down: answers.most_down(), hosts: answers.documents() })?;
    if !answers.all_end_with(Version::Second) {
        bail!(Advice::new(
            "not every host answers with version 2 in the end",
            format!("look into {}", folder.path().display())
        ));
    }
    output.line(&Line::of(Tone::Good, format!("Done in {}.", duration_text(began.elapsed()))))?;
    if args.keep {
        stage.invite(output)?;
        return Err(stage.ended_unasked().await);
    }
    Ok(Outcome::Done)
}

fn step(output: Output, text: &str) -> anyhow::Result<()> {
    output.text("")?;
    output.line(&Line::of(Tone::Strong, text))?;
    Ok(())
}

async fn push(
    stage: &Stage<'_>,
    folder: &DemoFolder,
    version: Version,
    output: Output,
) -> anyhow::Result<S3Revision> {
    let source = folder.bundle(version);
    application::write(&source, version)?;
    let packed = pack(&source, false)?;
    upload(stage.service()?, &packed, APPLICATION, &UploadArgs::default(), output).await
}

async fn deploy(
    stage: &mut Stage<'_>,
    revision: &S3Revision,
    config: &str,
    output: Output,
    below: impl Fn() -> Vec<Line>,
) -> anyhow::Result<Progress> {
    let service = stage.service()?.clone();
    let id = service
        .create_deployment(NewDeployment {
            application: APPLICATION.to_owned(),
            group: GROUP.to_owned(),
            config: Some(config.to_owned()),
            revision: revision.clone(),
            description: None,
            file_exists_behavior: None,
            ignore_application_stop_failures: false,
        })
        .await?;
    let mut view = View::new(output, below);
    let progress = tokio::select! {
        progress = follow(&service, &id, &mut view) => progress?,
        error = stage.ended_unasked() => return Err(error),
    };
    view.finish()?;
    Ok(progress)
}

fn farewell(folder: &DemoFolder, output: Output) -> anyhow::Result<()> {
    let path = folder.path().display();
    output.text("")?;
    output.text("Everything has been ended again. What is left to look at:")?;
    output.text(&format!("  {path}/bundles/         the two versions, as they were pushed"))?;
    output.text(&format!(
        "  {path}/hosts/web-1/     a host: its agent's log, its deployments, the page it served"
    ))?;
    output.text(&format!("  {path}/server/          the server's database, bundles and log"))?;
    output.text("What to try next:")?;
    output.text("  make demo KEEP=1              the same, left running: open the pages, use the AWS CLI")?;
    output.text("  longshore up                  a server and a host for your own application")?;
    output.text("  longshore deploy --help       how to deploy it")?;
    Ok(())
}
