//! What a seed stands for: a fleet, its groups, what callers will ask for, and what will go wrong.

use std::time::Duration;

use longshore_model::deployment_config::{MinimumHealthyHosts, Zonal};
use longshore_model::target::Clocks;
use longshore_store::Places;
use rand::Rng;
use rand::rngs::StdRng;

use crate::agent::Nature;

/// How many events an in-place deployment has. Source: service.md §6.2.
pub(crate) const N_EVENTS: u32 = 7;

/// Which servers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Servers {
    /// One, with the database for itself.
    Alone,
    /// One, on a database that others may share.
    OneOnShared,
    /// Two on one database.
    Two,
}

/// One host.
#[derive(Clone, Debug)]
pub(crate) struct HostPlan {
    pub(crate) name: String,
    /// The zone of an EC2 instance.
    pub(crate) zone: Option<String>,
    pub(crate) nature: Nature,
    /// Whether its agent keeps a record of the commands that it has begun, as ours does.
    pub(crate) keeps_record: bool,
    /// When it joins the groups, after the beginning.
    pub(crate) joins_after: Option<u64>,
}

/// What a caller will do, and when (milliseconds after the beginning).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// Deploy to this group.
    Deploy { group: usize, revision: u8, outdated_only: bool, is_restart: bool, forgives_stop: bool },
    /// Stop a deployment that is not final, if there is one.
    Stop { rolls_back: Option<bool> },
    /// Tag a host that comes late.
    Join { host: usize },
    /// Take a host out of the fleet.
    Leave { host: usize },
    /// Delete this group.
    Delete { group: usize },
}

/// How often what goes wrong, each in thousandths of the occasions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    /// A server dies at a write.
    pub(crate) death: u32,
    /// A call to the store fails, with nothing done.
    pub(crate) refusal: u32,
    /// A write is done, and its answer lost.
    pub(crate) lost_answer: u32,
    /// Time goes on while calls to the store wait.
    pub(crate) slow_store: u32,
    /// The answer of a call waits while others go on.
    pub(crate) late_answer: u32,
    /// News is lost between servers.
    pub(crate) lost_news: u32,
    /// A host's call or its answer is lost on the network.
    pub(crate) lost_call: u32,
}

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) servers: Servers,
    /// By how many milliseconds each server's clock is wrong.
    pub(crate) wrong_by: [i64; 2],
    pub(crate) clocks: Clocks,
    pub(crate) places: Places,
    pub(crate) poll_hold: Duration,
    pub(crate) redelivery: Duration,
    pub(crate) hosts: Vec<HostPlan>,
    pub(crate) rules: Vec<MinimumHealthyHosts>,
    pub(crate) zonal: Option<Zonal>,
    pub(crate) rolls_back: bool,
    pub(crate) updates_outdated: bool,
    pub(crate) keeps_late_up_to_date: bool,
    /// Since when an alarm of all groups is active, and whether it cannot be read before.
    pub(crate) alarm: Option<(u64, bool)>,
    pub(crate) has_trigger: bool,
    pub(crate) wishes: Vec<(u64, Wish)>,
    pub(crate) rates: Rates,
}

impl Scenario {
    pub(crate) fn draw(rng: &mut StdRng) -> Scenario {
        let servers = match rng.random_range(0..10) {
            0..5 => Servers::Alone,
            5 => Servers::OneOnShared,
            _ => Servers::Two,
        };
        let zonal = rng.random_bool(0.2).then(|| draw_zonal(rng));
        let n_groups = if rng.random_bool(0.35) { 2 } else { 1 };
        let hosts = draw_hosts(rng, zonal.is_some());
        let n_hosts = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
        let wishes = draw_wishes(rng, n_groups, &hosts);
        let wrong_by = [0, 1].map(|_| if rng.random_bool(0.1) { rng.random_range(-1500..1500) } else { 0 });
        Scenario {
            servers,
            wrong_by,
            clocks: draw_clocks(rng),
            places: Places {
                deployments: if rng.random_bool(0.3) { 1 } else { 1000 },
                hosts: if rng.random_bool(0.1) { 3 } else { 1000 },
            },
            poll_hold: Duration::from_secs(45),
            redelivery: Duration::from_secs(if rng.random_bool(0.2) { 60 } else { 12 }),
            rules: (0..n_groups).map(|_| draw_rule(rng, n_hosts)).collect(),
            hosts,
            zonal,
            rolls_back: rng.random_bool(0.4),
            updates_outdated: rng.random_bool(0.7),
            keeps_late_up_to_date: rng.random_bool(0.2),
            alarm: rng.random_bool(0.1).then(|| (rng.random_range(0..200_000), rng.random_bool(0.3))),
            has_trigger: rng.random_bool(0.1),
            wishes,
            rates: draw_rates(rng, servers),
        }
    }
}

fn draw_rule(rng: &mut StdRng, n_hosts: u32) -> MinimumHealthyHosts {
    match rng.random_range(0..8) {
        0 => MinimumHealthyHosts::FleetPercent(0),
        1 => MinimumHealthyHosts::FleetPercent(rng.random_range(0..70)),
        2 | 3 => MinimumHealthyHosts::HostCount(rng.random_range(0..n_hosts)),
        4 | 5 => MinimumHealthyHosts::Half,
        _ => MinimumHealthyHosts::AllButOne,
    }
}

fn draw_zonal(rng: &mut StdRng) -> Zonal {
    let maybe_secs = |rng: &mut StdRng| rng.random_bool(0.6).then(|| rng.random_range(1..30));
    Zonal {
        first_zone_monitor_secs: maybe_secs(rng),
        monitor_secs: maybe_secs(rng),
        minimum_healthy_hosts_per_zone: match rng.random_range(0..3) {
            0 => None,
            1 => Some(MinimumHealthyHosts::HostCount(u32::from(rng.random_bool(0.2)))),
            _ => Some(MinimumHealthyHosts::FleetPercent(rng.random_range(0..60))),
        },
    }
}

fn draw_hosts(rng: &mut StdRng, is_ec2: bool) -> Vec<HostPlan> {
    let n_hosts = if rng.random_bool(0.05) { rng.random_range(8..=14) } else { rng.random_range(1..=5) };
    let misfortune = [0.0, 0.15, 0.15, 0.5][rng.random_range(0..4)];
    (0..n_hosts)
        .map(|number| {
            let zone = is_ec2.then(|| format!("us-east-1{}", ["a", "b", "c"][rng.random_range(0..3)]));
            let name = match &zone {
                Some(_) => format!("i-{number:08x}"),
                None => format!("host-{number}"),
            };
            HostPlan {
                name,
                zone,
                nature: if rng.random_bool(misfortune) { Nature::draw(rng) } else { Nature::Good },
                keeps_record: rng.random_bool(0.5),
                joins_after: (0 < number && !is_ec2 && rng.random_bool(0.08))
                    .then(|| rng.random_range(0..60_000)),
            }
        })
        .collect()
}

fn draw_wishes(rng: &mut StdRng, n_groups: usize, hosts: &[HostPlan]) -> Vec<(u64, Wish)> {
    let mut wishes = Vec::new();
    let mut at = 0;
    for number in 0..rng.random_range(1..=3_u8) {
        let wish = Wish::Deploy {
            group: rng.random_range(0..n_groups),
            revision: rng.random_range(0..=number),
            outdated_only: rng.random_bool(0.1),
            is_restart: rng.random_bool(0.07),
            forgives_stop: rng.random_bool(0.2),
        };
        wishes.push((at, wish));
        if rng.random_bool(0.25) {
            let rolls_back = [None, Some(true), Some(false)][rng.random_range(0..3)];
            // Now and then so soon that it has not begun.
            let soonest = if rng.random_bool(0.3) { 20 } else { 40_000 };
            wishes.push((at + rng.random_range(0..soonest), Wish::Stop { rolls_back }));
        }
        at += rng.random_range(0..90_000);
    }
    for (host, plan) in hosts.iter().enumerate() {
        if let Some(after) = plan.joins_after {
            wishes.push((after, Wish::Join { host }));
        }
        if plan.zone.is_none() && rng.random_bool(0.02) {
            wishes.push((rng.random_range(0..60_000), Wish::Leave { host }));
        }
    }
    if rng.random_bool(0.04) {
        wishes.push((rng.random_range(0..90_000), Wish::Delete { group: rng.random_range(0..n_groups) }));
    }
    wishes
}

/// Mostly short, so that what waits for a clock does not fill a run with empty polls; all are settings.
fn draw_clocks(rng: &mut StdRng) -> Clocks {
    if rng.random_bool(0.01) {
        return Clocks::default();
    }
    Clocks {
        pickup: Duration::from_secs(rng.random_range(25..60)),
        event: Duration::from_secs(rng.random_range(20..120)),
        deployment: Duration::from_secs(if rng.random_bool(0.1) { rng.random_range(30..120) } else { 3600 }),
    }
}

fn draw_rates(rng: &mut StdRng, servers: Servers) -> Rates {
    let mut often = |is: f64, rates: &[u32]| {
        if rng.random_bool(is) { rates[rng.random_range(0..rates.len())] } else { 0 }
    };
    Rates {
        death: often(0.5, &[2, 5, 20, 60]),
        refusal: often(0.25, &[1, 10]),
        lost_answer: if servers == Servers::Alone { 0 } else { often(0.25, &[1, 10]) },
        slow_store: often(0.3, &[5, 50]),
        late_answer: often(0.8, &[50, 300]),
        lost_news: often(0.5, &[100, 500, 1000]),
        lost_call: often(0.4, &[10, 50, 200]),
    }
}
