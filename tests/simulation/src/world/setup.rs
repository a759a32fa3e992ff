//! The beginning of a world: the fleet and its groups, made before anything can go wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use longshore_engine::deployment_group::NewDeploymentGroup;
use longshore_engine::ec2::NewEc2Instance;
use longshore_engine::{Engine, EngineConfig};
use longshore_model::application::ResourceTag;
use longshore_model::deployment_group::{AutoRollback, AutoRollbackEvent, OutdatedInstancesStrategy};
use longshore_model::host::ec2::Ec2State;
use longshore_model::host::{HostIdentity, HostTag};
use longshore_model::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupName, Ec2InstanceId, HostName, PrincipalArn,
    RoleName, ZoneName,
};
use longshore_model::plan::late::{LATE_HOSTS, UPDATE};
use longshore_model::tag_filter::{TagFilter, TagFilterType, TagSelector};
use longshore_model::traffic::Traffic;
use longshore_model::watch::{Alarms, Trigger, TriggerEvent};
use longshore_store::sqlite::SqliteStore;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::outside::{self, ALARM, SeededRandom};
use super::servers::Server;
use super::{Happening, HostStep, World};
use crate::agent::{Agent, Nature};
use crate::auditor::{Auditor, Terms};
use crate::history::History;
use crate::idle::Idle;
use crate::scenario::{HostPlan, Scenario, Servers, Wish};
use crate::shared::Shared;
use crate::time::{BEGINNING, ServerClock, ServerRun};

pub(super) const APPLICATION: &str = "web";

/// Within how many milliseconds what can happen does, where one server hears of everything itself: the
/// second after which a queued deployment asks again, and room.
const PROMPT_ALONE: i64 = 5_000;
/// As above, where a server may have to look for what another left: a full look every 30 seconds, and room.
const PROMPT_SHARED: i64 = 45_000;

impl World {
    /// The world of a seed, before anything has happened.
    ///
    /// # Errors
    /// When it cannot be made, which breaks no promise but must not happen.
    pub(crate) async fn new(seed: u64, idle: Arc<Idle>, is_read: bool) -> anyhow::Result<World> {
        let mut rng = StdRng::seed_from_u64(seed);
        let scenario = Scenario::draw(&mut rng);
        let shared = Arc::new(Shared::new(History::new(is_read), Auditor::new(terms(&scenario))));
        shared.note(format_args!("{scenario:?}"));
        let random = Arc::new(SeededRandom::new(StdRng::seed_from_u64(!seed)));
        let mut world = World {
            agents: scenario.hosts.iter().map(agent).collect(),
            servers: Vec::new(),
            groups: Vec::new(),
            store: SqliteStore::in_memory().await?,
            random,
            rng,
            scenario,
            shared,
            idle,
            queue: BTreeMap::new(),
            n_queued: 0,
            calls: BTreeMap::new(),
            n_calls: 0,
            n_runs: 0,
            inbox: Arc::new(Mutex::default()),
            quiet_since: None,
            counts: BTreeMap::new(),
        };
        world.make_fleet().await?;
        world.plan();
        Ok(world)
    }

    /// By a server of its own, whose store nobody disturbs.
    async fn make_fleet(&mut self) -> anyhow::Result<()> {
        let clock = ServerClock { time: Arc::clone(&self.shared.time), run: ServerRun(0), wrong_by: 0 };
        let outside = outside::outside(&self.shared.time, &self.random, None);
        let config = EngineConfig { server_id: String::from("setup"), ..EngineConfig::default() };
        let store = Arc::new(self.store.clone());
        let engine = Engine::start(store, Arc::new(clock), outside, config).await?;
        engine.create_application(ApplicationName::parse(APPLICATION)?, Vec::new()).await?;
        for host in &self.scenario.hosts {
            make_host(&engine, host).await?;
        }
        for (number, rule) in self.scenario.rules.iter().enumerate() {
            let config = DeploymentConfigName::parse(&format!("rule-{number}"))?;
            engine.create_deployment_config(config.clone(), *rule, self.scenario.zonal).await?;
            let id = engine.create_deployment_group(new_group(&self.scenario, number, config)).await?;
            self.shared.audit(|auditor| auditor.has_rule(id.clone(), *rule));
            self.groups.push(id);
        }
        engine.shutdown().await;
        Ok(())
    }

    /// Everything that is sure to happen.
    fn plan(&mut self) {
        let n_servers = match self.scenario.servers {
            Servers::Alone | Servers::OneOnShared => 1,
            Servers::Two => 2,
        };
        self.count(match self.scenario.servers {
            Servers::Alone => "one server alone",
            Servers::OneOnShared => "one server on a shared database",
            Servers::Two => "two servers",
        });
        self.servers = (0..n_servers).map(|_| Server::new()).collect();
        for server in 0..n_servers {
            let after = if server == 0 { 0 } else { self.draw(0..3_000) };
            self.queue_in(after, Happening::Start { server });
            if self.draw(0..5) == 0 {
                let at = self.draw(1_000..90_000);
                self.queue_in(at, Happening::ShutDown { server });
            }
        }
        for (at, wish) in self.scenario.wishes.clone() {
            let at = at + 1_000;
            self.queue_in(at, Happening::Wish(wish));
        }
        for agent in 0..self.agents.len() {
            self.count(self.agents[agent].nature.name());
            if let Nature::WrongClock { until } = self.agents[agent].nature {
                self.agents[agent].back_since = Some(BEGINNING.saturating_add_unsigned(until));
            }
            for _ in 0..self.agents[agent].wanted_polls() {
                let after = self.draw(0..5_000);
                self.plan_step(agent, after, HostStep::Poll);
            }
        }
    }
}

fn terms(scenario: &Scenario) -> Terms {
    let zones = scenario.hosts.iter().filter_map(|host| Some((host.name.clone(), host.zone.clone()?)));
    let wrong_by = match scenario.servers {
        Servers::Alone | Servers::OneOnShared => [scenario.wrong_by[0]; 2],
        Servers::Two => scenario.wrong_by,
    };
    let ends = [0, wrong_by[0], wrong_by[1]];
    let changes = |(_, wish): &(u64, Wish)| matches!(wish, Wish::Join { .. } | Wish::Leave { .. });
    let changes_fleet = scenario.wishes.iter().any(changes);
    Terms {
        clocks: scenario.clocks,
        places: scenario.places,
        zones: zones.collect(),
        // Known when the fleet has been made.
        rules: BTreeMap::new(),
        fleet: (!changes_fleet).then_some(scenario.hosts.len()),
        prompt_within: match scenario.servers {
            Servers::Alone => PROMPT_ALONE,
            Servers::OneOnShared | Servers::Two => PROMPT_SHARED,
        },
        keeps_late_up_to_date: scenario.keeps_late_up_to_date,
        clock_spread: ends.iter().max().unwrap_or(&0) - ends.iter().min().unwrap_or(&0),
    }
}

fn agent(plan: &HostPlan) -> Agent {
    let principal = match &plan.zone {
        Some(_) => format!("arn:aws:ec2:us-east-1:000000000000:instance/{}", plan.name),
        None => format!("arn:aws:iam::000000000000:user/AWS/CodeDeploy/{}", plan.name),
    };
    let mut agent = Agent::new(plan.name.clone(), PrincipalArn(principal), plan.nature, plan.keeps_record);
    agent.is_member = plan.joins_after.is_none();
    agent
}

pub(super) fn tag() -> HostTag {
    HostTag { key: String::from("Role"), value: String::from("web") }
}

pub(super) fn group_name(number: usize) -> DeploymentGroupName {
    DeploymentGroupName::parse(&format!("group-{number}")).expect("a valid name")
}

async fn make_host(engine: &Engine, plan: &HostPlan) -> anyhow::Result<()> {
    if let Some(zone) = &plan.zone {
        let instance = NewEc2Instance {
            id: Ec2InstanceId::parse(&plan.name)?,
            zone: ZoneName::parse(zone)?,
            state: Ec2State::Running,
            role: RoleName::parse("web")?,
            tags: vec![tag()],
            auto_scaling_group: None,
            launch_template: None,
        };
        engine.put_ec2_instance(instance).await?;
        return Ok(());
    }
    let name = HostName::parse(&plan.name)?;
    engine.register_host(name.clone(), HostIdentity::IamUser(agent(plan).principal)).await?;
    if plan.joins_after.is_none() {
        engine.add_host_tags(&[name], &[tag()]).await?;
    }
    Ok(())
}

fn new_group(scenario: &Scenario, number: usize, config: DeploymentConfigName) -> NewDeploymentGroup {
    let filter =
        TagFilter { key: Some(tag().key), value: Some(tag().value), filter_type: TagFilterType::KeyAndValue };
    let rollback_events = vec![
        AutoRollbackEvent::DeploymentFailure,
        AutoRollbackEvent::DeploymentStopOnAlarm,
        AutoRollbackEvent::DeploymentStopOnRequest,
    ];
    let late = ResourceTag { key: LATE_HOSTS.to_owned(), value: UPDATE.to_owned() };
    let trigger = Trigger {
        name: String::from("people"),
        target: String::from("arn:aws:sns:us-east-1:000000000000:people"),
        events: vec![TriggerEvent::DeploymentStart, TriggerEvent::DeploymentFailure],
    };
    NewDeploymentGroup {
        application: ApplicationName::parse(APPLICATION).expect("a valid name"),
        name: group_name(number),
        config: Some(config),
        service_role_arn: String::from("arn:aws:iam::000000000000:role/CodeDeploy"),
        ec2_selector: TagSelector::Filters(vec![filter.clone()]),
        on_premises_selector: TagSelector::Filters(vec![filter]),
        auto_rollback: if scenario.rolls_back {
            AutoRollback { is_enabled: true, events: rollback_events }
        } else {
            AutoRollback::default()
        },
        outdated_instances_strategy: if scenario.updates_outdated {
            OutdatedInstancesStrategy::Update
        } else {
            OutdatedInstancesStrategy::Ignore
        },
        termination_hook_enabled: false,
        traffic: Traffic::default(),
        alarms: scenario.alarm.map(|_| Alarms {
            is_enabled: true,
            ignore_poll_failure: false,
            names: vec![ALARM.to_owned()],
        }),
        triggers: if scenario.has_trigger { vec![trigger] } else { Vec::new() },
        processes_to_suspend: Vec::new(),
        tags: if scenario.keeps_late_up_to_date { vec![late] } else { Vec::new() },
    }
}
