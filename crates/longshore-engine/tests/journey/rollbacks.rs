//! A deployment that ends badly is followed by the last good one. Source: service.md §7.1 and §7.4.

use longshore_engine::deployment_group::DeploymentGroupChange;
use longshore_engine::host_command::Connection;
use longshore_model::deployment::{Creator, Deployment, DeploymentStatus, FileExistsBehavior, Rollback};
use longshore_model::deployment_group::{AutoRollback, AutoRollbackEvent};
use longshore_model::id::{DeploymentConfigName, DeploymentId};
use longshore_store::{Page, TargetFilter};

use crate::world::{World, new_deployment};

fn rule(event: AutoRollbackEvent) -> Option<AutoRollback> {
    Some(AutoRollback { is_enabled: true, events: vec![event] })
}

/// A world whose hosts have `good.zip`.
async fn world(hosts: &[&str]) -> World {
    let world = World::new(hosts, "CodeDeployDefault.AllAtOnce").await;
    let mut new = new_deployment("all", "good.zip");
    new.file_exists_behavior = FileExistsBehavior::Retain;
    let id = world.engine.create_deployment(new).await.unwrap();
    for host in hosts {
        world.run_all_events(host).await;
    }
    world.reaches(&id, DeploymentStatus::Succeeded).await;
    world
}

async fn fail_on(world: &World, host: &str) {
    let command = world.poll(host, &Connection::new()).await;
    world.ack(host, &command.key).await;
    world.report(host, &command.key, false).await;
}

/// The rollback of `id`, once it is made.
async fn rollback_of(world: &World, id: &DeploymentId) -> Deployment {
    match world.view(id).await.deployment.rollback {
        Some(Rollback::By(rollback)) => world.view(&rollback).await.deployment,
        other => panic!("{id} is not rolled back: {other:?}"),
    }
}

/// service.md §7.4: at once, with the revision and the behaviour of the last success; §6.5.
/// Source: service.md §6.2.
#[tokio::test]
async fn a_failed_deployment_is_rolled_back_to_the_last_good_revision() {
    let world = world(&["a", "b"]).await;
    let id = world.deploy_with(|new| new.auto_rollback = rule(AutoRollbackEvent::DeploymentFailure)).await;
    fail_on(&world, "a").await;
    fail_on(&world, "b").await;
    world.reaches(&id, DeploymentStatus::Failed).await;
    // As soon as the one is final the other is there: no caller finds the group idle in between.
    let rollback = rollback_of(&world, &id).await;
    assert_eq!((rollback.creator, rollback.rollback.clone()), (Creator::Rollback, Some(Rollback::Of(id))));
    assert_eq!(Some(rollback.revision), new_deployment("all", "good.zip").revision);
    assert_eq!(rollback.file_exists_behavior, FileExistsBehavior::Retain);
    for host in ["a", "b"] {
        world.run_all_events(host).await;
    }
    world.reaches(&rollback.id, DeploymentStatus::Succeeded).await;
}

/// service.md §7.4, "a rollback never rolls back".
#[tokio::test]
async fn a_rollback_that_fails_is_the_end() {
    let world = world(&["a"]).await;
    let id = world.deploy_with(|new| new.auto_rollback = rule(AutoRollbackEvent::DeploymentFailure)).await;
    fail_on(&world, "a").await;
    world.reaches(&id, DeploymentStatus::Failed).await;
    let rollback = rollback_of(&world, &id).await;
    fail_on(&world, "a").await;
    let end = world.reaches(&rollback.id, DeploymentStatus::Failed).await;
    assert_eq!(end.deployment.rollback, Some(Rollback::Of(id)));
    world.deploy().await;
}

/// service.md §7.4, "No earlier success".
#[tokio::test]
async fn without_an_earlier_success_there_is_nothing_to_go_back_to() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy_with(|new| new.auto_rollback = rule(AutoRollbackEvent::DeploymentFailure)).await;
    fail_on(&world, "a").await;
    let view = world.reaches(&id, DeploymentStatus::Failed).await;
    assert_eq!(view.deployment.rollback, Some(Rollback::Nowhere));
    world.deploy().await;
}

/// service.md §7.1, "Whether a stop rolls back": the word of the stop counts before the rule.
/// Source: service.md §7.4.
#[tokio::test]
async fn a_stop_is_rolled_back_if_the_caller_or_else_the_rule_says_so() {
    let on_request = rule(AutoRollbackEvent::DeploymentStopOnRequest);
    for (rule, word, is_rolled_back) in [
        (None, None, false),
        (None, Some(true), true),
        (on_request.clone(), None, true),
        (on_request, Some(false), false),
    ] {
        let world = world(&["a"]).await;
        let id = world.deploy_with(|new| new.auto_rollback = rule.clone()).await;
        world.reaches(&id, DeploymentStatus::InProgress).await;
        world.engine.stop_deployment(&id, word).await.unwrap();
        let view = world.reaches(&id, DeploymentStatus::Stopped).await;
        assert_eq!(view.deployment.rollback.is_some(), is_rolled_back, "{rule:?} {word:?}");
    }
}

/// service.md §7.4, "at once": the end and the rollback are one transaction.
#[tokio::test]
async fn a_rollback_goes_on_after_a_restart() {
    let mut world = world(&["a"]).await;
    let id = world.deploy_with(|new| new.auto_rollback = rule(AutoRollbackEvent::DeploymentFailure)).await;
    fail_on(&world, "a").await;
    world.reaches(&id, DeploymentStatus::Failed).await;
    let rollback = rollback_of(&world, &id).await;
    world.restart().await;
    world.run_all_events("a").await;
    world.reaches(&rollback.id, DeploymentStatus::Succeeded).await;
}

/// service.md §7.4: the deployment's own rule "replaces the group's as a whole".
#[tokio::test]
async fn a_rule_of_the_deployment_takes_the_place_of_the_groups() {
    let on_request = rule(AutoRollbackEvent::DeploymentStopOnRequest);
    for (own, is_rolled_back) in [(None, true), (Some(AutoRollback::default()), false), (on_request, false)] {
        let world = world(&["a"]).await;
        let auto_rollback = rule(AutoRollbackEvent::DeploymentFailure);
        world.change_group(DeploymentGroupChange { auto_rollback, ..DeploymentGroupChange::default() }).await;
        let id = world.deploy_with(|new| new.auto_rollback = own.clone()).await;
        fail_on(&world, "a").await;
        let view = world.reaches(&id, DeploymentStatus::Failed).await;
        assert_eq!(view.deployment.rollback.is_some(), is_rolled_back, "{own:?}");
    }
}

/// service.md §7.4, "targets": all hosts of the group, those that the failure left unhealthy first.
#[tokio::test]
async fn a_rollback_goes_to_all_hosts_of_the_group() {
    let world = world(&["a", "b", "c"]).await;
    let one_at_a_time = DeploymentConfigName::parse("CodeDeployDefault.OneAtATime").unwrap();
    let id = world
        .deploy_with(|new| {
            new.auto_rollback = rule(AutoRollbackEvent::DeploymentFailure);
            new.config = Some(one_at_a_time);
        })
        .await;
    world.run_all_events("a").await;
    fail_on(&world, "b").await;
    world.reaches(&id, DeploymentStatus::Failed).await;
    let rollback = rollback_of(&world, &id).await;
    assert_eq!(rollback.config.as_str(), "CodeDeployDefault.OneAtATime");
    let all = Page { after: None, limit: 100 };
    world.reaches(&rollback.id, DeploymentStatus::InProgress).await;
    let targets = world.engine.targets(&rollback.id, &TargetFilter::default(), &all).await.unwrap();
    let order: Vec<String> = targets.iter().map(|(_, host)| host.to_string()).collect();
    // a has the revision that is rolled back, c was never touched.
    assert_eq!(order, ["b", "a", "c"]);
    for host in ["b", "a", "c"] {
        world.run_all_events(host).await;
    }
    world.reaches(&rollback.id, DeploymentStatus::Succeeded).await;
}

/// service.md §7.4: "the same revision" may be the one that failed: a redeploy.
#[tokio::test]
async fn the_same_revision_may_be_deployed_again() {
    let world = world(&["a"]).await;
    let mut new = new_deployment("all", "good.zip");
    new.auto_rollback = rule(AutoRollbackEvent::DeploymentFailure);
    let id = world.engine.create_deployment(new).await.unwrap();
    fail_on(&world, "a").await;
    let failed = world.reaches(&id, DeploymentStatus::Failed).await.deployment;
    assert_eq!(rollback_of(&world, &id).await.revision, failed.revision);
}
