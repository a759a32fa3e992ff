//! How a fleet's size tells: deployments from a hundred hosts to ten thousand, and what so many parked
//! polls cost. The hosts are simulated in this process, on the same machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::{StreamExt as _, TryStreamExt as _};
use longshore_journey::Server;
use tokio::task::JoinHandle;

use crate::deployment::{SimulatedHost, client, credentials, deploy_and_wait, group, simulated_host};
use crate::figure::Figure;
use crate::plot;
use crate::process::{cpu_seconds, resident_mib};

/// The fleets, each larger by about the same factor.
const SIZES: [usize; 5] = [100, 300, 1_000, 3_000, 10_000];

/// How many hosts are made at the same time.
const AT_ONCE: usize = 64;

/// How long the parked fleet is watched.
const WATCH: Duration = Duration::from_secs(10);

const CONFIG: &str = "[quotas]\nhosts_per_deployment = 20000\nconcurrent_hosts = 20000\n";

/// The figures, and a plot of them.
pub(crate) async fn measure() -> anyhow::Result<(Vec<Figure>, String)> {
    let folder = tempfile::tempdir_in(".")?;
    let server = Server::start(folder.path(), CONFIG);
    let root = client(&server, &credentials(&server.env())?)?;
    let pid = server.process().pid();
    let (mut figures, mut points) = (Vec::new(), Vec::new());
    let mut fleet = Fleet::default();
    let before = resident_mib(pid)?;
    for n_hosts in SIZES {
        fleet.grow(&server, n_hosts).await?;
        if n_hosts == SIZES[0] {
            group(&root).await?;
        }
        fleet.all_parked(pid).await?;
        if n_hosts == SIZES[SIZES.len() - 1] {
            figures.extend(parked(pid, n_hosts, before).await?);
        }
        fleet.first_commands.store(0, Ordering::Relaxed);
        let woken = fleet.woken(n_hosts);
        let started = Instant::now();
        deploy_and_wait(&root, "app.zip").await?;
        let seconds = started.elapsed().as_secs_f64();
        let woken = woken.await?.duration_since(started).as_secs_f64();
        points.push((n_hosts as f64, seconds));
        figures.push(Figure {
            name: format!("no-op deployment, {n_hosts} simulated hosts"),
            value: seconds,
            unit: "s",
            floor: None,
            aim: match n_hosts {
                1_000 => "at most 10 s",
                10_000 => "at most 100 s",
                _ => "",
            },
        });
        if n_hosts == SIZES[SIZES.len() - 1] {
            figures.push(Figure {
                name: format!("{n_hosts} parked polls, all answered after"),
                value: woken,
                unit: "s",
                floor: None,
                aim: "at most 1 s",
            });
        }
    }
    let first = points[0].1 / points[0].0;
    for (n_hosts, seconds) in &points[1..] {
        figures.push(Figure {
            name: format!("time for each of {n_hosts} hosts"),
            value: seconds / n_hosts * 1000.0,
            unit: "ms",
            floor: Some(("each of 100 hosts", first * 1000.0)),
            aim: "at most 1: no faster than linearly",
        });
    }
    let plot = plot::log_log("no-op deployment, seconds by hosts", &points);
    Ok((figures, plot))
}

/// Simulated hosts that poll.
#[derive(Default)]
struct Fleet {
    polls: Vec<JoinHandle<anyhow::Result<()>>>,
    /// How many have got the first command of the present deployment.
    first_commands: Arc<AtomicUsize>,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for poll in &self.polls {
            poll.abort();
        }
    }
}

impl Fleet {
    async fn grow(&mut self, server: &Server, n_hosts: usize) -> anyhow::Result<()> {
        let root = client(server, &credentials(&server.env())?)?;
        let making = (self.polls.len()..n_hosts).map(|idx| simulated_host(server, &root, idx));
        let hosts: Vec<SimulatedHost> =
            futures::stream::iter(making).buffer_unordered(AT_ONCE).try_collect().await?;
        for host in hosts {
            let first_commands = Arc::clone(&self.first_commands);
            self.polls.push(tokio::spawn(async move { host.serve(&first_commands).await }));
        }
        Ok(())
    }

    /// Waits until the server does nothing any more: every host's poll is parked.
    async fn all_parked(&self, pid: u32) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let before = cpu_seconds(pid)?;
            tokio::time::sleep(Duration::from_millis(500)).await;
            if cpu_seconds(pid)? - before < 0.02 {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "the server does not come to rest");
        }
    }

    /// When `n_hosts` have got their first command.
    fn woken(&self, n_hosts: usize) -> impl Future<Output = anyhow::Result<Instant>> + use<> {
        let first_commands = Arc::clone(&self.first_commands);
        let waiting = tokio::spawn(async move {
            while first_commands.load(Ordering::Relaxed) < n_hosts {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Instant::now()
        });
        async move { waiting.await.context("the hosts were not waited for") }
    }
}

/// What a fleet costs that waits.
async fn parked(pid: u32, n_hosts: usize, before: f64) -> anyhow::Result<Vec<Figure>> {
    let cpu = cpu_seconds(pid)?;
    let started = Instant::now();
    tokio::time::sleep(WATCH).await;
    let share = (cpu_seconds(pid)? - cpu) / started.elapsed().as_secs_f64() * 100.0;
    let resident = resident_mib(pid)?;
    Ok(vec![
        Figure {
            name: format!("server with {n_hosts} parked polls, resident"),
            value: resident,
            unit: "MiB",
            floor: Some(("without hosts", before)),
            aim: "at most 300 MiB",
        },
        Figure {
            name: format!("server with {n_hosts} parked polls, CPU"),
            value: share,
            unit: "% of a core",
            floor: None,
            aim: "none to speak of",
        },
    ])
}
