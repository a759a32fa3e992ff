//! Durable command reports a second through engine and store, beside single and batched commits of the same
//! database, driven directly on the same disk.

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
use longshore_store::AnyStore;
use longshore_store::cluster::Cluster;

use crate::deployment::DEADLINE;
use crate::figure::{Aim, Figure};
use crate::floor::Floor;

/// Fleets whose hosts all report at the same time.
const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// A fleet reports until there are so many reports, or so often.
const REPORTS_OF_A_SIZE: usize = 70_000;
const MOST_RUNS: usize = 10;

/// On both databases.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let parent = std::env::temp_dir();
    let folder = tempfile::tempdir_in(&parent)?;
    let mut floor = Floor::sqlite(&folder.path().join("floor.db")).await?;
    let store = AnyStore::open_file(&folder.path().join("longshore.db")).await?;
    let mut figures = measure_on("SQLite", store, &mut floor).await?;
    let cluster = Cluster::durable(&parent).await;
    let mut floor = Floor::postgresql(&cluster.new_database().await).await?;
    let store = AnyStore::open_url(&cluster.new_database().await).await?;
    figures.extend(measure_on("PostgreSQL", store, &mut floor).await?);
    Ok(figures)
}

/// Disks are moody, virtual ones more so: floor and reports take turns, and totals are compared.
async fn measure_on(name: &str, store: AnyStore, floor: &mut Floor) -> anyhow::Result<Vec<Figure>> {
    let most = SIZES[SIZES.len() - 1];
    let quotas = Quotas { hosts_per_deployment: most, ..Quotas::default() };
    let config = EngineConfig { quotas, ..EngineConfig::default() };
    let engine = Engine::start(store.shared(), Arc::new(SystemClock), Outside::nothing(), config).await?;
    make_group(&engine).await?;
    let mut rates: Vec<(usize, f64)> = Vec::new();
    let mut n_known = 0;
    for n_hosts in SIZES {
        register(&engine, n_known..n_hosts).await?;
        n_known = n_hosts;
        let (mut reporting, mut n_reports) = (Duration::ZERO, 0);
        for _ in 0..(REPORTS_OF_A_SIZE / n_hosts / IN_PLACE.len()).clamp(1, MOST_RUNS) {
            floor.measure().await?;
            reporting += all_report(&engine, n_hosts).await?;
            n_reports += n_hosts * IN_PLACE.len();
        }
        rates.push((n_hosts, n_reports as f64 / reporting.as_secs_f64()));
    }
    engine.shutdown().await;
    store.close().await;
    Ok(figures(name, &rates, floor))
}

fn figures(name: &str, rates: &[(usize, f64)], floor: &Floor) -> Vec<Figure> {
    let (first, last) = (rates[0], rates[rates.len() - 1]);
    let (single, batched) = (floor.single_per_second(), floor.batched_per_second());
    let commit_ms = 1000.0 / single;
    let figure = |what: String, value: f64, unit: &'static str, floor: (&'static str, f64), aim: Aim| {
        Figure { name: format!("{what}, {name}"), value, unit, floor: Some(floor), aim }
    };
    // Where a commit costs next to nothing there is nothing to share.
    let aim = if 0.7 <= commit_ms { Aim::RatioAtLeast(20.0) } else { Aim::None };
    let mut figures: Vec<Figure> = Vec::new();
    for (n_hosts, rate) in rates {
        let what = format!("durable reports of {n_hosts} hosts");
        let aim = if *n_hosts == last.0 { aim } else { Aim::None };
        figures.push(figure(what, *rate, "reports/s", ("rows/s, one commit each", single), aim));
    }
    let what = format!("durable reports of {} hosts", last.0);
    figures.push(figure(what, last.1, "reports/s", ("rows/s, 1,024 a commit", batched), Aim::None));
    let what = format!("time for each report of {} hosts", last.0);
    let of_few = ("each of 100 hosts", 1000.0 / first.1);
    figures.push(figure(what, 1000.0 / last.1, "ms", of_few, Aim::RatioAtMost(1.1)));
    figures.push(Figure {
        name: format!("one durable commit on this disk, {name}"),
        value: commit_ms,
        unit: "ms",
        floor: None,
        aim: Aim::None,
    });
    figures
}

/// A deployment whose hosts report all together, event by event: how long they report.
async fn all_report(engine: &Engine, n_hosts: usize) -> anyhow::Result<Duration> {
    let id = deployment_to_all(engine, n_hosts).await?;
    let mut reporting = Duration::ZERO;
    for event_idx in 0..u32::try_from(IN_PLACE.len())? {
        let started = Instant::now();
        stream::iter(0..n_hosts)
            .map(|idx| report(engine, &id, idx, event_idx))
            .buffer_unordered(n_hosts)
            .try_collect::<Vec<()>>()
            .await?;
        reporting += started.elapsed();
    }
    let deadline = Instant::now() + DEADLINE;
    while !engine.deployment(&id).await?.deployment.status.is_final() {
        anyhow::ensure!(Instant::now() < deadline, "the deployment does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let view = engine.deployment(&id).await?;
    anyhow::ensure!(view.count(TargetStatus::Succeeded) == n_hosts, "not every report was taken");
    Ok(reporting)
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

async fn register(engine: &Engine, hosts: std::ops::Range<usize>) -> anyhow::Result<()> {
    stream::iter(hosts)
        .map(async |idx| {
            let name = HostName::parse(&format!("h{idx}"))?;
            engine.register_host(name.clone(), HostIdentity::IamUser(principal(idx))).await?;
            engine.add_host_tags(&[name], &[tag()]).await?;
            anyhow::Ok(())
        })
        .buffer_unordered(500)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

fn tag() -> HostTag {
    HostTag { key: String::from("Role"), value: String::from("web") }
}

async fn make_group(engine: &Engine) -> anyhow::Result<()> {
    let tag = tag();
    let application = ApplicationName::parse("web")?;
    let filter =
        TagFilter { key: Some(tag.key), value: Some(tag.value), filter_type: TagFilterType::KeyAndValue };
    engine.create_application(application.clone(), Vec::new()).await?;
    let new_group = NewDeploymentGroup {
        application,
        name: DeploymentGroupName::parse("all")?,
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
    Ok(())
}

/// A deployment that has begun on every host.
async fn deployment_to_all(engine: &Engine, n_hosts: usize) -> anyhow::Result<DeploymentId> {
    let new = NewDeployment {
        application: ApplicationName::parse("web")?,
        group: DeploymentGroupName::parse("all")?,
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
    let deadline = Instant::now() + DEADLINE;
    while engine.deployment(&id).await?.count(TargetStatus::InProgress) < n_hosts {
        anyhow::ensure!(Instant::now() < deadline, "the deployment did not start on every host");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(id)
}
