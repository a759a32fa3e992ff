//! Which faults there are, and when: drawn from one seed.

use std::time::Duration;

use longshore_journey::Shutdown;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// Something that breaks. Numbers are those of servers and hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    KillServer(usize),
    StopDatabase(Shutdown),
    CutNetwork(usize),
    FillDisk(usize),
    KillAgent(usize),
}

/// The kinds of faults, as they are counted.
pub(crate) const KINDS: [&str; 6] = [
    "server killed",
    "database restarted (fast)",
    "database restarted (immediate)",
    "network cut",
    "disk filled",
    "agent killed",
];

impl Fault {
    /// One of [`KINDS`].
    pub(crate) fn kind(self) -> &'static str {
        let idx = match self {
            Fault::KillServer(_) => 0,
            Fault::StopDatabase(Shutdown::Fast) => 1,
            Fault::StopDatabase(Shutdown::Immediate) => 2,
            Fault::CutNetwork(_) => 3,
            Fault::FillDisk(_) => 4,
            Fault::KillAgent(_) => 5,
        };
        KINDS[idx]
    }

    /// Whether both break the same thing.
    pub(crate) fn is_of_the_same(self, other: Fault) -> bool {
        match (self, other) {
            (Fault::StopDatabase(_), Fault::StopDatabase(_)) => true,
            _ => self == other,
        }
    }
}

/// Draws faults.
#[derive(Debug)]
pub(crate) struct Draw {
    pub(crate) chance: StdRng,
    pub(crate) n_hosts: usize,
    /// Hosts with a network of their own.
    pub(crate) networks: Vec<usize>,
    /// Hosts with a disk of their own.
    pub(crate) disks: Vec<usize>,
}

impl Draw {
    /// How long until the next fault.
    pub(crate) fn pause(&mut self) -> Duration {
        Duration::from_millis(self.chance.random_range(300..2500))
    }

    /// A fault, and how long it lasts. What this machine does not permit has no hosts to be drawn from.
    pub(crate) fn fault(&mut self) -> (Fault, Duration) {
        let kind = self.chance.random_range(0..10);
        let server = self.chance.random_range(0..2);
        let how = if self.chance.random() { Shutdown::Fast } else { Shutdown::Immediate };
        let host = self.chance.random_range(0..self.n_hosts);
        let network = self.networks.choose(&mut self.chance).copied();
        let disk = self.disks.choose(&mut self.chance).copied();
        let share: f64 = self.chance.random();
        let lasts = |most: u64| Duration::from_secs(most).mul_f64(share);
        match (kind, network, disk) {
            (0 | 1, ..) => (Fault::KillServer(server), lasts(4)),
            (2, ..) => (Fault::StopDatabase(how), lasts(2)),
            (3 | 4, Some(host), _) => (Fault::CutNetwork(host), lasts(20)),
            (5 | 6, _, Some(host)) => (Fault::FillDisk(host), lasts(10)),
            _ => (Fault::KillAgent(host), lasts(2)),
        }
    }
}
