//! How a fleet's size tells, on SQLite and on PostgreSQL: deployments from a hundred hosts to ten thousand,
//! and what so many parked polls cost. The hosts are simulated in this process, on the same machine.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use futures::{StreamExt as _, TryStreamExt as _};
use longshore_journey::Server;
use longshore_store::cluster::Cluster;
use longshore_wire::client::Client;
use tokio::task::JoinHandle;

use crate::deployment::{
    DEADLINE, Progress, SimulatedHost, client, create_deployment, credentials, group, is_succeeded,
    simulated_host, succeeded,
};
use crate::figure::{Aim, Figure};
use crate::growth::{exponent, median};
use crate::plot::{self, Series};
use crate::process::{cpu_seconds, forget_peak, peak_mib, resident_mib};

/// The fleets, each larger by about the same factor.
pub(crate) const SIZES: [usize; 5] = [100, 300, 1_000, 3_000, 10_000];

/// What a server keeps things in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    /// Its own file.
    Sqlite,
    /// A cluster that is started for it, which syncs to disk.
    Postgresql,
}

impl Database {
    pub(crate) const ALL: [Database; 2] = [Database::Sqlite, Database::Postgresql];

    fn name(self) -> &'static str {
        match self {
            Database::Sqlite => "SQLite",
            Database::Postgresql => "PostgreSQL",
        }
    }

    fn mark(self) -> char {
        match self {
            Database::Sqlite => 'o',
            Database::Postgresql => 'x',
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name().to_lowercase())
    }
}

/// How many hosts are made at the same time.
const AT_ONCE: usize = 64;

/// A fleet is deployed to until so many hosts have been, but not more often than this: a small one takes so
/// little time that one run says little.
const HOSTS_OF_A_SIZE: usize = 3_000;
const MOST_RUNS: usize = 5;

/// How long the parked fleet is watched: as long as a poll is held, so that every host asks once again.
const WATCH: Duration = Duration::from_secs(45);

/// How often somebody who watches a deployment asks how it stands.
const LOOK: Duration = Duration::from_secs(1);

/// What two measurements of the same differ by on a quiet machine.
const NOISE: f64 = 1.1;

const CONFIG: &str =
    "[quotas]\nhosts_per_deployment = 20000\nconcurrent_hosts = 20000\n[api]\nrequests_per_second = 0\n";

/// What was measured of one size: medians of its runs.
#[derive(Clone, Copy, Debug)]
struct Sample {
    n_hosts: f64,
    /// The deployment, from its creation until it has succeeded.
    seconds: f64,
    /// What the server's CPU took meanwhile.
    cpu_seconds: f64,
    /// From when the first host had its first command until the last had, and from when they were planned.
    wake_seconds: f64,
    planned_to_woken: f64,
    /// The server's memory while all polls are parked.
    parked_mib: f64,
}

/// What was measured on one database.
struct Measured {
    database: Database,
    samples: Vec<Sample>,
    /// The server's memory before the first host, and the most that it came to.
    empty_mib: f64,
    peak_mib: f64,
    /// Of a core, while the largest fleet is parked.
    parked_cpu: f64,
}

/// The figures, and what is to be seen below them: a table and a plot.
pub(crate) async fn measure(
    sizes: &[usize],
    databases: &[Database],
) -> anyhow::Result<(Vec<Figure>, String)> {
    anyhow::ensure!(
        sizes.is_sorted() && sizes.first() > Some(&0),
        "not sizes of fleets, smallest first: {sizes:?}"
    );
    // All on the same disk.
    let parent = std::env::temp_dir();
    let mut measured: Vec<Measured> = Vec::new();
    for database in databases {
        measured.push(measure_on(*database, sizes, &parent).await?);
    }
    let Some((first, others)) = measured.split_first() else { return Ok((Vec::new(), String::new())) };
    let mut figures = first.deployments(None);
    for other in others {
        figures.extend(other.deployments(Some(first)));
    }
    figures.extend(measured.iter().flat_map(Measured::parked));
    let series: Vec<Series> = measured.iter().map(Measured::series).collect();
    let plot = plot::log_log("no-op deployment, seconds by hosts", &series);
    Ok((figures, format!("{}\n\n{plot}", table(&measured))))
}

async fn measure_on(database: Database, sizes: &[usize], parent: &Path) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir_in(parent)?;
    match database {
        Database::Sqlite => Measured::of(database, &Server::start(folder.path(), CONFIG), sizes).await,
        Database::Postgresql => {
            let cluster = Cluster::durable(parent).await;
            let server = Server::start_on(&cluster.new_database().await, folder.path(), CONFIG);
            Measured::of(database, &server, sizes).await
        }
    }
}

impl Measured {
    async fn of(database: Database, server: &Server, sizes: &[usize]) -> anyhow::Result<Measured> {
        let root = client(server, &credentials(&server.env())?)?;
        let pid = server.process().pid();
        forget_peak(pid)?;
        let mut measured = Measured {
            database,
            samples: Vec::new(),
            empty_mib: resident_mib(pid)?,
            peak_mib: 0.0,
            parked_cpu: f64::NAN,
        };
        let mut fleet = Fleet::default();
        for (idx, n_hosts) in sizes.iter().enumerate() {
            fleet.grow(server, *n_hosts).await?;
            if idx == 0 {
                group(&root).await?;
            }
            fleet.all_parked(pid).await?;
            let parked_mib = resident_mib(pid)?;
            if idx == sizes.len() - 1 {
                measured.parked_cpu = parked_cpu(pid).await?;
                fleet.all_parked(pid).await?;
            }
            let mut runs = Vec::new();
            for _ in 0..(HOSTS_OF_A_SIZE / n_hosts).clamp(1, MOST_RUNS) {
                runs.push(fleet.deployed_to(&root, pid).await?);
                fleet.all_parked(pid).await?;
            }
            let of_runs = |of: fn(&Run) -> f64| median(runs.iter().map(of).collect());
            measured.samples.push(Sample {
                n_hosts: *n_hosts as f64,
                seconds: of_runs(|run| run.seconds),
                cpu_seconds: of_runs(|run| run.cpu_seconds),
                wake_seconds: of_runs(|run| run.wake_seconds),
                planned_to_woken: of_runs(|run| run.planned_to_woken),
                parked_mib,
            });
        }
        measured.peak_mib = peak_mib(pid)?;
        Ok(measured)
    }

    fn points(&self, of: fn(&Sample) -> f64) -> Vec<(f64, f64)> {
        self.samples.iter().map(|sample| (sample.n_hosts, of(sample))).collect()
    }

    fn series(&self) -> Series {
        Series {
            name: self.database.name(),
            mark: self.database.mark(),
            points: self.points(|sample| sample.seconds),
        }
    }

    /// What deployments took, `beside` the same on the other database.
    fn deployments(&self, beside: Option<&Measured>) -> Vec<Figure> {
        let mut figures: Vec<Figure> = Vec::new();
        let name = self.database.name();
        for (idx, sample) in self.samples.iter().enumerate() {
            figures.push(Figure {
                name: format!("no-op deployment, {} hosts, {name}", sample.n_hosts),
                value: sample.seconds,
                unit: "s",
                floor: beside.map(|other| ("the same on the first database", other.samples[idx].seconds)),
                aim: match beside {
                    Some(_) if 1_000.0 <= sample.n_hosts => Aim::RatioAtMost(2.0),
                    // 10 s for 1,000 hosts, 100 s for 10,000.
                    None if 1_000.0 <= sample.n_hosts => Aim::AtMost(sample.n_hosts / 100.0),
                    Some(_) | None => Aim::None,
                },
            });
        }
        let (first, last) = (self.samples[0], self.samples[self.samples.len() - 1]);
        figures.push(Figure {
            name: format!("time for each of {} hosts, {name}", last.n_hosts),
            value: last.seconds / last.n_hosts * 1000.0,
            unit: "ms",
            floor: Some(("each of the fewest", first.seconds / first.n_hosts * 1000.0)),
            aim: Aim::RatioAtMost(NOISE),
        });
        figures.push(self.growth("of that time", |sample| sample.seconds));
        figures.push(self.growth("of the server's CPU for a deployment", |sample| sample.cpu_seconds));
        figures
    }

    /// How something grows with hosts: no faster than linearly.
    fn growth(&self, what: &str, of: fn(&Sample) -> f64) -> Figure {
        self.growth_of(what, &self.points(of))
    }

    fn growth_of(&self, what: &str, points: &[(f64, f64)]) -> Figure {
        let (first, last) = (self.samples[0], self.samples[self.samples.len() - 1]);
        Figure {
            name: format!("growth {what} with hosts, {}", self.database.name()),
            value: exponent(points),
            unit: "exponent",
            floor: Some(("linear", 1.0)),
            aim: Aim::RatioAtMost(1.0 + NOISE.ln() / (last.n_hosts / first.n_hosts).ln()),
        }
    }

    /// What parked polls took.
    fn parked(&self) -> Vec<Figure> {
        let last = self.samples[self.samples.len() - 1];
        let (n_hosts, name) = (last.n_hosts, self.database.name());
        let figure = |what: &str, value: f64, unit: &'static str, aim: Aim| Figure {
            name: format!("{n_hosts} parked polls, {what}, {name}"),
            value,
            unit,
            floor: None,
            aim,
        };
        let above_empty: Vec<(f64, f64)> = self
            .points(|sample| sample.parked_mib)
            .into_iter()
            .map(|(n_hosts, mib)| (n_hosts, mib - self.empty_mib))
            .collect();
        let mut resident = figure("server's memory", last.parked_mib, "MiB", Aim::AtMost(300.0));
        resident.floor = Some(("without hosts", self.empty_mib));
        vec![
            resident,
            figure("server's CPU", self.parked_cpu, "% of a core", Aim::AtMost(5.0)),
            figure("from the first woken to the last", last.wake_seconds, "s", Aim::AtMost(1.0)),
            figure("from the plan to the last woken", last.planned_to_woken, "s", Aim::None),
            figure("server's peak, deployments included", self.peak_mib, "MiB", Aim::None),
            self.growth("of the time from the first woken to the last", |sample| sample.wake_seconds),
            self.growth_of("of the memory of parked polls", &above_empty),
        ]
    }
}

/// Every size of every database in one line.
fn table(measured: &[Measured]) -> String {
    let mut lines = vec![format!(
        "{:<12} {:>7} {:>10} {:>9} {:>12} {:>9} {:>12} {:>12}",
        "database", "hosts", "seconds", "ms/host", "CPU ms/host", "wake s", "parked MiB", "KiB/poll"
    )];
    for one in measured {
        for sample in &one.samples {
            let n_hosts = sample.n_hosts;
            lines.push(format!(
                "{:<12} {:>7} {:>10.3} {:>9.3} {:>12.3} {:>9.3} {:>12.1} {:>12.1}",
                one.database.name(),
                n_hosts,
                sample.seconds,
                sample.seconds / n_hosts * 1000.0,
                sample.cpu_seconds / n_hosts * 1000.0,
                sample.wake_seconds,
                sample.parked_mib,
                (sample.parked_mib - one.empty_mib) / n_hosts * 1024.0,
            ));
        }
    }
    lines.join("\n")
}

/// One deployment to a whole fleet.
struct Run {
    seconds: f64,
    cpu_seconds: f64,
    wake_seconds: f64,
    planned_to_woken: f64,
}

/// Simulated hosts that poll.
#[derive(Default)]
struct Fleet {
    polls: Vec<JoinHandle<anyhow::Result<()>>>,
    progress: Arc<Progress>,
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
            let progress = Arc::clone(&self.progress);
            self.polls.push(tokio::spawn(async move { host.serve(&progress).await }));
        }
        Ok(())
    }

    /// Waits until the server has nothing to do but to hold polls: each asks again from time to time.
    async fn all_parked(&self, pid: u32) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let before = cpu_seconds(pid)?;
            tokio::time::sleep(Duration::from_millis(500)).await;
            if cpu_seconds(pid)? - before < 0.05 {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "the server does not come to rest");
        }
    }

    /// A deployment to all, watched as a person would until the last host has reported: whoever asks more
    /// often is part of what is measured.
    async fn deployed_to(&self, root: &Client, pid: u32) -> anyhow::Result<Run> {
        self.progress.clear();
        let cpu_before = cpu_seconds(pid)?;
        let started = Instant::now();
        let id = create_deployment(root, "app.zip").await?;
        let mut looked = Instant::now();
        while self.progress.done() < self.polls.len() {
            anyhow::ensure!(started.elapsed() < DEADLINE, "deployment {id} takes too long");
            tokio::time::sleep(Duration::from_millis(1)).await;
            if LOOK <= looked.elapsed() {
                looked = Instant::now();
                is_succeeded(root, &id).await?;
            }
        }
        succeeded(root, &id).await?;
        let seconds = started.elapsed().as_secs_f64();
        anyhow::ensure!(self.progress.woken() == self.polls.len(), "not every host got its first command");
        Ok(Run {
            seconds,
            cpu_seconds: cpu_seconds(pid)? - cpu_before,
            wake_seconds: self.progress.waking(),
            planned_to_woken: self.progress.planned_to_woken(),
        })
    }
}

/// What a fleet that waits takes of a core, in percent.
async fn parked_cpu(pid: u32) -> anyhow::Result<f64> {
    let before = cpu_seconds(pid)?;
    let started = Instant::now();
    tokio::time::sleep(WATCH).await;
    Ok((cpu_seconds(pid)? - before) / started.elapsed().as_secs_f64() * 100.0)
}
