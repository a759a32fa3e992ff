//! What the engine does from time to time: the history, tombstones, and what a crash left behind.

use std::time::{Duration, Instant};

use longshore_engine::deployment::DeploymentError;
use longshore_engine::{EngineConfig, Quotas, Retention};
use longshore_model::deployment::{DeploymentStatus, ErrorCode};
use longshore_model::id::{ApplicationName, DeploymentGroupName, DeploymentId};
use longshore_store::HostFilter;

use crate::world::{World, name};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Waits (in real time, with a deadline) for the upkeep to have forgotten the deployment.
async fn is_forgotten(world: &World, id: &DeploymentId) {
    let started = Instant::now();
    while !matches!(world.engine.deployment(id).await, Err(DeploymentError::NotFound(_))) {
        assert!(started.elapsed() < Duration::from_secs(30), "{id} is still there");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Source: service.md §2.1: 90 days or so many deployments, whichever keeps more.
#[tokio::test]
async fn old_deployments_are_forgotten_but_not_the_newest() {
    let retention = Retention { deployments: 2, ..Retention::default() };
    let config = EngineConfig { retention, ..EngineConfig::default() };
    let world = World::with_config(&["a"], "CodeDeployDefault.AllAtOnce", config).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let id = world.deploy().await;
        world.run_all_events("a").await;
        world.reaches(&id, DeploymentStatus::Succeeded).await;
        world.clock.advance(Duration::from_secs(1));
        ids.push(id);
    }
    // A day is not enough.
    world.clock.advance(DAY);
    world.view(&ids[0]).await;
    world.clock.advance(DAY * 90);
    is_forgotten(&world, &ids[1]).await;
    is_forgotten(&world, &ids[0]).await;
    world.view(&ids[2]).await;
    world.view(&ids[3]).await;
}

/// A restart needs the last success, however old it is. Source: service-additions.md §2.
#[tokio::test]
async fn the_last_success_of_a_group_is_kept() {
    let retention = Retention { deployments: 1, ..Retention::default() };
    let config = EngineConfig { retention, ..EngineConfig::default() };
    let world = World::with_config(&["a"], "CodeDeployDefault.AllAtOnce", config).await;
    let success = world.deploy().await;
    world.run_all_events("a").await;
    world.reaches(&success, DeploymentStatus::Succeeded).await;
    let mut stopped = Vec::new();
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(1));
        let id = world.deploy().await;
        world.reaches(&id, DeploymentStatus::InProgress).await;
        world.engine.stop_deployment(&id, None).await.unwrap();
        world.reaches(&id, DeploymentStatus::Stopped).await;
        stopped.push(id);
    }
    world.clock.advance(DAY * 91);
    is_forgotten(&world, &stopped[0]).await;
    is_forgotten(&world, &stopped[1]).await;
    assert_eq!(world.view(&success).await.deployment.status, DeploymentStatus::Succeeded);
    let restart = world
        .deploy_with(|new| {
            new.revision = None;
            new.is_restart = true;
        })
        .await;
    assert_eq!(world.view(&restart).await.deployment.restart_of, Some(success));
}

/// Source: service.md §2.5.
#[tokio::test]
async fn tombstones_are_forgotten_when_nobody_asks() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.engine.deregister_host(&name("a")).await.unwrap();
    assert!(world.store.host(&name("a")).await.unwrap().is_some());
    world.clock.advance(DAY + Duration::from_secs(1));
    let started = Instant::now();
    while world.store.host(&name("a")).await.unwrap().is_some() {
        assert!(started.elapsed() < Duration::from_secs(30), "the tombstone is still there");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let all = longshore_store::Page { after: None, limit: 10 };
    assert!(world.store.hosts(&HostFilter::default(), &all).await.unwrap().is_empty());
}

/// service.md §5.1, §2.1 and §3.3: the process ended between the deletion and the end of what ran.
#[tokio::test]
async fn what_lost_its_group_in_a_crash_is_ended_by_the_next_start() {
    for deletes_application in [false, true] {
        let mut world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
        let id = world.deploy().await;
        world.reaches(&id, DeploymentStatus::InProgress).await;
        let web = ApplicationName::parse("web").unwrap();
        let code = if deletes_application {
            world.store.delete_application(&web).await.unwrap();
            ErrorCode::ApplicationMissing
        } else {
            let group = DeploymentGroupName::parse("all").unwrap();
            world.store.delete_deployment_group(&web, &group).await.unwrap();
            ErrorCode::DeploymentGroupMissing
        };
        world.restart().await;
        let view = world.reaches(&id, DeploymentStatus::Stopped).await;
        assert_eq!(view.deployment.error.unwrap().code, code);
    }
}

/// service.md §5.1 and §12: hosts in concurrent deployments.
#[tokio::test]
async fn a_deployment_waits_until_its_hosts_have_room() {
    let quotas = Quotas { concurrent_hosts: 3, ..Quotas::default() };
    let config = EngineConfig { quotas, ..EngineConfig::default() };
    let world = World::with_config(&["a", "b"], "CodeDeployDefault.AllAtOnce", config).await;
    world.group("more", "CodeDeployDefault.AllAtOnce").await;
    let first = world.deploy().await;
    world.reaches(&first, DeploymentStatus::InProgress).await;
    let second = world.deploy_to("more", "other.zip").await.unwrap();
    world.reaches(&second, DeploymentStatus::Queued).await;
    tokio::join!(world.run_all_events("a"), world.run_all_events("b"));
    world.reaches(&first, DeploymentStatus::Succeeded).await;
    world.clock.advance(Duration::from_secs(1));
    world.reaches(&second, DeploymentStatus::InProgress).await;
}

/// service.md §5.1: it is larger than all places together, so it goes alone.
#[tokio::test]
async fn a_deployment_that_never_fits_goes_alone() {
    let quotas = Quotas { concurrent_hosts: 1, ..Quotas::default() };
    let config = EngineConfig { quotas, ..EngineConfig::default() };
    let world = World::with_config(&["a", "b"], "CodeDeployDefault.AllAtOnce", config).await;
    let id = world.deploy().await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
}
