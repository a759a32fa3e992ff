//! Durable command reports a second through engine and store, beside single commits of the same
//! database on the same disk.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use longshore_engine::deployment_group::NewDeploymentGroup;
use longshore_engine::host_command::CommandKey;
use longshore_engine::{Engine, EngineConfig, Outside, Quotas, SystemClock};
use longshore_model::deployment::{FileExistsBehavior, NewDeployment};
use longshore_model::deployment_group::{AutoRollback, OutdatedInstancesStrategy};
use longshore_model::host::{HostIdentity, HostTag};
use longshore_model::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupName, DeploymentId, HostId, HostName, PrincipalArn,
};
use longshore_model::lifecycle::{Diagnostics, IN_PLACE};
use longshore_model::revision::{BundleType, Revision};
use longshore_model::tag_filter::{TagFilter, TagFilterType, TagSelector};
use longshore_model::target::{TargetKey, TargetStatus};
use longshore_model::traffic::Traffic;
use longshore_store::sqlite::SqliteStore;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};

use crate::figure::Figure;

/// Hosts that report at the same time.
const HOSTS: usize = 5_000;

/// How long the floor is measured before each round of reports.
const FLOOR_TIME: Duration = Duration::from_millis(700);

/// Disks are moody, virtual ones more so: floor and reports take turns, and totals are compared.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(".")?;
    let mut floor = Floor::open(&folder.path().join("floor.db")).await?;
    let store = Arc::new(SqliteStore::open(&folder.path().join("longshore.db")).await?);
    let quotas = Quotas { hosts_per_deployment: HOSTS, ..Quotas::default() };
    let config = EngineConfig { quotas, ..EngineConfig::default() };
    let engine = Engine::start(store, Arc::new(SystemClock), Outside::nothing(), config).await?;
    let id = deployment_to_all(&engine).await?;

    let mut reporting = Duration::ZERO;
    for event_idx in 0..u32::try_from(IN_PLACE.len())? {
        floor.measure().await?;
        let started = Instant::now();
        stream::iter(0..HOSTS)
            .map(|idx| report(&engine, &id, idx, event_idx))
            .buffer_unordered(HOSTS)
            .try_collect::<Vec<()>>()
            .await?;
        reporting += started.elapsed();
    }
    let view = engine.deployment(&id).await?;
    anyhow::ensure!(view.count(TargetStatus::Succeeded) == HOSTS, "not every report was taken");
    engine.shutdown().await;
    let floor = floor.commits_per_second();
    Ok(vec![
        Figure {
            name: String::from("durable command reports"),
            value: (HOSTS * IN_PLACE.len()) as f64 / reporting.as_secs_f64(),
            unit: "reports/s",
            floor: Some(("SQLite, one commit each", floor)),
            aim: "20 times the floor where a commit costs 0.7 ms or more",
        },
        Figure {
            name: String::from("one durable SQLite commit on this disk"),
            value: 1000.0 / floor,
            unit: "ms",
            floor: None,
            aim: "",
        },
    ])
}

/// One row of a target's size, one durable commit each, from one connection.
struct Floor {
    connection: SqliteConnection,
    n_commits: i64,
    elapsed: Duration,
}

impl Floor {
    async fn open(path: &Path) -> anyhow::Result<Floor> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::query("CREATE TABLE report (id INTEGER PRIMARY KEY, body TEXT)")
            .execute(&mut connection)
            .await?;
        Ok(Floor { connection, n_commits: 0, elapsed: Duration::ZERO })
    }

    async fn measure(&mut self) -> anyhow::Result<()> {
        let body = "x".repeat(1_000);
        let started = Instant::now();
        while started.elapsed() < FLOOR_TIME {
            sqlx::query(
                "INSERT INTO report VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            )
            .bind(self.n_commits % 5_000)
            .bind(&body)
            .execute(&mut self.connection)
            .await?;
            self.n_commits += 1;
        }
        self.elapsed += started.elapsed();
        Ok(())
    }

    fn commits_per_second(&self) -> f64 {
        self.n_commits as f64 / self.elapsed.as_secs_f64()
    }
}

async fn report(engine: &Engine, id: &DeploymentId, idx: usize, event_idx: u32) -> anyhow::Result<()> {
    let key = CommandKey {
        target: TargetKey { deployment: id.clone(), host: HostId::parse(&format!("h{idx}"))? },
        event_idx,
    };
    let diagnostics = Diagnostics::by_service("Succeeded");
    engine.complete(&principal(idx), &key, true, diagnostics).await?;
    Ok(())
}

fn principal(idx: usize) -> PrincipalArn {
    PrincipalArn(format!("arn:aws:iam::000000000000:user/AWS/CodeDeploy/h{idx}"))
}

async fn deployment_to_all(engine: &Engine) -> anyhow::Result<DeploymentId> {
    let tag = HostTag { key: String::from("Role"), value: String::from("web") };
    stream::iter(0..HOSTS)
        .map(|idx| {
            let tag = tag.clone();
            async move {
                let name = HostName::parse(&format!("h{idx}"))?;
                engine.register_host(name.clone(), HostIdentity::IamUser(principal(idx))).await?;
                engine.add_host_tags(&[name], &[tag]).await?;
                anyhow::Ok(())
            }
        })
        .buffer_unordered(500)
        .try_collect::<Vec<()>>()
        .await?;
    let application = ApplicationName::parse("web")?;
    let group = DeploymentGroupName::parse("all")?;
    let filter =
        TagFilter { key: Some(tag.key), value: Some(tag.value), filter_type: TagFilterType::KeyAndValue };
    engine.create_application(application.clone(), Vec::new()).await?;
    let new_group = NewDeploymentGroup {
        application: application.clone(),
        name: group.clone(),
        config: Some(DeploymentConfigName::parse("CodeDeployDefault.AllAtOnce")?),
        service_role_arn: String::from("arn:aws:iam::000000000000:role/CodeDeploy"),
        ec2_selector: TagSelector::default(),
        on_premises_selector: TagSelector::Filters(vec![filter]),
        auto_rollback: AutoRollback::default(),
        outdated_instances_strategy: OutdatedInstancesStrategy::Update,
        termination_hook_enabled: false,
        traffic: Traffic::default(),
        alarms: None,
        triggers: Vec::new(),
        processes_to_suspend: Vec::new(),
        tags: Vec::new(),
    };
    engine.create_deployment_group(new_group).await?;
    let new = NewDeployment {
        application,
        group,
        revision: Some(Revision::S3 {
            bucket: String::from("bundles"),
            key: String::from("app.zip"),
            bundle_type: BundleType::Zip,
            version: None,
            e_tag: None,
        }),
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
    };
    let id = engine.create_deployment(new).await?;
    let deadline = Instant::now() + Duration::from_secs(60);
    while engine.deployment(&id).await?.count(TargetStatus::InProgress) < HOSTS {
        anyhow::ensure!(Instant::now() < deadline, "the deployment did not start on every host");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(id)
}
