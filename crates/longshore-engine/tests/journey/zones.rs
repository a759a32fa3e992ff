//! Zone by zone, with waits between. Source: service.md §4.5.

use std::time::Duration;

use longshore_engine::deployment::{DeploymentError, StopAnswer};
use longshore_engine::outside::AlarmState;
use longshore_engine::{EngineConfig, Quotas};
use longshore_model::deployment::{DeploymentStatus, ErrorCode};
use longshore_model::deployment_config::{MinimumHealthyHosts, Zonal};
use longshore_model::id::{ApplicationName, DeploymentConfigName, DeploymentGroupName, DeploymentId};
use longshore_model::target::TargetStatus;
use longshore_model::watch::Alarms;

use crate::world::World;

const A: &str = "i-0000000a";
const B: &str = "i-0000000b";
const C: &str = "i-0000000c";
const ALL_AT_ONCE: &str = "CodeDeployDefault.AllAtOnce";

fn zonal() -> DeploymentConfigName {
    DeploymentConfigName::parse("zonal").unwrap()
}

/// One instance in each of three zones, and a config that waits 90 seconds after the first and 30 after
/// the second.
async fn world_with(config: EngineConfig) -> World {
    let world = World::with_config(&[], ALL_AT_ONCE, config).await;
    for (id, zone) in [(A, "us-east-1a"), (B, "us-east-1b"), (C, "us-east-1c")] {
        world.ec2_instance(id, zone).await;
    }
    let zones = Zonal { first_zone_monitor_secs: Some(90), monitor_secs: Some(30), ..Zonal::default() };
    let minimum = MinimumHealthyHosts::HostCount(0);
    world.engine.create_deployment_config(zonal(), minimum, Some(zones)).await.unwrap();
    world
}

async fn world() -> World {
    world_with(EngineConfig::default()).await
}

async fn deploy(world: &World) -> DeploymentId {
    world.deploy_with(|new| new.config = Some(zonal())).await
}

/// A deployment that waits after its first zone.
async fn baking(world: &World) -> DeploymentId {
    let id = deploy(world).await;
    world.run_all_events(A).await;
    world.reaches(&id, DeploymentStatus::Baking).await;
    id
}

/// service.md §4.5, and §5.1 for the statuses.
#[tokio::test]
async fn zones_go_one_after_another_with_waits_between() {
    let world = world().await;
    let id = deploy(&world).await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
    assert!(world.is_parked(B).await && world.is_parked(C).await);
    world.run_all_events(A).await;
    let view = world.reaches(&id, DeploymentStatus::Baking).await;
    assert_eq!((view.count(TargetStatus::Succeeded), view.count(TargetStatus::Pending)), (1, 2));
    world.clock.advance(Duration::from_secs(89));
    assert!(world.is_parked(B).await);
    assert_eq!(world.view(&id).await.deployment.status, DeploymentStatus::Baking);
    world.clock.advance(Duration::from_secs(1));
    world.run_all_events(B).await;
    world.reaches(&id, DeploymentStatus::Baking).await;
    assert!(world.is_parked(C).await);
    world.clock.advance(Duration::from_secs(30));
    world.run_all_events(C).await;
    let view = world.reaches(&id, DeploymentStatus::Succeeded).await;
    assert_eq!(view.count(TargetStatus::Succeeded), 3);
    assert!(view.deployment.status_messages.is_empty(), "{:?}", view.deployment.status_messages);
}

/// service.md §7.1 and §4.5: nothing runs, so it takes effect at once.
#[tokio::test]
async fn a_stop_during_a_wait_takes_effect_at_once() {
    let world = world().await;
    let id = baking(&world).await;
    assert_eq!(world.engine.stop_deployment(&id, None).await.unwrap(), StopAnswer::Stopped);
    let view = world.view(&id).await;
    assert_eq!(view.deployment.status, DeploymentStatus::Stopped);
    assert_eq!(view.deployment.error.clone().unwrap().code, ErrorCode::ManualStop);
    assert_eq!((view.count(TargetStatus::Succeeded), view.count(TargetStatus::Skipped)), (1, 2));
    let again = world.engine.stop_deployment(&id, None).await;
    assert!(matches!(again, Err(DeploymentError::AlreadyCompleted { .. })), "{again:?}");
}

/// service.md §4.5.
#[tokio::test]
async fn a_restart_during_a_wait_goes_on_waiting() {
    let mut world = world().await;
    let id = baking(&world).await;
    world.clock.advance(Duration::from_secs(60));
    world.restart().await;
    assert!(world.is_parked(B).await);
    assert_eq!(world.view(&id).await.deployment.status, DeploymentStatus::Baking);
    // The wait is counted from its beginning and not from the restart.
    world.clock.advance(Duration::from_secs(30));
    world.run_all_events(B).await;
    world.reaches(&id, DeploymentStatus::Baking).await;
    // One that is over when the new engine comes does not begin again.
    world.engine.shutdown().await;
    world.clock.advance(Duration::from_secs(3600));
    world.restart().await;
    world.run_all_events(C).await;
    world.reaches(&id, DeploymentStatus::Succeeded).await;
}

/// service.md §4.5, "alarms are still watched", and §7.5, "Baking included".
#[tokio::test]
async fn an_alarm_during_a_wait_stops_the_deployment() {
    let mut world = world().await;
    for is_restarted in [false, true] {
        world.alarms.set("errors", Ok(AlarmState::Ok));
        let names = vec![String::from("errors")];
        let alarms = Alarms { is_enabled: true, ignore_poll_failure: false, names };
        let id = world
            .deploy_with(|new| {
                new.config = Some(zonal());
                new.override_alarms = Some(alarms);
            })
            .await;
        world.run_all_events(A).await;
        world.reaches(&id, DeploymentStatus::Baking).await;
        if is_restarted {
            world.restart().await;
        }
        world.alarms.set("errors", Ok(AlarmState::Alarm));
        world.clock.advance(Duration::from_secs(30));
        let view = world.reaches(&id, DeploymentStatus::Stopped).await;
        assert_eq!(view.deployment.error.unwrap().code, ErrorCode::AlarmActive);
    }
}

/// Source: service.md §3.5: one active deployment per group, `Baking` is active; and it keeps its place
/// among the account's.
#[tokio::test]
async fn a_deployment_that_waits_is_active_and_keeps_its_place() {
    let quotas = Quotas { concurrent_deployments: 1, ..Quotas::default() };
    let world = world_with(EngineConfig { quotas, ..EngineConfig::default() }).await;
    world.group("other", ALL_AT_ONCE).await;
    let id = baking(&world).await;
    match world.deploy_to("all", "other.zip").await {
        Err(DeploymentError::GroupBusy { running, .. }) => assert_eq!(running, id),
        other => panic!("{other:?}"),
    }
    let second = world.deploy_to("other", "app.zip").await.unwrap();
    world.reaches(&second, DeploymentStatus::Queued).await;
    world.engine.stop_deployment(&id, None).await.unwrap();
    world.clock.advance(Duration::from_secs(2));
    world.reaches(&second, DeploymentStatus::InProgress).await;
}

/// service.md §5.1: a deployment that waits is stopped when its group is deleted.
#[tokio::test]
async fn a_deployment_that_waits_ends_with_its_group() {
    let world = world().await;
    let id = baking(&world).await;
    let web = ApplicationName::parse("web").unwrap();
    let all = DeploymentGroupName::parse("all").unwrap();
    world.engine.delete_deployment_group(&web, &all).await.unwrap();
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    assert_eq!(view.deployment.error.clone().unwrap().code, ErrorCode::DeploymentGroupMissing);
    assert_eq!((view.count(TargetStatus::Succeeded), view.count(TargetStatus::Skipped)), (1, 2));
}
