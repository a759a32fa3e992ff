//! Triggers tell of deployments and hosts. Source: service.md §10.1.

use std::time::{Duration, Instant};

use longshore_engine::deployment_group::DeploymentGroupChange;
use longshore_engine::host_command::Connection;
use longshore_engine::outside::Notification;
use longshore_model::deployment::{DeploymentStatus, Rollback};
use longshore_model::deployment_group::{AutoRollback, AutoRollbackEvent};
use longshore_model::id::{ApplicationName, DeploymentGroupName};
use longshore_model::watch::{Trigger, TriggerEvent};
use longshore_store::Page;

use crate::world::{World, new_deployment};

const ALL: Page = Page { after: None, limit: 100 };

fn trigger(name: &str, events: &[TriggerEvent]) -> Trigger {
    Trigger { name: name.to_owned(), target: format!("https://example.com/{name}"), events: events.to_vec() }
}

/// Waits (in real time, with a deadline) until `condition` answers something.
async fn until<T>(what: &str, condition: impl Fn() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn mail(world: &World, n: usize) -> Vec<Notification> {
    until("notifications", || Some(world.mail.taken()).filter(|taken| n <= taken.len())).await
}

/// `<target's end>: <subject>`, in order.
fn told(mail: &[Notification]) -> Vec<String> {
    let mut told: Vec<String> = mail
        .iter()
        .map(|one| format!("{}: {}", one.target.rsplit('/').next().unwrap(), one.subject))
        .collect();
    told.sort();
    told
}

/// service.md §10.1: every trigger that lists an event, once each; one that is made is tested.
#[tokio::test]
async fn each_trigger_is_told_what_it_lists() {
    use TriggerEvent::{DeploymentStart, DeploymentSuccess, InstanceFailure, InstanceStart, InstanceSuccess};
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let triggers = vec![
        trigger("one", &[DeploymentStart, DeploymentSuccess]),
        trigger("two", &[InstanceStart, InstanceSuccess, InstanceFailure, DeploymentSuccess]),
    ];
    world.group_with("told", "CodeDeployDefault.AllAtOnce", triggers).await;
    // A trigger that was made is tested.
    let test = "unknown: AWS CodeDeploy in us-east-1 to web";
    assert_eq!(told(&mail(&world, 2).await), [format!("one: {test}"), format!("two: {test}")]);

    let id = world.deploy_to("told", "app.zip").await.unwrap();
    world.run_all_events("a").await;
    world.reaches(&id, DeploymentStatus::Succeeded).await;
    let to = format!("AWS CodeDeploy {id} in us-east-1 to web");
    assert_eq!(
        told(&mail(&world, 7).await[2..]),
        [
            format!("one: CREATED: {to}"),
            format!("one: SUCCEEDED: {to}"),
            format!("two: IN_PROGRESS: {to}"),
            format!("two: SUCCEEDED: {to}"),
            format!("two: SUCCEEDED: {to}"),
        ]
    );
    let ids: std::collections::HashSet<String> = world.mail.taken().into_iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), 7);
}

/// service.md §10.1, "On creating/editing a trigger".
#[tokio::test]
async fn a_changed_trigger_is_tested_and_others_are_not() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let first = vec![trigger("one", &[TriggerEvent::DeploymentStop])];
    world.group_with("told", "CodeDeployDefault.AllAtOnce", first.clone()).await;
    mail(&world, 1).await;
    let mut second = first;
    second.push(trigger("two", &[TriggerEvent::DeploymentStop]));
    let change = DeploymentGroupChange { triggers: Some(second), ..DeploymentGroupChange::default() };
    let (web, told_group) =
        (ApplicationName::parse("web").unwrap(), DeploymentGroupName::parse("told").unwrap());
    world.engine.update_deployment_group(&web, &told_group, change).await.unwrap();
    let test = "unknown: AWS CodeDeploy in us-east-1 to web";
    assert_eq!(told(&mail(&world, 2).await[1..]), [format!("two: {test}")]);
}

/// service.md §10.1, "retried (3 times, exponential)"; then it is kept and may be sent again.
#[tokio::test]
async fn what_is_not_taken_is_tried_again_then_kept() {
    let mut world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.mail.refuse(5);
    world
        .group_with(
            "told",
            "CodeDeployDefault.AllAtOnce",
            vec![trigger("one", &[TriggerEvent::DeploymentStop])],
        )
        .await;
    for (n_attempts, pause) in [(1, 2), (2, 10), (3, 50)] {
        until("an attempt", || (world.mail.attempts() == n_attempts).then_some(())).await;
        noted(&world, n_attempts).await;
        world.clock.advance(Duration::from_secs(pause));
    }
    let dead = loop {
        let dead = world.engine.dead_deliveries(&ALL).await.unwrap();
        if let Some((_, dead)) = dead.into_iter().next() {
            break dead;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    assert_eq!((dead.attempts, dead.error.as_str()), (4, "refused by the test"));
    // A restart neither forgets it nor tries it.
    world.restart().await;
    assert_eq!(world.engine.revive_deliveries(Some("another")).await.unwrap(), 0);
    assert_eq!(world.engine.revive_deliveries(None).await.unwrap(), 1);
    until("the fifth attempt", || (world.mail.attempts() == 5).then_some(())).await;
    noted(&world, 1).await;
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(mail(&world, 1).await[0].id, dead.delivery.id);
    assert_eq!(world.engine.dead_deliveries(&ALL).await.unwrap(), []);
}

/// service.md §10.1: one target that does not answer keeps nobody else waiting.
#[tokio::test]
async fn a_silent_target_keeps_nobody_waiting() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.mail.silence("https://example.com/silent");
    let started = [TriggerEvent::DeploymentStart];
    let mut triggers: Vec<Trigger> = (0..9).map(|n| trigger(&format!("silent-{n}"), &started)).collect();
    for trigger in &mut triggers {
        trigger.target = String::from("https://example.com/silent");
    }
    triggers.push(trigger("heard", &started));
    world.group_with("told", "CodeDeployDefault.AllAtOnce", triggers).await;
    assert_eq!(mail(&world, 1).await[0].target, "https://example.com/heard");
}

/// Waits until the last attempt is noted: its next time is set after it.
async fn noted(world: &World, n_attempts: i64) {
    let retries = [2, 10, 50];
    let pause = Duration::from_secs(retries[usize::try_from(n_attempts - 1).unwrap()]);
    let expected = longshore_engine::Clock::now(&*world.clock).plus(pause);
    let started = Instant::now();
    while world.store.next_delivery().await.unwrap() != Some(expected) {
        assert!(started.elapsed() < Duration::from_secs(30), "attempt {n_attempts} is not noted");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// service.md §10.1: what happened while nobody told of it is told after a restart, from the store.
#[tokio::test]
async fn what_a_crash_left_untold_is_told() {
    let mut world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let triggers = vec![trigger("one", &[TriggerEvent::DeploymentStart])];
    world.group_with("told", "CodeDeployDefault.AllAtOnce", triggers).await;
    mail(&world, 1).await;
    world.mail.refuse(1);
    let id = world.deploy_to("told", "app.zip").await.unwrap();
    world.restart().await;
    let started = Instant::now();
    while world.mail.taken().len() < 2 {
        assert!(started.elapsed() < Duration::from_secs(30), "nobody was told of {id}");
        world.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(world.mail.taken()[1].subject.contains(id.as_str()));
}

#[tokio::test]
async fn the_timeline_is_followed_from_any_place() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let place = world.engine.timeline_end().await.unwrap();
    let (entries, id) = tokio::join!(world.engine.follow_timeline(place), world.deploy());
    let entries = entries.unwrap();
    assert_eq!((&entries[0].1.deployment, entries[0].1.what.to_string().as_str()), (&id, "Created"));
    world.run_all_events("a").await;
    world.reaches(&id, DeploymentStatus::Succeeded).await;
    let said: Vec<String> = world
        .engine
        .timeline(&id, &ALL)
        .await
        .unwrap()
        .iter()
        .map(|(_, entry)| entry.what.to_string())
        .collect();
    assert_eq!(
        said,
        [
            "Created",
            "1 of 1 host is to be deployed to, 0 must stay healthy",
            "InProgress",
            "1 host begins: 0 of 1 are down, the minimum is 0",
            "InProgress",
            "Succeeded",
            "Succeeded",
        ]
    );
}

/// service.md §10.1: each kind of event goes to whoever lists it, of deployments that the service made too.
#[tokio::test]
async fn every_kind_of_event_is_told() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let triggers: Vec<Trigger> =
        TriggerEvent::ALL.iter().map(|event| trigger(event.as_str(), &[*event])).collect();
    world.group_with("told", "CodeDeployDefault.AllAtOnce", triggers).await;
    mail(&world, TriggerEvent::ALL.len()).await;
    let good = world.deploy_to("told", "good.zip").await.unwrap();
    world.run_all_events("a").await;
    world.reaches(&good, DeploymentStatus::Succeeded).await;
    let mut new = new_deployment("told", "bad.zip");
    new.auto_rollback =
        Some(AutoRollback { is_enabled: true, events: vec![AutoRollbackEvent::DeploymentFailure] });
    let bad = world.engine.create_deployment(new).await.unwrap();
    let command = world.poll("a", &Connection::new()).await;
    world.report("a", &command.key, false).await;
    let failed = world.reaches(&bad, DeploymentStatus::Failed).await.deployment;
    let Some(Rollback::By(rollback)) = failed.rollback else { panic!("{failed:?}") };
    world.poll("a", &Connection::new()).await;
    world.engine.stop_deployment(&rollback, None).await.unwrap();

    let told = told(&mail(&world, TriggerEvent::ALL.len() + 13).await[TriggerEvent::ALL.len()..]);
    let mut expected: Vec<String> = Vec::new();
    for (id, events) in [
        (
            &good,
            "DeploymentStart: CREATED,InstanceStart: IN_PROGRESS,InstanceSuccess: SUCCEEDED,DeploymentSuccess: SUCCEEDED",
        ),
        (
            &bad,
            "DeploymentStart: CREATED,InstanceStart: IN_PROGRESS,InstanceFailure: FAILED,DeploymentFailure: FAILED",
        ),
        (
            &rollback,
            "DeploymentStart: CREATED,DeploymentRollback: IN_PROGRESS,InstanceStart: IN_PROGRESS,InstanceFailure: FAILED,DeploymentStop: STOPPED",
        ),
    ] {
        let subject = |event| format!("{event}: AWS CodeDeploy {id} in us-east-1 to web");
        expected.extend(events.split(',').map(subject));
    }
    expected.sort();
    assert_eq!(told, expected);
}

/// service.md §10.1: failures to publish "never affect the deployment".
#[tokio::test]
async fn a_deployment_goes_on_when_nobody_can_be_told() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.mail.refuse(1000);
    let triggers = vec![trigger("all", TriggerEvent::ALL)];
    world.group_with("told", "CodeDeployDefault.AllAtOnce", triggers).await;
    let id = world.deploy_to("told", "app.zip").await.unwrap();
    world.run_all_events("a").await;
    world.reaches(&id, DeploymentStatus::Succeeded).await;
    until("an attempt", || (0 < world.mail.attempts()).then_some(())).await;
    assert_eq!(world.mail.taken().len(), 0);
}
