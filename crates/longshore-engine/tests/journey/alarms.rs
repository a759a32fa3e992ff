//! Alarms stop a deployment. Source: service.md §7.5.

use std::time::Duration;

use longshore_engine::host_command::Connection;
use longshore_engine::outside::{AlarmState, OutsideError};
use longshore_model::deployment::{DeploymentStatus, ErrorCode, Rollback};
use longshore_model::deployment_group::{AutoRollback, AutoRollbackEvent};
use longshore_model::id::DeploymentId;
use longshore_model::target::TargetStatus;
use longshore_model::watch::Alarms;

use crate::world::World;

fn alarms(is_enabled: bool, ignore_poll_failure: bool) -> Option<Alarms> {
    Some(Alarms { is_enabled, ignore_poll_failure, names: vec![String::from("errors")] })
}

async fn deploy(world: &World, alarms: Option<Alarms>) -> DeploymentId {
    world.deploy_with(|new| new.override_alarms = alarms).await
}

#[tokio::test]
async fn an_alarm_that_is_active_at_the_start_stops_before_any_host_begins() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.alarms.set("errors", Ok(AlarmState::Alarm));
    let id = deploy(&world, alarms(true, false)).await;
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    let error = view.deployment.error.clone().unwrap();
    assert_eq!(error.code, ErrorCode::AlarmActive);
    assert!(error.message.ends_with("Activated alarms: <errors>"), "{}", error.message);
    assert_eq!(view.count(TargetStatus::Skipped), 1);
}

#[tokio::test]
async fn an_alarm_is_noticed_at_the_next_look() {
    let world = World::new(&["a", "b"], "CodeDeployDefault.OneAtATime").await;
    let id = deploy(&world, alarms(true, false)).await;
    world.run_all_events("a").await;
    world.poll("b", &Connection::new()).await;
    world.alarms.set("errors", Ok(AlarmState::Alarm));
    world.clock.advance(Duration::from_secs(30));
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    assert_eq!(view.count(TargetStatus::Succeeded), 1);
}

#[tokio::test]
async fn a_restart_goes_on_looking() {
    let mut world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = deploy(&world, alarms(true, false)).await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
    world.alarms.set("errors", Ok(AlarmState::Alarm));
    world.restart().await;
    world.reaches(&id, DeploymentStatus::Stopped).await;
}

#[tokio::test]
async fn an_alarm_that_cannot_be_read_counts_unless_told_otherwise() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.alarms.set("errors", Err(OutsideError(String::from("there is no such alarm"))));
    let id = deploy(&world, alarms(true, false)).await;
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    let message = view.deployment.error.unwrap().message;
    assert!(message.contains("<errors> cannot be read: there is no such alarm"), "{message}");
    for quiet in [alarms(true, true), alarms(false, false)] {
        let id = deploy(&world, quiet).await;
        world.run_all_events("a").await;
        world.reaches(&id, DeploymentStatus::Succeeded).await;
    }
}

/// Source: service.md §7.4: a rollback's alarms are not watched, they are likely still active.
#[tokio::test]
async fn a_stop_by_alarm_is_rolled_back_whatever_the_alarm_says_then() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let good = world.deploy().await;
    world.run_all_events("a").await;
    world.reaches(&good, DeploymentStatus::Succeeded).await;
    world.alarms.set("errors", Ok(AlarmState::Alarm));
    let rule = AutoRollback { is_enabled: true, events: vec![AutoRollbackEvent::DeploymentStopOnAlarm] };
    let id = world
        .deploy_with(|new| {
            new.override_alarms = alarms(true, false);
            new.auto_rollback = Some(rule);
        })
        .await;
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    let Some(Rollback::By(rollback)) = view.deployment.rollback else {
        panic!("it is not rolled back: {:?}", view.deployment)
    };
    world.run_all_events("a").await;
    world.reaches(&rollback, DeploymentStatus::Succeeded).await;
}
