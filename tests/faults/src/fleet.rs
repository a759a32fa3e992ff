//! The fleet: fifty hosts, some of them in rooms of their own where this machine permits it.

use std::path::Path;

use longshore_journey::{Front, Server};

use crate::group::{EVERYONE, GROUPS, HOSTS};
use crate::host::{Host, disk_of};
use crate::room::{Disk, Network, Room};
use crate::say;

/// Hosts with a network of their own.
const NETWORKS: [usize; 8] = [3, 9, 15, 21, 27, 33, 39, 45];
/// Hosts with a disk of their own.
const DISKS: [usize; 6] = [5, 13, 19, 29, 37, 47];

/// The hosts, and which faults they can have.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) hosts: Vec<Host>,
    pub(crate) networks: Vec<usize>,
    pub(crate) disks: Vec<usize>,
    /// The load balancers before both servers: one for this machine, and one for each network.
    fronts: Vec<Front>,
}

impl Fleet {
    /// Registers all hosts and starts their agents. A third of them knows the first server, a third the
    /// second, and a third, with those that have a network of their own, a load balancer.
    pub(crate) fn start(servers: &[Server; 2], folder: &Path) -> Fleet {
        std::fs::create_dir_all(folder.join("notes")).expect("a folder for notes");
        let addresses = servers.each_ref().map(Server::address);
        let local = Front::start(folder, "127.0.0.1", &addresses);
        let local_url = local.url().to_owned();
        let (networks, disks) = (Vec::new(), Vec::new());
        let mut fleet = Fleet { hosts: Vec::new(), networks, disks, fronts: vec![local] };
        for idx in 0..HOSTS {
            let name = format!("h{idx:02}");
            let room = fleet.room(idx, &folder.join(&name));
            let endpoint = match &room {
                Room::Network(network) => {
                    let front = Front::start(&folder.join(&name), &network.address, &addresses);
                    let url = front.url().to_owned();
                    fleet.fronts.push(front);
                    url
                }
                _ if idx % 3 == 2 => local_url.clone(),
                _ => servers[idx % 3].url().to_owned(),
            };
            let groups = GROUPS.iter().chain([&EVERYONE]).filter(|group| group.has(idx));
            let tags: Vec<&str> = groups.map(|group| group.name).collect();
            fleet.hosts.push(Host::add(&servers[0], folder, &name, &tags, room, &endpoint));
        }
        for host in &mut fleet.hosts {
            host.start();
        }
        fleet
    }

    fn room(&mut self, idx: usize, folder: &Path) -> Room {
        let number = u32::try_from(idx).unwrap_or(u32::MAX);
        if NETWORKS.contains(&idx) {
            match Network::make(number) {
                Ok(network) => {
                    self.networks.push(idx);
                    return Room::Network(network);
                }
                Err(error) => say(&format!("LEFT OUT: no network is cut at host {idx}: {error}")),
            }
        }
        if DISKS.contains(&idx) {
            let disk = disk_of(folder);
            std::fs::create_dir_all(&disk).expect("a folder");
            match Disk::make(&disk) {
                Ok(disk) => {
                    self.disks.push(idx);
                    return Room::Disk(disk);
                }
                Err(error) => say(&format!("LEFT OUT: no disk is filled at host {idx}: {error}")),
            }
        }
        Room::Open
    }
}
