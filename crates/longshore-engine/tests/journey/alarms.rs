//! Alarms stop a deployment. Source: service.md §7.5.

use std::time::Duration;

use longshore_engine::deployment_group::DeploymentGroupChange;
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

/// service.md §7.5, "at start or later", and §5.5 for the text.
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

/// service.md §7.5 and §8: one look every 30 seconds. Source: service.md §5.1. Each server looks for itself, so
/// here there is one.
#[tokio::test]
async fn an_alarm_is_noticed_at_the_next_look() {
    let world = World::alone(&["a", "b"], "CodeDeployDefault.OneAtATime").await;
    let id = deploy(&world, alarms(true, false)).await;
    world.run_all_events("a").await;
    world.poll("b", &Connection::new()).await;
    world.alarms.set("errors", Ok(AlarmState::Alarm));
    world.clock.advance(Duration::from_secs(29));
    assert!(world.is_parked("a").await);
    assert_eq!(
        (world.view(&id).await.deployment.status, world.alarms.looks()),
        (DeploymentStatus::InProgress, 1)
    );
    world.clock.advance(Duration::from_secs(1));
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    assert_eq!((view.count(TargetStatus::Succeeded), world.alarms.looks()), (1, 2));
}

/// service.md §7.5: without alarms of its own a deployment watches its group's; an alarm that does not know enough
/// is not active.
#[tokio::test]
async fn alarms_of_the_group_are_watched() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let alarms = alarms(true, false);
    world.change_group(DeploymentGroupChange { alarms, ..DeploymentGroupChange::default() }).await;
    world.alarms.set("errors", Ok(AlarmState::InsufficientData));
    let id = world.deploy().await;
    world.poll("a", &Connection::new()).await;
    assert_eq!(world.alarms.looks(), 1);
    world.alarms.set("errors", Ok(AlarmState::Alarm));
    world.clock.advance(Duration::from_secs(30));
    world.reaches(&id, DeploymentStatus::Stopped).await;
}

/// service.md §7.5 and §7.1: an alarm stops as a request does: what runs may end first.
#[tokio::test]
async fn an_alarm_waits_for_the_running_command() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = deploy(&world, alarms(true, false)).await;
    let command = world.poll("a", &Connection::new()).await;
    world.ack("a", &command.key).await;
    world.alarms.set("errors", Ok(AlarmState::Alarm));
    world.clock.advance(Duration::from_secs(30));
    let started = std::time::Instant::now();
    while world.view(&id).await.deployment.stop.is_none() {
        assert!(started.elapsed() < Duration::from_secs(30), "nobody noticed");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(world.view(&id).await.deployment.status, DeploymentStatus::InProgress);
    world.report("a", &command.key, true).await;
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    assert_eq!(view.deployment.error.unwrap().code, ErrorCode::AlarmActive);
}

/// service.md §7.5.
#[tokio::test]
async fn a_restart_goes_on_looking() {
    let mut world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = deploy(&world, alarms(true, false)).await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
    world.alarms.set("errors", Ok(AlarmState::Alarm));
    world.restart().await;
    world.reaches(&id, DeploymentStatus::Stopped).await;
}

/// service.md §7.5, `ignorePollAlarmFailure`, and `enabled: false`.
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

/// service.md §7.4: a stop by alarm is rolled back, and a rollback's alarms are not watched.
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
