//! Promises of [`DeploymentStore`](crate::DeploymentStore) about targets and their events.

use std::time::Duration;

use futures::future::join_all;
use longshore_model::deployment::Deployment;
use longshore_model::lifecycle::{CommandCopy, EventState, IN_PLACE};
use longshore_model::target::{
    Clocks, NoChange, Progress, Target, TargetEvent, TargetState, TargetStatus, Waiting,
};
use longshore_model::time::Timestamp;

use super::fixture::*;
use crate::{Applied, Store, TargetFilter};

/// Applies `event` to the target of the host called `host`, as that host.
pub(super) async fn apply(
    store: &dyn Store,
    deployment: &Deployment,
    host: &str,
    event: TargetEvent,
    now: Timestamp,
) -> Applied {
    store
        .apply(&key(deployment, host), &principal(host), event, &Clocks::default(), now)
        .await
        .expect("apply")
        .expect("the target exists")
}

pub(super) async fn read(store: &dyn Store, deployment: &Deployment, host: &str) -> Target {
    store.target(&key(deployment, host)).await.expect("read").expect("the target exists")
}

pub(super) fn acknowledged(event_idx: u32) -> TargetEvent {
    TargetEvent::Acknowledged { event_idx, copy: CommandCopy(1) }
}

/// What `apply` answers is what is read afterwards.
pub async fn an_event_is_applied_and_seen(store: &dyn Store) {
    let deployment = add_running_deployment(store, 2).await;
    let n_events = u32::try_from(IN_PLACE.len()).expect("few events");
    for event_idx in 0..n_events {
        for event in [acknowledged(event_idx), report(event_idx, true)] {
            let applied = apply(store, &deployment, "h0", event, at(200)).await;
            assert_eq!(applied.change, Ok(()));
            assert_eq!(read(store, &deployment, "h0").await, applied.target);
        }
    }
    assert_eq!(read(store, &deployment, "h0").await.state, TargetState::Succeeded);
    assert_eq!(read(store, &deployment, "h1").await.status(), TargetStatus::InProgress);
}

/// A refusal tells why and answers the target as it is.
pub async fn what_does_not_apply_changes_nothing(store: &dyn Store) {
    let deployment = add_running_deployment(store, 1).await;
    apply(store, &deployment, "h0", acknowledged(0), at(200)).await;
    let before = read(store, &deployment, "h0").await;
    for (event, reason) in [
        (acknowledged(0), NoChange::AlreadyAcknowledged),
        (acknowledged(5), NoChange::NotCurrent),
        (acknowledged(u32::MAX), NoChange::NotCurrent),
        (TargetEvent::ClockRanOut, NoChange::NotDue),
        (TargetEvent::Started, NoChange::NotApplicable),
    ] {
        let applied = apply(store, &deployment, "h0", event, at(300)).await;
        assert_eq!(applied, Applied { target: before.clone(), change: Err(reason) });
    }
    assert_eq!(read(store, &deployment, "h0").await, before);
    let short = Clocks { event: Duration::from_millis(50), ..Clocks::default() };
    let late = store
        .apply(&key(&deployment, "h0"), &principal("h0"), TargetEvent::ClockRanOut, &short, at(300))
        .await
        .expect("apply")
        .expect("the target exists");
    assert_eq!(late.change, Ok(()), "the clocks are those of the call");
}

/// Only the principal of the target may change it, and nobody a target that is not there.
pub async fn another_principal_finds_no_target(store: &dyn Store) {
    let deployment = add_running_deployment(store, 2).await;
    for (host, who) in [("h0", "h1"), ("h9", "h9")] {
        let answer = store
            .apply(&key(&deployment, host), &principal(who), acknowledged(0), &Clocks::default(), at(200))
            .await;
        assert_eq!(answer.expect("apply"), None);
    }
    let (key, foreigner) = (key(&deployment, "h0"), principal("h1"));
    let clocks = Clocks::default();
    let (foreign, own) = futures::join!(
        store.apply(&key, &foreigner, report(0, false), &clocks, at(200)),
        apply(store, &deployment, "h0", acknowledged(0), at(200)),
    );
    assert_eq!(foreign.expect("apply"), None);
    assert_eq!(own.change, Ok(()));
    let other = Deployment { id: deployment_id(77), ..deployment };
    assert_eq!(store.target(&self::key(&other, "h0")).await.expect("read"), None);
}

/// A whole fleet's acknowledgements at the same time, with other writes between them.
pub async fn a_thousand_events_at_once_are_all_applied(store: &dyn Store) {
    let deployment = add_running_deployment(store, 1000).await;
    let hosts: Vec<String> = (0..1000).map(|position| format!("h{position}")).collect();
    let applies = hosts.iter().map(|host| apply(store, &deployment, host, acknowledged(0), at(200)));
    let others = (0..20).map(|number| async move {
        let name = format!("app-{number}");
        store.create_application(&application(&name), NO_LIMIT).await.expect("create");
    });
    let (answers, _) = futures::join!(join_all(applies), join_all(others));
    assert!(answers.iter().all(|applied| applied.change == Ok(())));
    for (host, applied) in hosts.iter().zip(answers).step_by(97) {
        assert_eq!(applied.target.key.host.as_str(), host);
        assert_eq!(read(store, &deployment, host).await, applied.target);
    }
    let snapshot = store.snapshot(&deployment.id).await.expect("read").expect("it exists");
    let is_running = |state: TargetState| match state {
        TargetState::InProgress(progress) => progress.since == at(200),
        TargetState::Pending | TargetState::Succeeded | TargetState::Failed | TargetState::Skipped => false,
    };
    assert!(snapshot.targets.iter().all(|target| is_running(target.state)));
}

/// However often a command is acknowledged, one of them is the first.
pub async fn one_event_a_thousand_times_happens_once(store: &dyn Store) {
    let deployment = add_running_deployment(store, 1).await;
    let applies = (0..1000).map(|_| apply(store, &deployment, "h0", acknowledged(0), at(200)));
    let answers = join_all(applies).await;
    let n_changes = answers.iter().filter(|applied| applied.change == Ok(())).count();
    assert_eq!(n_changes, 1);
}

/// Once a stop is asked for, commands are refused; what runs may report but nothing follows.
/// Source: service.md §7.1.
pub async fn a_stopping_deployment_hands_out_nothing(store: &dyn Store) {
    let deployment = add_running_deployment(store, 2).await;
    apply(store, &deployment, "h1", acknowledged(0), at(150)).await;
    commit(store, &outcome(&stopping(&deployment))).await;
    let refused = apply(store, &deployment, "h0", acknowledged(0), at(200)).await;
    assert_eq!(refused.change, Err(NoChange::NotCurrent));
    let reported = apply(store, &deployment, "h1", report(0, true), at(200)).await;
    assert_eq!((reported.change, reported.target.state), (Ok(()), TargetState::Failed));
}

/// The deployment's own rule counts: a failing stop-side event lets the target go on.
/// Source: service.md §6.4.
pub async fn a_forgiven_stop_failure_goes_on(store: &dyn Store) {
    let mut deployment = add_running_deployment(store, 2).await;
    deployment.ignore_application_stop_failures = true;
    commit(store, &outcome(&deployment)).await;
    let applied = apply(store, &deployment, "h0", report(0, false), at(200)).await;
    assert_eq!(applied.target.status(), TargetStatus::InProgress);
    assert!(matches!(applied.target.events[0].state, EventState::Failed { started_at: None, .. }));
    assert_eq!(read(store, &deployment, "h0").await, applied.target);
}

/// Texts from hosts come back byte for byte, and every state of an event can be kept.
pub async fn documents_come_back_as_they_were(store: &dyn Store) {
    let deployment = add_running_deployment(store, 1).await;
    apply(store, &deployment, "h0", acknowledged(0), at(200)).await;
    apply(store, &deployment, "h0", report(0, true), at(210)).await;
    let applied = apply(store, &deployment, "h0", report(1, false), at(220)).await;
    let read = read(store, &deployment, "h0").await;
    assert_eq!(read, applied.target);
    let TargetEvent::Reported { diagnostics: expected, .. } = report(1, false) else { return };
    match &read.events[1].state {
        EventState::Failed { started_at: None, diagnostics, .. } => assert_eq!(*diagnostics, expected),
        other => panic!("{other:?}"),
    }
    assert_eq!(read.events[2].state, EventState::Skipped);
}

/// Since when a target's command waits.
fn since(target: &Target) -> Timestamp {
    match target.state {
        TargetState::InProgress(Progress { waiting: Waiting::Pickup, since, .. }) => since,
        other => panic!("{other:?}"),
    }
}

/// A command waits from when it is available until it is taken, withdrawn or its target ends.
pub async fn waiting_commands_are_found_by_principal(store: &dyn Store) {
    let deployment = add_running_deployment(store, 2).await;
    let waiting = async |host: &str| store.waiting_commands(&principal(host)).await.expect("list");
    let found = waiting("h0").await;
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0], since(&found[0])), (&read(store, &deployment, "h0").await, at(100)));
    assert!(waiting("h9").await.is_empty());

    apply(store, &deployment, "h0", acknowledged(0), at(200)).await;
    assert!(waiting("h0").await.is_empty(), "it was taken");
    apply(store, &deployment, "h0", report(0, true), at(250)).await;
    assert_eq!(since(&waiting("h0").await[0]), at(250), "the next one waits");

    let other_group = add_group(store, "app", "other").await;
    let other = started(&add_deployment(store, 2, &other_group, at(20)).await);
    let mut begin = outcome(&other);
    begin.new_targets = vec![new_target(&other, 0)];
    begin.target_events = vec![(0, TargetEvent::Started)];
    commit(store, &begin).await;
    let found = waiting("h0").await;
    let deployments: Vec<&str> = found.iter().map(|it| it.key.deployment.as_str()).collect();
    assert_eq!(deployments, [other.id.as_str(), deployment.id.as_str()], "oldest first");

    apply(store, &deployment, "h1", TargetEvent::Withdrawn, at(300)).await;
    assert!(waiting("h1").await.is_empty(), "it was withdrawn");
}

/// An instance has the commands of its identity for as long as it is registered.
pub async fn an_instance_and_its_commands_are_read_together(store: &dyn Store) {
    let deployment = add_running_deployment(store, 2).await;
    let of = async |host: &str| store.commands_of_instance(&principal(host)).await.expect("list");
    let is_target = async |host: &str, id| store.is_target(&principal(host), id).await.expect("read");
    assert_eq!((of("h0").await, is_target("h0", &deployment.id).await), (None, None), "not registered");
    for name in ["h0", "h1", "h7"] {
        store.register_host(&host(name)).await.expect("register");
    }
    let found = of("h0").await.expect("registered");
    assert_eq!(found, store.waiting_commands(&principal("h0")).await.expect("list"));
    assert_eq!(found.len(), 1);
    assert_eq!(of("h7").await, Some(Vec::new()));
    assert_eq!(is_target("h0", &deployment.id).await, Some(true));
    assert_eq!(is_target("h7", &deployment.id).await, Some(false));
    let unknown = deployment_id(9);
    assert_eq!(is_target("h0", &unknown).await, Some(false));

    apply(store, &deployment, "h0", acknowledged(0), at(200)).await;
    assert_eq!(of("h0").await, Some(Vec::new()), "it was taken");
    store.deregister_host(&host_name("h1"), at(300), at(0)).await.expect("deregister");
    assert_eq!((of("h1").await, is_target("h1", &deployment.id).await), (None, None), "gone");
}

/// Lists are in scheduling order and go on after a place; counts and endings tell every target.
/// Source: service.md §5.4.
pub async fn lists_and_counts_tell_the_states(store: &dyn Store) {
    let deployment = add_running_deployment(store, 12).await;
    for host in ["h1", "h10"] {
        apply(store, &deployment, host, report(0, false), at(200)).await;
    }
    apply(store, &deployment, "h2", acknowledged(0), at(200)).await;
    let list = async |statuses: &[TargetStatus], after, limit| {
        let filter = TargetFilter { statuses: statuses.to_vec() };
        let found = store.targets(&deployment.id, &filter, &page(after, limit)).await.expect("list");
        found.into_iter().map(|(position, _)| position).collect::<Vec<_>>()
    };
    assert_eq!(list(&[], None, 3).await, [0, 1, 2]);
    assert_eq!(list(&[], Some("0000000009"), 3).await, [10, 11]);
    assert_eq!(list(&[TargetStatus::Failed], None, 9).await, [1, 10]);
    assert_eq!(list(&[TargetStatus::Failed], Some("0000000001"), 9).await, [10]);
    assert_eq!(list(&[TargetStatus::InProgress], None, 3).await, [0, 2, 3]);
    assert!(list(&[TargetStatus::Skipped, TargetStatus::Pending], None, 3).await.is_empty());
    let first = store.targets(&deployment.id, &TargetFilter::default(), &page(None, 1)).await.expect("list");
    assert_eq!(first, [(0, host_name("h0").into())]);

    let mut counts = store.target_counts(&deployment.id).await.expect("count");
    counts.retain(|(_, count)| *count > 0);
    counts.sort_by_key(|(_, count)| *count);
    assert_eq!(counts, [(TargetStatus::Failed, 2), (TargetStatus::InProgress, 10)]);
    let endings = store.target_endings(&deployment.id).await.expect("read");
    assert_eq!(endings.len(), 12);
    assert_eq!(endings[10], (10, host("h10").arn, TargetStatus::Failed));
}

/// A write is done or not, but never half, when its caller is gone.
pub async fn a_dropped_caller_loses_nothing(store: &dyn Store) {
    let deployment = add_running_deployment(store, 1).await;
    let apply_it = apply(store, &deployment, "h0", acknowledged(0), at(200));
    let other = application("other");
    let create_it = store.create_application(&other, NO_LIMIT);
    // Polled once, so that both are queued, and then dropped.
    let _ = futures::poll!(std::pin::pin!(apply_it));
    drop(futures::FutureExt::now_or_never(create_it));
    store.create_application(&application("last"), NO_LIMIT).await.expect("create");
    let found = read(store, &deployment, "h0").await;
    assert!(matches!(found.events[0].state, EventState::InProgress { .. }));
    assert!(store.application(&application_name("other")).await.expect("read").is_some());
}
