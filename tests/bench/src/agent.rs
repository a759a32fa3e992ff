//! The agent as hosts get it (profile `agent`), against a real server: what it costs while it has nothing
//! to do, over many deployments, with a large bundle, and with a script that says a lot.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use longshore_journey::{App, Aws, Host, Server};
use longshore_wire::client::Client;

use crate::bundle;
use crate::deployment::{client, credentials, deploy_and_wait, group};
use crate::figure::{Aim, Figure};
use crate::process::{cpu_seconds, forget_peak, peak_mib, resident_mib};

/// Deployments that bring the agent to its size: files, connections, threads.
const FIRST: usize = 500;

/// Deployments over which the agent must not grow.
const MANY: usize = 1_000;

/// An agent's size is the least that it had after one of so many deployments: what comes and goes with each
/// is no growth.
const LAST: usize = 100;

const LINES: usize = 1_000_000;

/// A program of the profile `agent`: `make bench` builds it.
pub(crate) fn agent_build(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // target/<profile>/<program>
    let path = own.ancestors().nth(2).context("target/<profile>")?.join("agent").join(name);
    anyhow::ensure!(path.exists(), "{} is missing: `make bench` builds it", path.display());
    Ok(path)
}

/// A server, one host with an agent, and an application with a group of that host.
struct Site {
    server: Server,
    host: Host,
    aws: Aws,
    path: PathBuf,
    /// Removed last.
    _folder: tempfile::TempDir,
}

impl Site {
    fn start() -> anyhow::Result<Site> {
        let folder = tempfile::tempdir_in(".")?;
        let path = folder.path().canonicalize()?;
        let server = Server::start(&path.join("control"), "");
        let mut host = Host::add_stopped(&server, &path, "h1");
        host.start_program(&agent_build("longshore-agent")?);
        let aws = Aws::new(&server, &path);
        aws.ok("s3 mb s3://bundles");
        Ok(Site { server, host, aws, path, _folder: folder })
    }

    fn pid(&self) -> u32 {
        self.host.process().pid()
    }

    async fn client(&self) -> anyhow::Result<Client> {
        let root = client(&self.server, &credentials(&self.server.env())?)?;
        group(&root).await?;
        Ok(root)
    }

    /// Deploys the same again and again.
    async fn deploy_many(&self, root: &Client, n_deployments: usize) -> anyhow::Result<Many> {
        let mut many = Many { fastest: Duration::MAX, resident_mib: f64::INFINITY };
        for idx in 0..n_deployments {
            let started = Instant::now();
            deploy_and_wait(root, "app.zip").await?;
            many.fastest = many.fastest.min(started.elapsed());
            if n_deployments - LAST <= idx {
                many.resident_mib = many.resident_mib.min(resident_mib(self.pid())?);
            }
        }
        Ok(many)
    }

    /// Makes `content` of `app` the revision that is deployed.
    fn push(&self, app: &App) -> anyhow::Result<()> {
        let zip = self.path.join("app.zip");
        // What zip finds it would add to.
        std::fs::remove_file(&zip).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        bundle::run(
            std::process::Command::new("zip").args(["-qr"]).arg(&zip).arg(".").current_dir(app.folder()),
        )?;
        self.upload(&zip, "app.zip");
        Ok(())
    }

    fn upload(&self, file: &Path, key: &str) {
        self.aws.ok(&format!("s3 cp --only-show-errors {} s3://bundles/{key}", file.display()));
    }
}

/// What many deployments to one host came to.
struct Many {
    fastest: Duration,
    /// The least after one of the last [`LAST`].
    resident_mib: f64,
}

/// An agent that has nothing to do.
pub(crate) async fn idle(watched: Duration) -> anyhow::Result<Vec<Figure>> {
    let site = Site::start()?;
    // Past the start: the first poll is parked.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = cpu_seconds(site.pid())?;
    tokio::time::sleep(watched).await;
    let cpu = cpu_seconds(site.pid())? - before;
    let size = std::fs::metadata(agent_build("longshore-agent")?)?.len();
    Ok(vec![
        figure("idle agent, resident memory", resident_mib(site.pid())?, "MiB", Aim::Under(6.0)),
        figure(
            "idle agent, CPU between polls",
            cpu / watched.as_secs_f64() * 100.0,
            "% of a core",
            Aim::AtMost(0.05),
        ),
        figure("agent, size of the program", size as f64 / 1e6, "MB", Aim::Under(6.0)),
    ])
}

/// Seven events with one small file: how long that takes, and what a thousand of them leave behind.
pub(crate) async fn many() -> anyhow::Result<Vec<Figure>> {
    let site = Site::start()?;
    let app = App::write(&site.path.join("source"), "one\n");
    app.file("appspec.yml", &appspec(""), 0o644);
    site.push(&app)?;
    let root = site.client().await?;
    let before = site.deploy_many(&root, FIRST).await?;
    let cpu_before = cpu_seconds(site.pid())?;
    let after = site.deploy_many(&root, MANY).await?;
    let cpu = cpu_seconds(site.pid())? - cpu_before;
    let fastest = after.fastest.min(before.fastest).as_secs_f64();
    Ok(vec![
        figure("seven events on one real host, best", fastest, "s", Aim::Under(0.15)),
        figure("seven events, agent's CPU", cpu / MANY as f64 * 1e3, "CPU ms", Aim::None),
        figure("agent after 500 deployments", before.resident_mib, "MiB", Aim::None),
        figure("agent after 1,000 more", after.resident_mib, "MiB", Aim::AtMost(before.resident_mib + 0.1)),
    ])
}

/// The whole way of a large bundle: download, unpack, install.
pub(crate) async fn large() -> anyhow::Result<Vec<Figure>> {
    let site = Site::start()?;
    bundle::large(&site.path)?;
    let root = site.client().await?;
    let mut figures = Vec::new();
    for (form, key) in [("tgz", "app.tgz"), ("zip", "app.zip")] {
        site.upload(&site.path.join(form), key);
        forget_peak(site.pid())?;
        let before = cpu_seconds(site.pid())?;
        deploy_and_wait(&root, key).await?;
        let cpu = cpu_seconds(site.pid())? - before;
        let name = |what: &str| format!("whole deployment of 512 MiB as {form}, {what}");
        figures.push(figure(&name("agent's CPU"), cpu, "CPU s", Aim::None));
        figures.push(figure(&name("peak"), peak_mib(site.pid())?, "MiB", Aim::Under(24.0)));
    }
    Ok(figures)
}

/// A script that prints a million lines.
pub(crate) async fn lines() -> anyhow::Result<Vec<Figure>> {
    let site = Site::start()?;
    let app = App::write(&site.path.join("source"), "one\n");
    let hooks = "hooks:\n  AfterInstall:\n    - location: scripts/say.sh\n      timeout: 600\n";
    app.file("appspec.yml", &appspec(hooks), 0o644);
    let script = format!("#!/bin/sh\nyes 'a line of output of a script' | head -n {LINES}\n");
    app.file("scripts/say.sh", &script, 0o755);
    site.push(&app)?;
    let root = site.client().await?;
    let before = cpu_seconds(site.pid())?;
    forget_peak(site.pid())?;
    deploy_and_wait(&root, "app.zip").await?;
    let cpu = cpu_seconds(site.pid())? - before;
    Ok(vec![
        figure("hook that prints 1,000,000 lines, agent's CPU", cpu, "CPU s", Aim::Under(1.5)),
        figure("hook that prints 1,000,000 lines, peak", peak_mib(site.pid())?, "MiB", Aim::Under(24.0)),
    ])
}

fn appspec(hooks: &str) -> String {
    format!("version: 0.0\nos: linux\nfiles:\n  - source: content\n    destination: app\n{hooks}")
}

fn figure(name: &str, value: f64, unit: &'static str, aim: Aim) -> Figure {
    Figure { name: name.to_owned(), value, unit, floor: None, aim }
}
