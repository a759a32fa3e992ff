//! What breaks, and is repaired: both servers, the database and the fleet.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use longshore_journey::{Cluster, Server};
use tokio::runtime::Runtime;

use crate::api::Api;
use crate::application::{APPLICATION, push};
use crate::faults::Fault;
use crate::fleet::Fleet;
use crate::group::{EVERYONE, GROUPS};

/// The servers' clocks: a minute must hold what takes an hour. `pickup` is longer than an agent waits
/// after a few failed polls, `event` than a cut of its network; `poll_hold` is shorter than agents wait.
const CLOCKS: &str = "[timeouts]\npickup = 45\nevent = 45\npoll_hold = 6\nredelivery = 3\n";

/// A server that does not start at once, as the database is down, is started again, as a service manager
/// would.
const RESTART: Duration = Duration::from_millis(500);

#[derive(Debug)]
enum Slot {
    Running(Server),
    Down(Server),
    Starting(JoinHandle<(Server, Result<(), String>)>),
    /// While it is moved from one of these to another.
    Moving,
}

/// All that is real.
#[derive(Debug)]
pub(crate) struct World {
    cluster: Arc<Cluster>,
    servers: [Slot; 2],
    pub(crate) fleet: Fleet,
    pub(crate) apis: [Api; 2],
    /// What is broken, and when it is repaired.
    broken: Vec<(Fault, Instant)>,
    /// Which hosts had faults of their own, and when, in seconds since the epoch.
    pub(crate) strikes: Vec<(String, f64)>,
}

impl World {
    /// Starts everything, with applications, groups and revisions in place.
    ///
    /// # Panics
    /// When something does not start.
    pub(crate) fn start(runtime: &Runtime, folder: &Path) -> World {
        let cluster = runtime.block_on(Cluster::of_its_own());
        let database = runtime.block_on(cluster.new_database());
        let bundles = folder.join("bundles");
        let config = format!("{CLOCKS}[bundles]\nfolder = \"{}\"\n", bundles.display());
        let servers = ["one", "two"].map(|name| Server::start_on(&database, &folder.join(name), &config));
        let apis = [Api::new(&servers[0]), Api::new(&servers[1])];
        runtime.block_on(make_groups(&apis[0], &servers[0]));
        for group in GROUPS.iter().chain([&EVERYONE]) {
            push(&servers[0], folder, group.name);
        }
        let fleet = Fleet::start(&servers, folder);
        let servers = servers.map(Slot::Running);
        World { cluster: Arc::new(cluster), servers, fleet, apis, broken: Vec::new(), strikes: Vec::new() }
    }

    /// Breaks something for a while; answers whether it was whole before.
    ///
    /// # Errors
    /// When it does not break.
    pub(crate) fn inflict(&mut self, fault: Fault, lasts: Duration) -> Result<bool, String> {
        if self.broken.iter().any(|(broken, _)| broken.is_of_the_same(fault)) {
            return Ok(false);
        }
        if let Fault::CutNetwork(host) | Fault::FillDisk(host) | Fault::KillAgent(host) = fault {
            self.strikes.push((self.fleet.hosts[host].name.clone(), now_seconds()));
        }
        match fault {
            Fault::KillServer(idx) => match std::mem::replace(&mut self.servers[idx], Slot::Moving) {
                Slot::Running(mut server) => {
                    server.kill_9();
                    self.servers[idx] = Slot::Down(server);
                }
                other => {
                    self.servers[idx] = other;
                    return Ok(false);
                }
            },
            Fault::StopDatabase(how) => self.cluster.stop(how).map_err(|error| error.to_string())?,
            Fault::CutNetwork(host) => with_network(self.room(host), crate::room::Network::cut)?,
            Fault::FillDisk(host) => with_disk(self.room(host), crate::room::Disk::fill)?,
            Fault::KillAgent(host) => self.fleet.hosts[host].kill(),
        }
        self.broken.push((fault, Instant::now() + lasts));
        Ok(true)
    }

    /// Repairs what is due, and sees to servers that start.
    ///
    /// # Errors
    /// When something cannot be repaired.
    pub(crate) fn tick(&mut self) -> Result<(), String> {
        let now = Instant::now();
        let (due, broken) = self.broken.iter().copied().partition(|(_, until)| *until <= now);
        self.broken = broken;
        let due: Vec<(Fault, Instant)> = due;
        for (fault, _) in due {
            self.repair(fault)?;
        }
        for idx in 0..self.servers.len() {
            self.see_to_start(idx);
        }
        let ended = self.fleet.hosts.iter_mut().find_map(|host| host.has_ended().then(|| host.name.clone()));
        ended.map_or(Ok(()), |name| Err(format!("the agent of {name} ended by itself")))
    }

    /// Whether nothing is broken any more.
    pub(crate) fn is_whole(&self) -> bool {
        let run = self.servers.iter().all(|slot| matches!(slot, Slot::Running(_)));
        self.broken.is_empty() && run
    }

    /// Repairs all, due or not.
    pub(crate) fn hurry(&mut self) {
        let now = Instant::now();
        for (_, until) in &mut self.broken {
            *until = (*until).min(now);
        }
    }

    fn repair(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::KillServer(idx) => {
                match std::mem::replace(&mut self.servers[idx], Slot::Moving) {
                    Slot::Down(server) => self.servers[idx] = Slot::Starting(start_again(server, None)),
                    other => self.servers[idx] = other,
                }
                Ok(())
            }
            Fault::StopDatabase(_) => self.cluster.go_on().map_err(|error| error.to_string()),
            Fault::CutNetwork(host) => with_network(self.room(host), crate::room::Network::mend),
            Fault::FillDisk(host) => with_disk(self.room(host), crate::room::Disk::free),
            Fault::KillAgent(host) => {
                self.fleet.hosts[host].start();
                Ok(())
            }
        }
    }

    fn see_to_start(&mut self, idx: usize) {
        let slot = std::mem::replace(&mut self.servers[idx], Slot::Moving);
        self.servers[idx] = match slot {
            Slot::Starting(handle) if handle.is_finished() => match handle.join() {
                Ok((server, Ok(()))) => Slot::Running(server),
                Ok((server, Err(_))) => Slot::Starting(start_again(server, Some(RESTART))),
                Err(panic) => std::panic::resume_unwind(panic),
            },
            other => other,
        };
    }

    fn room(&self, host: usize) -> &crate::room::Room {
        &self.fleet.hosts[host].room
    }

    /// The variables of a caller of the first server.
    ///
    /// # Panics
    /// When it does not run.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        match &self.servers[0] {
            Slot::Running(server) => server.env(),
            other => panic!("the first server is {other:?}"),
        }
    }
}

/// In a thread: it may wait for its database, which others repair.
fn start_again(mut server: Server, after: Option<Duration>) -> JoinHandle<(Server, Result<(), String>)> {
    std::thread::spawn(move || {
        std::thread::sleep(after.unwrap_or_default());
        let started = server.try_start_again();
        (server, started)
    })
}

/// Since the epoch, as the service's times are.
pub(crate) fn now_seconds() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

async fn make_groups(api: &Api, server: &Server) {
    let input = serde_json::json!({"applicationName": APPLICATION});
    api.call("CreateApplication", input).await.expect("an application");
    for group in GROUPS.iter().chain([&EVERYONE]) {
        group.make(server).await;
    }
}

fn with_network(
    room: &crate::room::Room,
    change: fn(&crate::room::Network) -> Result<(), String>,
) -> Result<(), String> {
    match room {
        crate::room::Room::Network(network) => change(network),
        other => Err(format!("no network of its own: {other:?}")),
    }
}

fn with_disk(
    room: &crate::room::Room,
    change: fn(&crate::room::Disk) -> Result<(), String>,
) -> Result<(), String> {
    match room {
        crate::room::Room::Disk(disk) => change(disk),
        other => Err(format!("no disk of its own: {other:?}")),
    }
}
