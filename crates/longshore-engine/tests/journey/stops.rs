//! Stops, deletions and lack of time, at each status. Source: service.md §5.1, §7.1 and §8.

use std::time::Duration;

use longshore_engine::deployment::{DeploymentError, StopAnswer};
use longshore_engine::host_command::{AckAnswer, Connection};
use longshore_engine::{EngineConfig, Quotas};
use longshore_model::deployment::{Deployment, DeploymentStatus, ErrorCode};
use longshore_model::id::{ApplicationName, DeploymentGroupName, DeploymentId};
use longshore_model::lifecycle::EventState;
use longshore_model::target::{Clocks, TargetStatus};

use crate::world::{World, name};

const ALL_AT_ONCE: &str = "CodeDeployDefault.AllAtOnce";

/// A deployment of the group `all` that runs, and one of the group `other` that waits for its place.
async fn running_and_queued() -> (World, DeploymentId, DeploymentId) {
    let quotas = Quotas { concurrent_deployments: 1, ..Quotas::default() };
    let config = EngineConfig { quotas, ..EngineConfig::default() };
    let world = World::with_config(&["a"], ALL_AT_ONCE, config).await;
    world.group("other", ALL_AT_ONCE).await;
    let running = world.deploy().await;
    world.reaches(&running, DeploymentStatus::InProgress).await;
    let queued = world.deploy_to("other", "app.zip").await.unwrap();
    world.reaches(&queued, DeploymentStatus::Queued).await;
    (world, running, queued)
}

fn code(deployment: &Deployment) -> Option<ErrorCode> {
    deployment.error.as_ref().map(|error| error.code)
}

/// service.md §7.1: Created and Queued are stopped immediately, §5.1: without a start.
#[tokio::test]
async fn a_stop_before_the_start_takes_effect_at_once() {
    let (world, running, queued) = running_and_queued().await;
    // Nobody begins deployments any more.
    world.engine.shutdown().await;
    world.group("third", ALL_AT_ONCE).await;
    let created = world.deploy_to("third", "app.zip").await.unwrap();
    for (id, status) in [(&created, DeploymentStatus::Created), (&queued, DeploymentStatus::Queued)] {
        assert_eq!(world.view(id).await.deployment.status, status);
        assert_eq!(world.engine.stop_deployment(id, None).await.unwrap(), StopAnswer::Stopped);
        let stopped = world.view(id).await.deployment;
        assert_eq!(
            (stopped.status, code(&stopped)),
            (DeploymentStatus::Stopped, Some(ErrorCode::ManualStop))
        );
        assert_eq!((stopped.started_at, stopped.completed_at.is_some()), (None, true));
        let again = world.engine.stop_deployment(id, None).await;
        assert!(matches!(again, Err(DeploymentError::AlreadyCompleted { .. })), "{again:?}");
    }
    assert_eq!(world.view(&running).await.deployment.status, DeploymentStatus::InProgress);
}

/// service.md §5.1: what loses its group or application before its start has failed; what runs is stopped.
#[tokio::test]
async fn who_loses_its_group_before_the_start_has_failed() {
    let web = ApplicationName::parse("web").unwrap();
    let (world, running, queued) = running_and_queued().await;
    let other = DeploymentGroupName::parse("other").unwrap();
    world.engine.delete_deployment_group(&web, &other).await.unwrap();
    let failed = world.reaches(&queued, DeploymentStatus::Failed).await.deployment;
    assert_eq!((code(&failed), failed.started_at), (Some(ErrorCode::DeploymentGroupMissing), None));
    assert_eq!(world.view(&running).await.deployment.status, DeploymentStatus::InProgress);

    let (world, running, queued) = running_and_queued().await;
    world.engine.delete_application(&web).await.unwrap();
    let failed = world.reaches(&queued, DeploymentStatus::Failed).await.deployment;
    assert_eq!((code(&failed), failed.started_at), (Some(ErrorCode::ApplicationMissing), None));
    let stopped = world.reaches(&running, DeploymentStatus::Stopped).await.deployment;
    assert_eq!(code(&stopped), Some(ErrorCode::ApplicationMissing));
}

/// service.md §7.1: what has succeeded or failed cannot be stopped, and stays as it is, §5.1.
#[tokio::test]
async fn what_has_ended_cannot_be_stopped() {
    let world = World::new(&["a"], ALL_AT_ONCE).await;
    let succeeded = world.deploy().await;
    world.run_all_events("a").await;
    world.reaches(&succeeded, DeploymentStatus::Succeeded).await;
    let failed = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    world.report("a", &command.key, false).await;
    world.reaches(&failed, DeploymentStatus::Failed).await;
    for id in [succeeded, failed] {
        let before = world.view(&id).await.deployment;
        for word in [None, Some(true)] {
            let refused = world.engine.stop_deployment(&id, word).await;
            assert!(matches!(refused, Err(DeploymentError::AlreadyCompleted { .. })), "{refused:?}");
        }
        assert_eq!(world.view(&id).await.deployment, before);
    }
}

/// service.md §7.1: the status stays InProgress until the last command "reports (or times out), then Stopped".
#[tokio::test]
async fn a_stop_ends_when_the_last_command_is_given_up() {
    let world = World::new(&["a"], ALL_AT_ONCE).await;
    let id = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    world.ack("a", &command.key).await;
    assert_eq!(world.engine.stop_deployment(&id, None).await.unwrap(), StopAnswer::Pending);
    world.clock.advance(Duration::from_secs(3599));
    assert_eq!(world.engine.stop_deployment(&id, None).await.unwrap(), StopAnswer::Pending);
    assert_eq!(world.view(&id).await.deployment.status, DeploymentStatus::InProgress);
    world.clock.advance(Duration::from_secs(1));
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    assert_eq!(code(&view.deployment), Some(ErrorCode::ManualStop));
    assert_eq!(view.count(TargetStatus::Failed), 1);
    assert_eq!(world.engine.stop_deployment(&id, None).await.unwrap(), StopAnswer::Stopped);
    // What comes then is logged and changes nothing.
    world.report("a", &command.key, true).await;
    assert_eq!(world.view(&id).await.count(TargetStatus::Failed), 1);
    assert_eq!(world.ack("a", &command.key).await, AckAnswer::Failed);
}

fn patient() -> EngineConfig {
    let clocks = Clocks { event: Duration::from_secs(24 * 3600), ..Clocks::default() };
    EngineConfig { clocks, ..EngineConfig::default() }
}

/// service.md §8: an in-place deployment has 12 hours, §5.5: then it failed with TIMEOUT.
#[tokio::test]
async fn a_deployment_that_takes_twelve_hours_fails() {
    let world = World::with_config(&["a", "b"], "CodeDeployDefault.OneAtATime", patient()).await;
    let id = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    world.ack("a", &command.key).await;
    world.clock.advance(Duration::from_secs(12 * 3600 - 1));
    assert!(world.is_parked("b").await);
    assert_eq!(world.view(&id).await.deployment.status, DeploymentStatus::InProgress);
    world.clock.advance(Duration::from_secs(1));
    let view = world.reaches(&id, DeploymentStatus::Failed).await;
    assert_eq!(code(&view.deployment), Some(ErrorCode::Timeout));
    assert_eq!((view.count(TargetStatus::Failed), view.count(TargetStatus::Skipped)), (1, 1));
    let target = world.engine.target(&id, &name("a").into()).await.unwrap();
    assert!(matches!(target.events[0].state, EventState::Failed { .. }), "{:?}", target.events[0]);
}

/// service.md §7.1 and §8: one that was to be stopped is, though it ran out of time first.
#[tokio::test]
async fn a_stop_that_runs_out_of_time_is_a_stop() {
    let world = World::with_config(&["a"], ALL_AT_ONCE, patient()).await;
    let id = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    world.ack("a", &command.key).await;
    assert_eq!(world.engine.stop_deployment(&id, None).await.unwrap(), StopAnswer::Pending);
    world.clock.advance(Duration::from_secs(12 * 3600));
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    assert_eq!(code(&view.deployment), Some(ErrorCode::ManualStop));
    assert_eq!(world.engine.stop_deployment(&id, None).await.unwrap(), StopAnswer::Stopped);
}
