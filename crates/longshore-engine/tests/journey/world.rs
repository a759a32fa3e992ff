//! An engine, a hand-moved clock, and short words for what callers and hosts do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use longshore_engine::deployment::{DeploymentError, DeploymentView};
use longshore_engine::deployment_group::{DeploymentGroupChange, NewDeploymentGroup};
use longshore_engine::ec2::NewEc2Instance;
use longshore_engine::host_command::{AckAnswer, CommandKey, Connection, HandedOut, HostCommand};
use longshore_engine::outside::{AlarmReader, AlarmState, Notification, OutsideError, Publisher};
use longshore_engine::{Clock, Engine, EngineConfig, Outside, SystemRandom};
use longshore_model::deployment::{DeploymentStatus, FileExistsBehavior, NewDeployment};
use longshore_model::deployment_group::{AutoRollback, OutdatedInstancesStrategy};
use longshore_model::host::ec2::Ec2State;
use longshore_model::host::{HostIdentity, HostTag};
use longshore_model::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupName, DeploymentId, Ec2InstanceId, HostName,
    PrincipalArn, RoleName, ZoneName,
};
use longshore_model::lifecycle::{CommandCopy, Diagnostics};
use longshore_model::revision::{BundleType, Revision};
use longshore_model::tag_filter::{TagFilter, TagFilterType, TagSelector};
use longshore_model::time::Timestamp;
use longshore_model::traffic::Traffic;
use longshore_model::watch::Trigger;
use longshore_store::Store;
use longshore_store::cluster::Cluster;
use longshore_store::postgres::PostgresStore;
use longshore_store::sqlite::SqliteStore;
use tokio::sync::Notify;

/// A clock that stands still until it is moved.
#[derive(Default)]
pub(crate) struct HandClock {
    millis: AtomicI64,
    moved: Notify,
}

impl HandClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.millis.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
        self.moved.notify_waiters();
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }

    async fn sleep_until(&self, point: Timestamp) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if point <= self.now() {
                return;
            }
            moved.await;
        }
    }
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) alarms: Arc<Alarms>,
    pub(crate) mail: Arc<Mail>,
    config: EngineConfig,
    /// Another server on the same database, which may do whatever is to be done.
    beside: Option<Engine>,
}

/// Alarms as a test sets them; those that it does not name are well.
#[derive(Default)]
pub(crate) struct Alarms {
    states: Mutex<HashMap<String, Result<AlarmState, OutsideError>>>,
    looks: AtomicI64,
}

impl Alarms {
    pub(crate) fn set(&self, name: &str, state: Result<AlarmState, OutsideError>) {
        self.states.lock().unwrap().insert(name.to_owned(), state);
    }

    /// How often somebody looked.
    pub(crate) fn looks(&self) -> i64 {
        self.looks.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl AlarmReader for Alarms {
    async fn states(&self, names: &[String]) -> Vec<Result<AlarmState, OutsideError>> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let states = self.states.lock().unwrap();
        names.iter().map(|name| states.get(name).cloned().unwrap_or(Ok(AlarmState::Ok))).collect()
    }
}

pub(crate) fn name(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

/// As whom a host acts: one that is called as an EC2 instance is one.
pub(crate) fn principal(host: &str) -> PrincipalArn {
    if host.starts_with("i-") {
        return PrincipalArn(format!("arn:aws:ec2:us-east-1:000000000000:instance/{host}"));
    }
    PrincipalArn(format!("arn:aws:iam::000000000000:user/AWS/CodeDeploy/{host}"))
}

/// What was published, and what a test says to the next attempts.
#[derive(Default)]
pub(crate) struct Mail {
    taken: Mutex<Vec<Notification>>,
    refusals: Mutex<usize>,
    attempts: AtomicI64,
    silent: Mutex<Option<String>>,
}

impl Mail {
    pub(crate) fn refuse(&self, n_attempts: usize) {
        *self.refusals.lock().unwrap() = n_attempts;
    }

    /// This target never answers.
    pub(crate) fn silence(&self, target: &str) {
        *self.silent.lock().unwrap() = Some(target.to_owned());
    }

    pub(crate) fn attempts(&self) -> i64 {
        self.attempts.load(Ordering::SeqCst)
    }

    pub(crate) fn taken(&self) -> Vec<Notification> {
        self.taken.lock().unwrap().clone()
    }
}

#[async_trait]
impl Publisher for Mail {
    async fn publish(&self, notification: &Notification) -> Result<(), OutsideError> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        if self.silent.lock().unwrap().as_ref() == Some(&notification.target) {
            std::future::pending::<()>().await;
        }
        let mut refusals = self.refusals.lock().unwrap();
        if 0 < *refusals {
            *refusals -= 1;
            return Err(OutsideError(String::from("refused by the test")));
        }
        self.taken.lock().unwrap().push(notification.clone());
        Ok(())
    }
}

fn outside(alarms: &Arc<Alarms>, mail: &Arc<Mail>) -> Outside {
    Outside { alarms: alarms.clone(), publisher: mail.clone(), random: Arc::new(SystemRandom) }
}

impl World {
    /// An engine with these hosts, all tagged `Role=web`, and a group `all` with this config.
    pub(crate) async fn new(hosts: &[&str], config_name: &str) -> World {
        World::with_config(hosts, config_name, EngineConfig::default()).await
    }

    /// On SQLite; with `LONGSHORE_JOURNEY_DATABASE=postgresql` on a PostgreSQL database of its own, and with
    /// `LONGSHORE_JOURNEY_SERVERS=2` beside another server on it.
    pub(crate) async fn with_config(hosts: &[&str], config_name: &str, config: EngineConfig) -> World {
        if std::env::var_os("LONGSHORE_JOURNEY_DATABASE").is_none() {
            let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().await.unwrap());
            return World::on(store, hosts, config_name, config).await;
        }
        let url = Cluster::shared().await.new_database().await;
        let open = || PostgresStore::open(&url);
        let store: Arc<dyn Store> = Arc::new(open().await.unwrap());
        let mut world = World::on(store, hosts, config_name, config).await;
        if std::env::var("LONGSHORE_JOURNEY_SERVERS").is_ok_and(|servers| servers == "2") {
            let store: Arc<dyn Store> = Arc::new(open().await.unwrap());
            world.beside = Some(world.another(store).await.engine);
        }
        world
    }

    /// The only server of its database, whatever the environment says.
    pub(crate) async fn alone(hosts: &[&str], config_name: &str) -> World {
        let mut world = World::new(hosts, config_name).await;
        if let Some(beside) = world.beside.take() {
            beside.shutdown().await;
        }
        world
    }

    /// The same on this store.
    pub(crate) async fn on(
        store: Arc<dyn Store>,
        hosts: &[&str],
        config_name: &str,
        config: EngineConfig,
    ) -> World {
        let clock = Arc::new(HandClock::default());
        clock.advance(Duration::from_secs(1_700_000_000));
        let alarms = Arc::new(Alarms::default());
        let mail = Arc::new(Mail::default());
        let outside = outside(&alarms, &mail);
        let engine = Engine::start(Arc::clone(&store), clock.clone(), outside, config.clone()).await.unwrap();
        let world = World { engine, clock, store, alarms, mail, config, beside: None };
        let tag = HostTag { key: String::from("Role"), value: String::from("web") };
        for host in hosts {
            let identity = HostIdentity::IamUser(principal(host));
            world.engine.register_host(name(host), identity).await.unwrap();
            world.engine.add_host_tags(&[name(host)], std::slice::from_ref(&tag)).await.unwrap();
        }
        let application = ApplicationName::parse("web").unwrap();
        world.engine.create_application(application, Vec::new()).await.unwrap();
        world.group("all", config_name).await;
        world
    }

    pub(crate) async fn group(&self, group: &str, config_name: &str) {
        self.group_with(group, config_name, Vec::new()).await;
    }

    pub(crate) async fn group_with(&self, group: &str, config_name: &str, triggers: Vec<Trigger>) {
        let filter = TagFilter {
            key: Some(String::from("Role")),
            value: Some(String::from("web")),
            filter_type: TagFilterType::KeyAndValue,
        };
        let new = NewDeploymentGroup {
            application: ApplicationName::parse("web").unwrap(),
            name: DeploymentGroupName::parse(group).unwrap(),
            config: Some(DeploymentConfigName::parse(config_name).unwrap()),
            service_role_arn: String::from("arn:aws:iam::000000000000:role/CodeDeploy"),
            ec2_selector: TagSelector::Filters(vec![filter.clone()]),
            on_premises_selector: TagSelector::Filters(vec![filter]),
            auto_rollback: AutoRollback::default(),
            outdated_instances_strategy: OutdatedInstancesStrategy::Update,
            termination_hook_enabled: false,
            traffic: Traffic::default(),
            alarms: None,
            triggers,
            processes_to_suspend: Vec::new(),
            tags: Vec::new(),
        };
        self.engine.create_deployment_group(new).await.unwrap();
    }

    /// Changes the group `all`.
    pub(crate) async fn change_group(&self, change: DeploymentGroupChange) {
        let web = ApplicationName::parse("web").unwrap();
        let all = DeploymentGroupName::parse("all").unwrap();
        self.engine.update_deployment_group(&web, &all, change).await.unwrap();
    }

    /// A running EC2 instance, tagged as the hosts are.
    pub(crate) async fn ec2_instance(&self, id: &str, zone: &str) {
        self.ec2_instance_tagged(id, zone, "web").await;
    }

    /// A running EC2 instance with another value of the tag.
    pub(crate) async fn ec2_instance_tagged(&self, id: &str, zone: &str, tag_value: &str) {
        let new = NewEc2Instance {
            id: Ec2InstanceId::parse(id).unwrap(),
            zone: ZoneName::parse(zone).unwrap(),
            state: Ec2State::Running,
            role: RoleName::parse("web").unwrap(),
            tags: vec![HostTag { key: String::from("Role"), value: tag_value.to_owned() }],
            auto_scaling_group: None,
            launch_template: None,
        };
        self.engine.put_ec2_instance(new).await.unwrap();
    }

    /// Another server, on this store, with the same clock.
    pub(crate) async fn another(&self, store: Arc<dyn Store>) -> World {
        let (clock, alarms, mail) = (self.clock.clone(), self.alarms.clone(), self.mail.clone());
        let outside = outside(&alarms, &mail);
        let server_id = String::from("another");
        let config = EngineConfig { server_id, ..self.config.clone() };
        let engine = Engine::start(Arc::clone(&store), clock.clone(), outside, config.clone()).await.unwrap();
        World { engine, clock, store, alarms, mail, config, beside: None }
    }

    /// The same store under a new engine, as after a crash.
    pub(crate) async fn restart(&mut self) {
        self.engine.shutdown().await;
        let clock: Arc<dyn Clock> = self.clock.clone();
        self.engine = Engine::start(
            Arc::clone(&self.store),
            clock,
            outside(&self.alarms, &self.mail),
            self.config.clone(),
        )
        .await
        .unwrap();
    }

    pub(crate) async fn deploy_to(&self, group: &str, key: &str) -> Result<DeploymentId, DeploymentError> {
        self.engine.create_deployment(new_deployment(group, key)).await
    }

    /// A deployment to the group `all`, changed as the test wants it.
    pub(crate) async fn deploy_with(&self, change: impl FnOnce(&mut NewDeployment)) -> DeploymentId {
        let mut new = new_deployment("all", "app.zip");
        change(&mut new);
        self.engine.create_deployment(new).await.unwrap()
    }

    pub(crate) async fn deploy(&self) -> DeploymentId {
        self.deploy_to("all", "app.zip").await.unwrap()
    }

    pub(crate) async fn view(&self, id: &DeploymentId) -> DeploymentView {
        self.engine.deployment(id).await.unwrap()
    }

    /// Waits (in real time, with a deadline) for the loop to bring the deployment there.
    #[track_caller]
    pub(crate) fn reaches(
        &self,
        id: &DeploymentId,
        status: DeploymentStatus,
    ) -> impl Future<Output = DeploymentView> {
        let id = id.clone();
        async move {
            let started = Instant::now();
            loop {
                let view = self.view(&id).await;
                if view.deployment.status == status {
                    return view;
                }
                assert!(
                    started.elapsed() < Duration::from_secs(30),
                    "{id} stays {:?}",
                    view.deployment.status
                );
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }

    pub(crate) async fn poll(&self, host: &str, connection: &Connection) -> HostCommand {
        self.copy(host, connection).await.command
    }

    /// Polls until there is a copy of a command.
    pub(crate) async fn copy(&self, host: &str, connection: &Connection) -> HandedOut {
        let principal = principal(host);
        let poll = self.engine.poll(&principal, Some(String::from("1.0")), connection);
        let answer = tokio::time::timeout(Duration::from_secs(30), poll).await.expect("a command in time");
        answer.unwrap().expect("a command")
    }

    /// Whether a poll stays parked for a short while of real time.
    pub(crate) async fn is_parked(&self, host: &str) -> bool {
        let connection = Connection::new();
        let principal = principal(host);
        let poll = self.engine.poll(&principal, None, &connection);
        tokio::time::timeout(Duration::from_millis(100), poll).await.is_err()
    }

    /// Acknowledges a command of which there is one copy.
    pub(crate) async fn ack(&self, host: &str, key: &CommandKey) -> AckAnswer {
        self.engine.acknowledge(&principal(host), key, CommandCopy(1)).await.unwrap()
    }

    pub(crate) async fn ack_copy(&self, host: &str, copy: &HandedOut) -> AckAnswer {
        self.engine.acknowledge(&principal(host), &copy.command.key, copy.copy).await.unwrap()
    }

    pub(crate) async fn report(&self, host: &str, key: &CommandKey, is_success: bool) {
        let diagnostics = Diagnostics::by_service("done");
        self.engine.complete(&principal(host), key, is_success, diagnostics).await.unwrap();
    }

    /// Polls, acknowledges and reports every event of the host.
    pub(crate) async fn run_all_events(&self, host: &str) {
        for _ in 0..7 {
            let command = self.poll(host, &Connection::new()).await;
            assert_eq!(self.ack(host, &command.key).await, AckAnswer::InProgress);
            self.report(host, &command.key, true).await;
        }
    }
}

pub(crate) fn new_deployment(group: &str, key: &str) -> NewDeployment {
    let revision = Revision::S3 {
        bucket: String::from("bundles"),
        key: key.to_owned(),
        bundle_type: BundleType::Zip,
        version: None,
        e_tag: None,
    };
    NewDeployment {
        application: ApplicationName::parse("web").unwrap(),
        group: DeploymentGroupName::parse(group).unwrap(),
        revision: Some(revision),
        config: None,
        description: None,
        ignore_application_stop_failures: false,
        update_outdated_instances_only: false,
        file_exists_behavior: FileExistsBehavior::Disallow,
        auto_rollback: None,
        override_alarms: None,
        processes_to_suspend: None,
        is_restart: false,
        target_instances: None,
    }
}
