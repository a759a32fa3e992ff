//! `longshore up`: a server and hosts on this machine, for development.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use futures::future::select_all;
use serde::Serialize;

use super::Outcome;
use crate::advice::Advice;
use crate::args::Global;
use crate::data_dir::DataDir;
use crate::host_files::Places;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::output::line::{Line, Tone};
use crate::processes::{AgentStart, Process, Server, enroll_host, start_agent, start_server};
use crate::service::{Service, Tag};
use crate::settings;

/// The tag that every host made here has.
const TAG: (&str, &str) = ("host", "local");

/// Run a server and hosts on this machine, for development
///
/// Starts `longshore-server` and an agent for each host, found beside this program or in PATH, and stays
/// until Ctrl-C, which ends them all. What was deployed and what its hooks started stays. Run it again
/// with the same data folder to go on where you left off.
///
/// The data folder is --data-dir, else $LONGSHORE_DATA_DIR, else ./.longshore if it exists, else
/// $XDG_DATA_HOME/longshore (~/.local/share/longshore). Each host has a folder below it, in which its
/// agent runs: a relative destination in an AppSpec file is below that.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore up
  longshore up --data-dir /tmp/play --listen 127.0.0.1:0 --hosts 3
and in another terminal:
  longshore deploy ./my-app --application my-app --group all --create --tag host=local

With --output json: one document when all is up, {\"endpoint\",\"dataDir\",\"hosts\":[{\"name\",\"folder\"}]}.")]
pub(crate) struct Args {
    /// Where the server listens; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: String,
    /// How many hosts: local-1, local-2, ... each with the tag host=local
    #[arg(long, value_name = "N", default_value_t = 1)]
    hosts: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    endpoint: &'a str,
    data_dir: &'a Path,
    hosts: &'a [LocalHost],
}

/// A host on this machine.
#[derive(Clone, Debug, Serialize)]
struct LocalHost {
    name: String,
    folder: PathBuf,
}

/// Starts everything, waits for Ctrl-C, ends everything.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let mut interrupt = Interrupt::listen()?;
    let dir = settings::data_dir(global.data_dir.as_ref());
    let dir = DataDir::new(std::path::absolute(dir.path()).context("the data folder's path is no use")?);
    let mut running = Vec::new();
    let ended = tokio::select! {
        ended = serve(args, &dir, &mut running, output) => Some(ended),
        () = interrupt.heard() => None,
    };
    let said = match ended {
        Some(_) => Ok(()),
        None => output.text("ending the agents and the server"),
    };
    // Agents first: they finish what they are doing, and the server takes their reports.
    while let Some(process) = running.pop() {
        process.stop().await;
    }
    // A reader that is gone is no reason to leave anything running: it is looked at last.
    said?;
    ended.transpose().map(|_| Outcome::Done)
}

/// Starts everything and stays; returns only with an error. What runs is in `running`, the server first.
async fn serve(
    args: &Args,
    dir: &DataDir,
    running: &mut Vec<Process>,
    output: Output,
) -> anyhow::Result<std::convert::Infallible> {
    let Server { process, endpoint } =
        start_server(dir.path(), &args.listen, &[]).await.context(Advice::new(
            "the server did not start",
            "choose another address with --listen 127.0.0.1:0, or another folder with --data-dir",
        ))?;
    running.push(process);
    let facts = dir.server().context("the server started, but left no key")?;
    let service = Service::new(settings::of_folder(facts))?;
    let mut hosts = Vec::new();
    for number in 1..=args.hosts {
        let host =
            LocalHost { name: format!("local-{number}"), folder: dir.host(&format!("local-{number}")) };
        running.push(start_host(&service, &host, dir).await?);
        hosts.push(host);
    }
    describe(&endpoint, dir, &hosts, output)?;
    output.json(&Document { endpoint: &endpoint, data_dir: dir.path(), hosts: &hosts })?;
    let (error, _, _) = select_all(running.iter_mut().map(|process| Box::pin(process.ended_unasked()))).await;
    Err(error)
}

/// Enrolls the host unless it was by an earlier run, and starts its agent.
async fn start_host(service: &Service, host: &LocalHost, dir: &DataDir) -> anyhow::Result<Process> {
    let places = Places::below(&host.folder);
    if places.identity_file().exists() {
        // The server may listen elsewhere now.
        let signer = fs::read_to_string(dir.signer()).context("cannot read the signer's certificate")?;
        let written = places.write_agent(&service.connection().endpoint, &signer);
        written.context("cannot write the agent's configuration")?;
    } else {
        let tag = Tag { key: TAG.0.to_owned(), value: TAG.1.to_owned() };
        enroll_host(service, &host.name, &[tag], &host.folder).await?;
    }
    start_agent(&AgentStart {
        host: &host.name,
        config_file: &places.agent_file(),
        working_dir: &host.folder,
        log: &host.folder.join("log/agent.out"),
        variables: &[],
    })
}

fn describe(endpoint: &str, dir: &DataDir, hosts: &[LocalHost], output: Output) -> anyhow::Result<()> {
    let row = |what: &str, text: String| Line::of(Tone::Faint, format!("  {what:8}")).then(Tone::Plain, text);
    output.line(&Line::of(Tone::Good, "Longshore is up; Ctrl-C ends it."))?;
    output.line(&row("server", endpoint.to_owned()))?;
    output.line(&row("data", format!("{} (log: log/server.log)", dir.path().display())))?;
    for host in hosts {
        output.line(&row(
            "host",
            format!("{}, tag {}={}: {}", host.name, TAG.0, TAG.1, host.folder.display()),
        ))?;
    }
    output.text("In another terminal:")?;
    output.text(&format!("  eval \"$(longshore env --data-dir {})\"", dir.path().display()))?;
    output.text(&format!(
        "  longshore deploy ./my-app --application my-app --group all --create --tag {}={}",
        TAG.0, TAG.1
    ))?;
    Ok(())
}
