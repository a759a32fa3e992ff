//! Which faults there are, and when: drawn from one seed.

use std::time::Duration;

use longshore_journey::Shutdown;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};

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
    /// Places in [`KINDS`] that are to come next, the last first.
    pub(crate) deck: Vec<usize>,
}

/// How often each of [`KINDS`] comes, beside the others.
const DECK: [usize; 20] = [0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5];

impl Draw {
    /// How long until the next fault.
    pub(crate) fn pause(&mut self) -> Duration {
        Duration::from_millis(self.chance.random_range(300..2500))
    }

    /// A fault, and how long it lasts. What this machine does not permit has no hosts to be drawn from.
    pub(crate) fn fault(&mut self) -> (Fault, Duration) {
        // From a deck, so that no kind is left out by chance.
        if self.deck.is_empty() {
            self.deck = DECK.to_vec();
            self.deck.shuffle(&mut self.chance);
        }
        let kind = self.deck.pop();
        let server = self.chance.random_range(0..2);
        let host = self.chance.random_range(0..self.n_hosts);
        let network = self.networks.choose(&mut self.chance).copied();
        let disk = self.disks.choose(&mut self.chance).copied();
        let share: f64 = self.chance.random();
        let lasts = |most: u64| Duration::from_secs(most).mul_f64(share);
        match (kind, network, disk) {
            (Some(0), ..) => (Fault::KillServer(server), lasts(4)),
            (Some(1), ..) => (Fault::StopDatabase(Shutdown::Fast), lasts(2)),
            (Some(2), ..) => (Fault::StopDatabase(Shutdown::Immediate), lasts(2)),
            (Some(3), Some(host), _) => (Fault::CutNetwork(host), lasts(20)),
            (Some(4), _, Some(host)) => (Fault::FillDisk(host), lasts(10)),
            _ => (Fault::KillAgent(host), lasts(2)),
        }
    }
}
