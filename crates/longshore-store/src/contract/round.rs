//! Promises of [`DeploymentStore`](crate::DeploymentStore) about snapshots and rounds.

use longshore_model::deployment::Deployment;
use longshore_model::deployment_group::GroupHistory;
use longshore_model::host::HostHealth;
use longshore_model::id::HostArn;
use longshore_model::lifecycle::CommandCopy;
use longshore_model::target::{
    Clocks, Progress, TargetEvent, TargetState, TargetStatus, TargetSummary, Waiting,
};

use super::fixture::*;
use crate::{FollowUp, Generation, Places, RoundOutcome, Store, StoreError};

const CLOCKS: Clocks = Clocks {
    pickup: std::time::Duration::from_secs(300),
    event: std::time::Duration::from_secs(3600),
    deployment: std::time::Duration::from_secs(43_200),
};

/// Targets are in scheduling order, each in its present state.
pub async fn a_snapshot_shows_deployment_and_targets(store: &dyn Store) {
    assert_eq!(store.snapshot(&deployment_id(9)).await.expect("read"), None);
    let group = add_group(store, "a", "g").await;
    let created = add_deployment(store, 1, &group, at(10)).await;
    let snapshot = store.snapshot(&created.id).await.expect("read").expect("it exists");
    assert_eq!((snapshot.deployment, snapshot.targets), (created.clone(), Vec::new()));

    let running = started(&created);
    let mut begin = outcome(&running);
    begin.new_targets = [2, 0, 1].into_iter().map(|position| new_target(&running, position)).collect();
    begin.target_events = vec![(1, TargetEvent::Started), (2, TargetEvent::Skipped)];
    commit(store, &begin).await;
    let after = store.snapshot(&created.id).await.expect("read").expect("it exists");
    assert_eq!(after.deployment, running);
    let in_progress = Progress { event_idx: 0, waiting: Waiting::Pickup, since: at(100) };
    let states = [TargetState::Pending, TargetState::InProgress(in_progress), TargetState::Skipped];
    let expected: Vec<TargetSummary> =
        (0..).zip(states).map(|(position, state)| TargetSummary { position, state }).collect();
    assert_eq!(after.targets, expected);
    assert_ne!(after.generation, snapshot.generation);
}

/// Deployment, targets, history and host health change together; the answer is what changed.
pub async fn a_round_is_written_whole(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    let deployment = started(&add_deployment(store, 1, &group, at(10)).await);
    let mut begin = outcome(&deployment);
    begin.new_targets = (0..3).map(|position| new_target(&deployment, position)).collect();
    begin.target_events = vec![(0, TargetEvent::Started)];
    begin.group_history =
        Some(GroupHistory { last_attempted: Some(deployment.id.clone()), ..GroupHistory::default() });
    let arn = |name: &str| HostArn(name.to_owned());
    let health = |is_healthy| HostHealth { is_healthy, installed: None };
    begin.host_health = vec![(arn("x"), health(true)), (arn("y"), health(true))];
    let made = commit(store, &begin).await;
    let statuses: Vec<TargetStatus> = made.iter().map(|target| target.status()).collect();
    assert_eq!(statuses, [TargetStatus::InProgress, TargetStatus::Pending, TargetStatus::Pending]);

    let mut second = outcome(&deployment);
    second.target_events = vec![(2, TargetEvent::Skipped)];
    second.host_health = vec![(arn("y"), health(false)), (arn("z"), health(true))];
    let changed = commit(store, &second).await;
    assert_eq!(changed.len(), 1);
    assert_eq!(store.target(&changed[0].key).await.expect("read").as_ref(), changed.first());
    assert_eq!(store.target(&made[0].key).await.expect("read").as_ref(), made.first());

    let found = store.deployment_group_by_id(&group.id).await.expect("read").expect("it exists");
    assert_eq!(Some(found.history), begin.group_history);
    let known = store.host_health(&group.id).await.expect("read");
    assert_eq!(known, [(arn("x"), health(true)), (arn("y"), health(false)), (arn("z"), health(true))]);
}

/// Of two writers who saw the same generation one is refused, and nothing of its round is written.
pub async fn a_writer_who_saw_an_older_generation_is_refused(store: &dyn Store) {
    let deployment = add_running_deployment(store, 2).await;
    let seen = generation(store, &deployment).await;
    let stop = outcome(&stopping(&deployment));
    let mut round = outcome(&deployment);
    round.target_events = vec![(0, TargetEvent::Abandoned)];
    round.host_health = vec![(HostArn(String::from("x")), HostHealth { is_healthy: true, installed: None })];

    store.commit(seen, &stop, &CLOCKS, at(200)).await.expect("the first");
    let second = store.commit(seen, &round, &CLOCKS, at(200)).await;
    assert!(matches!(second, Err(StoreError::Stale)));
    let other = store.commit(Generation(seen.0 + 7), &round, &CLOCKS, at(200)).await;
    assert!(matches!(other, Err(StoreError::Stale)));
    assert_eq!(store.deployment(&deployment.id).await.expect("read"), Some(stop.deployment));
    let target = store.target(&key(&deployment, "h0")).await.expect("read").expect("it exists");
    assert_eq!(target.status(), TargetStatus::InProgress);
    assert!(store.host_health(&deployment.group_id).await.expect("read").is_empty());

    let (a, b) = futures::join!(
        concurrent(store, &round, generation(store, &deployment).await),
        concurrent(store, &round, generation(store, &deployment).await),
    );
    assert!(a != b, "exactly one of two concurrent rounds is written");
}

async fn concurrent(store: &dyn Store, round: &crate::RoundOutcome, seen: Generation) -> bool {
    store.commit(seen, round, &CLOCKS, at(300)).await.is_ok()
}

/// One event too late refuses the whole round.
pub async fn an_event_that_does_not_apply_makes_the_round_stale(store: &dyn Store) {
    let deployment = add_running_deployment(store, 2).await;
    for late in [(1, TargetEvent::Started), (1, TargetEvent::ClockRanOut), (7, TargetEvent::Started)] {
        let before = store.snapshot(&deployment.id).await.expect("read");
        let mut round = outcome(&succeeded(&deployment));
        round.target_events = vec![(0, TargetEvent::Abandoned), late];
        round.group_history =
            Some(GroupHistory { last_successful: Some(deployment.id.clone()), ..GroupHistory::default() });
        let seen = generation(store, &deployment).await;
        let refused = store.commit(seen, &round, &CLOCKS, at(200)).await;
        assert!(matches!(refused, Err(StoreError::Stale)));
        assert_eq!(store.snapshot(&deployment.id).await.expect("read"), before);
        let group = store.deployment_group_by_id(&deployment.group_id).await.expect("read");
        assert_eq!(group.expect("it exists").history, GroupHistory::default());
    }
}

/// Events of one target in one round see each other, in the order given.
pub async fn several_events_of_one_target_follow_each_other(store: &dyn Store) {
    let deployment = add_running_deployment(store, 1).await;
    let mut round = outcome(&deployment);
    round.target_events = vec![
        (0, TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) }),
        (0, report(0, true)),
        (0, TargetEvent::Acknowledged { event_idx: 1, copy: CommandCopy(1) }),
    ];
    let changed = commit(store, &round).await;
    let expected = Progress { event_idx: 1, waiting: Waiting::Report, since: at(100) };
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].state, TargetState::InProgress(expected));
    assert_eq!(store.target(&changed[0].key).await.expect("read").as_ref(), changed.first());
}

/// A round that stops the deployment applies its events as a stopped one's.
pub async fn the_rules_are_those_after_the_round(store: &dyn Store) {
    let deployment = add_running_deployment(store, 1).await;
    let mut round = outcome(&stopping(&deployment));
    round.target_events = vec![(0, report(0, true))];
    let changed = commit(store, &round).await;
    assert_eq!(changed[0].status(), TargetStatus::Failed, "no next command in a stopping deployment");
}

/// History and health of a group that was deleted meanwhile go nowhere.
pub async fn a_missing_group_is_no_error(store: &dyn Store) {
    let deployment = add_running_deployment(store, 1).await;
    store.delete_deployment_group(&deployment.application, &deployment.group).await.expect("delete");
    let mut round = outcome(&succeeded(&deployment));
    round.group_history = Some(GroupHistory::default());
    round.host_health = vec![(HostArn(String::from("x")), HostHealth { is_healthy: true, installed: None })];
    commit(store, &round).await;
    assert_eq!(store.deployment(&deployment.id).await.expect("read"), Some(round.deployment));
    assert!(store.host_health(&deployment.group_id).await.expect("read").is_empty());
}

/// Reports of hosts do not disturb a planner who saw the generation before them.
pub async fn applying_an_event_keeps_the_generation(store: &dyn Store) {
    let deployment = add_running_deployment(store, 1).await;
    let seen = generation(store, &deployment).await;
    let event = TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) };
    let applied =
        store.apply(&key(&deployment, "h0"), &principal("h0"), event, &CLOCKS, at(200)).await.expect("apply");
    assert_eq!(applied.expect("it exists").change, Ok(()));
    assert_eq!(generation(store, &deployment).await, seen);
    store.commit(seen, &outcome(&deployment), &CLOCKS, at(200)).await.expect("nobody wrote a round");
}

/// The end of a deployment and what follows it are one write; what cannot follow makes it stale.
/// Source: service.md §7.4.
pub async fn a_follow_up_is_made_with_the_end(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    let first = started(&add_deployment(store, 1, &group, at(10)).await);
    commit(store, &outcome(&first)).await;
    let follow_up = |number: u32| {
        let next = deployment(number, &group, at(950));
        Some(FollowUp { revision_use: revision_use(&next), deployment: next })
    };
    // The id is taken: by the deployment itself.
    let mut end = outcome(&succeeded(&first));
    end.follow_up = follow_up(1);
    let seen = generation(store, &first).await;
    let refused = store.commit(seen, &end, &CLOCKS, at(950)).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    assert_eq!(store.deployment(&first.id).await.expect("read").map(|d| d.status), Some(first.status));
    // The first is not final: its group is busy.
    let mut too_early = outcome(&first);
    too_early.follow_up = follow_up(2);
    let refused = store.commit(seen, &too_early, &CLOCKS, at(950)).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");

    end.follow_up = follow_up(2);
    commit(store, &end).await;
    assert_eq!(store.unfinished_deployments().await.expect("read"), [deployment_id(2)]);
    let made = store.deployment(&deployment_id(2)).await.expect("read");
    assert_eq!(made, end.follow_up.map(|follow_up| follow_up.deployment));
}

/// The place is counted when the beginning is written, whoever asked for it before.
pub async fn a_beginning_without_room_is_not_written(store: &dyn Store) {
    let mut begins = Vec::new();
    for (number, name) in [(1, "g"), (2, "h"), (3, "i")] {
        let group = add_group(store, "a", name).await;
        let created = add_deployment(store, number, &group, at(10)).await;
        begins.push(outcome(&Deployment { n_hosts: 3, ..started(&created) }));
    }
    commit(store, &begins[0]).await;
    for (idx, places, has_room) in [
        // Three of five hosts are busy.
        (1, Places { deployments: 2, hosts: 5 }, false),
        (1, Places { deployments: 2, hosts: 6 }, true),
        // Two of two deployments are in progress.
        (2, Places { deployments: 2, hosts: 100 }, false),
    ] {
        let begin = RoundOutcome { places: Some(places), ..begins[idx].clone() };
        let seen = generation(store, &begin.deployment).await;
        let answer = store.commit(seen, &begin, &CLOCKS, at(20)).await;
        assert_eq!(!matches!(answer, Err(StoreError::Stale)), has_room, "{places:?}: {answer:?}");
    }
    assert_eq!(store.load().await.expect("read").deployments, 2);
}
