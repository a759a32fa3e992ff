//! Deployments from acceptance to their end.

use std::time::Duration;

use longshore_engine::deployment::{DeploymentError, StopAnswer};
use longshore_engine::host_command::{AckAnswer, Connection};
use longshore_engine::{EngineConfig, Quotas};
use longshore_model::deployment::{DeploymentStatus, ErrorCode};
use longshore_model::host::{HostIdentity, HostTag};
use longshore_model::id::{ApplicationName, DeploymentGroupName};
use longshore_model::lifecycle::EventState;
use longshore_model::target::{Clocks, TargetStatus};

use crate::world::{World, name, principal};

/// service.md §5.1, §5.2 and §6.2: seven events a host, and the group has the revision, §4.4.
#[tokio::test]
async fn every_host_runs_every_event_and_the_deployment_succeeds() {
    let world = World::new(&["a", "b"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    tokio::join!(world.run_all_events("a"), world.run_all_events("b"));
    let view = world.reaches(&id, DeploymentStatus::Succeeded).await;
    assert_eq!(view.count(TargetStatus::Succeeded), 2);
    let application = ApplicationName::parse("web").unwrap();
    let group = DeploymentGroupName::parse("all").unwrap();
    let group = world.engine.deployment_group(&application, &group).await.unwrap();
    assert_eq!(group.last_successful.unwrap().id, id);
    assert_eq!(group.group.history.target_revision, Some(view.deployment.revision));
}

/// service.md §4.2 rule 5.
#[tokio::test]
async fn one_at_a_time_starts_the_second_host_after_the_first() {
    let world = World::new(&["a", "b"], "CodeDeployDefault.OneAtATime").await;
    let id = world.deploy().await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
    assert!(world.is_parked("b").await);
    world.run_all_events("a").await;
    world.run_all_events("b").await;
    world.reaches(&id, DeploymentStatus::Succeeded).await;
}

#[tokio::test]
async fn a_group_has_one_active_deployment() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    match world.deploy_to("all", "other.zip").await {
        Err(DeploymentError::GroupBusy { running, .. }) => assert_eq!(running, id),
        other => panic!("{other:?}"),
    }
    world.run_all_events("a").await;
    world.reaches(&id, DeploymentStatus::Succeeded).await;
    world.deploy_to("all", "other.zip").await.unwrap();
}

/// service.md §5.1 and §5.5, NO_INSTANCES.
#[tokio::test]
async fn hosts_that_the_group_does_not_select_are_no_targets() {
    let world = World::new(&[], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    let view = world.reaches(&id, DeploymentStatus::Failed).await;
    assert_eq!(view.deployment.error.unwrap().code, ErrorCode::NoInstances);
}

/// service.md §8: 5 minutes from the start of the deployment; §4.3.
#[tokio::test]
async fn a_host_that_never_comes_fails_after_the_pickup_clock() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
    while world.view(&id).await.count(TargetStatus::InProgress) == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    world.clock.advance(Duration::from_secs(299));
    assert_eq!(world.view(&id).await.deployment.status, DeploymentStatus::InProgress);
    world.clock.advance(Duration::from_secs(2));
    let view = world.reaches(&id, DeploymentStatus::Failed).await;
    assert_eq!(view.count(TargetStatus::Failed), 1);
    let target = world.engine.target(&id, &name("a").into()).await.unwrap();
    assert_eq!(target.status(), TargetStatus::Failed);
}

/// service.md §8: 5 minutes "from the end of the previous event".
#[tokio::test]
async fn a_clock_that_starts_with_a_report_is_kept() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    world.ack("a", &command.key).await;
    // By now the loop expects nothing before the event's own clock ends, in almost an hour.
    world.clock.advance(Duration::from_secs(301));
    tokio::time::sleep(Duration::from_millis(20)).await;
    world.report("a", &command.key, true).await;
    // The host is gone before it asks for the next command.
    world.clock.advance(Duration::from_secs(299));
    assert_eq!(world.view(&id).await.deployment.status, DeploymentStatus::InProgress);
    world.clock.advance(Duration::from_secs(2));
    world.reaches(&id, DeploymentStatus::Failed).await;
}

/// service.md §8, "All are configurable".
#[tokio::test]
async fn an_event_clock_may_be_shorter_than_the_pickup_clock() {
    let clocks = Clocks { event: Duration::from_secs(10), ..Clocks::default() };
    let config = EngineConfig { clocks, ..EngineConfig::default() };
    let world = World::with_config(&["a"], "CodeDeployDefault.AllAtOnce", config).await;
    let id = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    world.ack("a", &command.key).await;
    world.clock.advance(Duration::from_secs(11));
    world.reaches(&id, DeploymentStatus::Failed).await;
}

/// service.md §7.1, "with commands running", and §5.2, "On stop".
#[tokio::test]
async fn a_stop_waits_for_the_running_command_and_schedules_no_other() {
    let world = World::new(&["a", "b"], "CodeDeployDefault.OneAtATime").await;
    let id = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    world.ack("a", &command.key).await;
    assert_eq!(world.engine.stop_deployment(&id, None).await.unwrap(), StopAnswer::Pending);
    assert_eq!(world.engine.stop_deployment(&id, None).await.unwrap(), StopAnswer::Pending);
    world.report("a", &command.key, true).await;
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    assert_eq!((view.count(TargetStatus::Failed), view.count(TargetStatus::Skipped)), (1, 1));
    assert_eq!(world.engine.stop_deployment(&id, None).await.unwrap(), StopAnswer::Stopped);
}

/// service.md §7.1, "no command running on any host"; §9.2: its command is not run. Source: service.md §5.1.
#[tokio::test]
async fn a_stop_with_nothing_running_takes_effect_at_once() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    assert_eq!(world.engine.stop_deployment(&id, None).await.unwrap(), StopAnswer::Stopped);
    assert_eq!(world.ack("a", &command.key).await, AckAnswer::Failed);
    let again = world.engine.stop_deployment(&id, None).await;
    assert!(matches!(again, Err(DeploymentError::AlreadyCompleted { .. })), "{again:?}");
}

/// service.md §5.1 and §5.5.
#[tokio::test]
async fn deleting_the_group_ends_its_deployment() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
    let application = ApplicationName::parse("web").unwrap();
    let group = DeploymentGroupName::parse("all").unwrap();
    world.engine.delete_deployment_group(&application, &group).await.unwrap();
    let view = world.reaches(&id, DeploymentStatus::Stopped).await;
    assert_eq!(view.deployment.error.unwrap().code, ErrorCode::DeploymentGroupMissing);
}

/// service.md §5.1: Queued while the account has no place.
#[tokio::test]
async fn a_deployment_beyond_the_quota_waits_for_a_place() {
    let quotas = Quotas { concurrent_deployments: 1, ..Quotas::default() };
    let config = EngineConfig { quotas, ..EngineConfig::default() };
    let world = World::with_config(&["a"], "CodeDeployDefault.AllAtOnce", config).await;
    world.group("other", "CodeDeployDefault.AllAtOnce").await;
    let first = world.deploy().await;
    world.reaches(&first, DeploymentStatus::InProgress).await;
    let second = world.deploy_to("other", "app.zip").await.unwrap();
    world.reaches(&second, DeploymentStatus::Queued).await;
    world.run_all_events("a").await;
    world.reaches(&first, DeploymentStatus::Succeeded).await;
    world.clock.advance(Duration::from_secs(2));
    world.run_all_events("a").await;
    world.reaches(&second, DeploymentStatus::Succeeded).await;
}

#[tokio::test]
async fn a_new_engine_goes_on_where_the_old_one_stopped() {
    let mut world = World::new(&["a", "b"], "CodeDeployDefault.OneAtATime").await;
    let id = world.deploy().await;
    world.run_all_events("a").await;
    world.restart().await;
    world.run_all_events("b").await;
    world.reaches(&id, DeploymentStatus::Succeeded).await;
}

/// service.md §5.1: hosts are looked up at the start, which a deployment that was queued has later; N and M are then
/// fixed, §4.1.
#[tokio::test]
async fn hosts_are_chosen_when_the_deployment_starts() {
    let quotas = Quotas { concurrent_deployments: 1, ..Quotas::default() };
    let config = EngineConfig { quotas, ..EngineConfig::default() };
    let world = World::with_config(&["a"], "CodeDeployDefault.HalfAtATime", config).await;
    world.group("other", "CodeDeployDefault.HalfAtATime").await;
    let first = world.deploy().await;
    world.reaches(&first, DeploymentStatus::InProgress).await;
    let queued = world.deploy_to("other", "app.zip").await.unwrap();
    let waiting = world.reaches(&queued, DeploymentStatus::Queued).await.deployment;
    assert_eq!((waiting.started_at, waiting.n_hosts), (None, 0));
    for host in ["b", "c", "d"] {
        join(&world, host).await;
    }
    world.engine.stop_deployment(&first, None).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let begun = world.reaches(&queued, DeploymentStatus::InProgress).await.deployment;
    assert_eq!((begun.n_hosts, begun.minimum_hosts), (4, 2));
    assert_eq!(begun.started_at, Some(longshore_engine::Clock::now(&*world.clock)));
    join(&world, "e").await;
    world.run_all_events("a").await;
    let running = world.view(&queued).await.deployment;
    assert_eq!((running.n_hosts, running.minimum_hosts), (4, 2));
}

async fn join(world: &World, host: &str) {
    let identity = HostIdentity::IamUser(principal(host));
    world.engine.register_host(name(host), identity).await.unwrap();
    let tag = HostTag { key: String::from("Role"), value: String::from("web") };
    world.engine.add_host_tags(&[name(host)], &[tag]).await.unwrap();
}

/// service.md §6.4: with `ignoreApplicationStopFailures` a host goes on after a failing ApplicationStop, whose
/// failure stays to be seen, §5.3.
#[tokio::test]
async fn a_failing_stop_may_be_ignored() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy_with(|new| new.ignore_application_stop_failures = true).await;
    let command = world.poll("a", &Connection::new()).await;
    world.ack("a", &command.key).await;
    world.report("a", &command.key, false).await;
    for _ in 1..7 {
        let command = world.poll("a", &Connection::new()).await;
        world.ack("a", &command.key).await;
        world.report("a", &command.key, true).await;
    }
    world.reaches(&id, DeploymentStatus::Succeeded).await;
    let target = world.engine.target(&id, &name("a").into()).await.unwrap();
    assert!(matches!(target.events[0].state, EventState::Failed { .. }), "{:?}", target.events[0]);
    assert!(target.events[1..].iter().all(|event| matches!(event.state, EventState::Succeeded { .. })));
}
