//! Promises of [`DeploymentStore`](crate::DeploymentStore) about deployments and their lists.

use longshore_model::deployment::DeploymentStatus;
use longshore_model::id::DeploymentId;
use longshore_model::time::Timestamp;

use super::fixture::*;
use crate::{DeploymentFilter, Store, StoreError};

/// An id is never used twice, even when its deployment has ended.
pub async fn an_id_is_used_once(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    let first = add_deployment(store, 1, &group, at(10)).await;
    assert_eq!(store.deployment(&first.id).await.expect("read"), Some(first.clone()));
    commit(store, &outcome(&succeeded(&first))).await;
    let again = deployment(1, &group, at(20));
    let error = store.create_deployment(&again, &revision_use(&again)).await;
    assert!(matches!(error, Err(StoreError::AlreadyExists(id)) if id == first.id.as_str()));
    assert_eq!(store.deployment(&first.id).await.expect("read"), Some(succeeded(&first)));
    assert_eq!(store.deployment(&deployment_id(2)).await.expect("read"), None);
}

/// A second deployment of a group has to wait until the first is final; other groups do not.
pub async fn a_group_has_one_active_deployment(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    let other_group = add_group(store, "a", "other").await;
    let first = add_deployment(store, 1, &group, at(10)).await;
    add_deployment(store, 2, &other_group, at(10)).await;
    let second = deployment(3, &group, at(20));
    for state in [first.clone(), started(&first), stopping(&started(&first))] {
        commit(store, &outcome(&state)).await;
        let busy = store.create_deployment(&second, &revision_use(&second)).await;
        assert!(matches!(busy, Err(StoreError::GroupBusy(id)) if id == first.id));
    }
    assert_eq!(store.deployment(&second.id).await.expect("read"), None);
    commit(store, &outcome(&succeeded(&first))).await;
    store.create_deployment(&second, &revision_use(&second)).await.expect("the group is idle");
}

/// The group is found by its id; nothing is left of a refused deployment.
pub async fn a_group_must_exist(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    store.delete_deployment_group(&group.application, &group.name).await.expect("delete");
    let deployment = deployment(1, &group, at(10));
    let error = store.create_deployment(&deployment, &revision_use(&deployment)).await;
    assert!(matches!(error, Err(StoreError::NotFound(_))));
    assert_eq!(store.deployment(&deployment.id).await.expect("read"), None);
    assert!(store.revisions(&group.application, &whole()).await.expect("list").is_empty());
}

/// A revision is registered on the fly; of a known one only the times of use change. Source: service.md §5.1.
pub async fn creation_notes_the_use_of_the_revision(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    let read =
        async || store.revision(&group.application, &revision("r1")).await.expect("read").expect("it exists");
    let first = add_deployment(store, 1, &group, at(10)).await;
    let found = read().await;
    let times = (found.registered_at, found.first_used_at, found.last_used_at);
    assert_eq!(times, (at(10), Some(at(10)), Some(at(10))));

    commit(store, &outcome(&succeeded(&first))).await;
    store.rename_application(&group.application, &application_name("b")).await.expect("rename");
    let second = deployment(2, &group, at(20));
    let mut used = revision_use(&second);
    used.revision.description = Some(String::from("ignored"));
    store.create_deployment(&second, &used).await.expect("create");
    let found = store
        .revision(&application_name("b"), &revision("r1"))
        .await
        .expect("read")
        .expect("it follows the application");
    let times = (found.registered_at, found.first_used_at, found.last_used_at);
    assert_eq!(times, (at(10), Some(at(10)), Some(at(20))));
    assert_eq!(found.description, None);
}

/// Newest first, ties by id.
pub async fn lists_are_newest_first(store: &dyn Store) {
    for (number, millis) in [(1, 10), (2, 30), (4, 20), (3, 20)] {
        let group = add_group(store, "a", &format!("g{number}")).await;
        add_deployment(store, number, &group, at(millis)).await;
    }
    assert_eq!(numbers(store, &DeploymentFilter::default(), None, 9).await, [2, 3, 4, 1]);
    let filter = DeploymentFilter::default();
    assert_eq!(numbers(store, &filter, None, 2).await, [2, 3]);
    let found = store.deployments(&filter, &page(None, 2)).await.expect("list");
    assert_eq!(numbers(store, &filter, found.last(), 2).await, [4, 1]);
    let foreign = store.deployments(&filter, &page(Some("no key of ours"), 9)).await;
    assert!(foreign.is_err());
}

/// By group, status and time, and any of them together.
pub async fn lists_are_filtered(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    for (number, millis) in [(1, 10), (2, 20), (3, 30)] {
        let deployment = add_deployment(store, number, &group, at(millis)).await;
        commit(store, &outcome(&succeeded(&deployment))).await;
    }
    let running = add_deployment(store, 4, &group, at(40)).await;
    commit(store, &outcome(&started(&running))).await;
    let other_group = add_group(store, "a", "other").await;
    add_deployment(store, 5, &other_group, at(50)).await;

    let check = async |filter: DeploymentFilter, expected: &[u32]| {
        assert_eq!(numbers(store, &filter, None, 9).await, expected, "{filter:?}");
    };
    let of_group = || DeploymentFilter { group: Some(group.id.clone()), ..DeploymentFilter::default() };
    let with_statuses = |statuses: &[DeploymentStatus]| DeploymentFilter {
        statuses: statuses.to_vec(),
        ..DeploymentFilter::default()
    };
    use DeploymentStatus::{Created, Failed, InProgress, Succeeded};
    check(of_group(), &[4, 3, 2, 1]).await;
    check(with_statuses(&[Created]), &[5]).await;
    check(with_statuses(&[Succeeded, InProgress]), &[4, 3, 2, 1]).await;
    check(with_statuses(&[Created, Created]), &[5]).await;
    check(with_statuses(&[Failed]), &[]).await;
    let between = |from: Option<Timestamp>, to: Option<Timestamp>| DeploymentFilter {
        created_from: from,
        created_to: to,
        ..DeploymentFilter::default()
    };
    check(between(Some(at(20)), None), &[5, 4, 3, 2]).await;
    check(between(None, Some(at(20))), &[2, 1]).await;
    check(between(Some(at(20)), Some(at(40))), &[4, 3, 2]).await;
    check(between(Some(at(41)), Some(at(49))), &[]).await;
    check(DeploymentFilter { statuses: vec![Succeeded], created_from: Some(at(20)), ..of_group() }, &[3, 2])
        .await;
}

/// What is made or ends between pages neither hides nor repeats another deployment.
pub async fn lists_are_stable_while_deployments_are_made(store: &dyn Store) {
    let mut deployments = Vec::new();
    for number in 1..=6 {
        let group = add_group(store, "a", &format!("g{number}")).await;
        deployments.push(add_deployment(store, number, &group, at(i64::from(number))).await);
    }
    let filter = DeploymentFilter::default();
    let first = store.deployments(&filter, &page(None, 3)).await.expect("list");
    assert_eq!(numbers_of(&first), [6, 5, 4]);
    let late_group = add_group(store, "a", "late").await;
    add_deployment(store, 7, &late_group, at(7)).await;
    for deployment in &deployments {
        commit(store, &outcome(&succeeded(deployment))).await;
    }
    assert_eq!(numbers(store, &filter, first.last(), 2).await, [3, 2]);
    assert_eq!(numbers(store, &filter, first.last(), 9).await, [3, 2, 1]);
}

async fn numbers(
    store: &dyn Store,
    filter: &DeploymentFilter,
    after: Option<&(Timestamp, DeploymentId)>,
    limit: usize,
) -> Vec<u32> {
    let key = after.map(|(time, id)| format!("{:020}/{id}", time.millis()));
    numbers_of(&store.deployments(filter, &page(key.as_deref(), limit)).await.expect("list"))
}

fn numbers_of(found: &[(Timestamp, DeploymentId)]) -> Vec<u32> {
    found.iter().map(|(_, id)| id.as_str()[2..].parse().expect("a number")).collect()
}

/// All that are not final, oldest first.
pub async fn unfinished_ones_are_listed_oldest_first(store: &dyn Store) {
    for (number, millis) in [(1, 30), (2, 20), (3, 10), (4, 10)] {
        let group = add_group(store, "a", &format!("g{number}")).await;
        let deployment = add_deployment(store, number, &group, at(millis)).await;
        match number {
            1 => drop(commit(store, &outcome(&started(&deployment))).await),
            2 => drop(commit(store, &outcome(&succeeded(&deployment))).await),
            3 => drop(commit(store, &outcome(&stopping(&started(&deployment)))).await),
            _ => {}
        }
    }
    let unfinished = store.unfinished_deployments().await.expect("list");
    assert_eq!(unfinished, [deployment_id(3), deployment_id(4), deployment_id(1)]);
}

/// A deployment keeps the names of its creation, and stays with its group whatever that is called.
pub async fn a_rename_leaves_the_names_of_deployments(store: &dyn Store) {
    let group = add_group(store, "old", "g").await;
    let deployment = add_deployment(store, 1, &group, at(10)).await;
    store.rename_application(&group.application, &application_name("new")).await.expect("rename");
    assert_eq!(store.deployment(&deployment.id).await.expect("read"), Some(deployment.clone()));
    let of_group = DeploymentFilter { group: Some(group.id.clone()), ..DeploymentFilter::default() };
    assert_eq!(numbers(store, &of_group, None, 9).await, [1]);
    let next = self::deployment(2, &group, at(20));
    let busy = store.create_deployment(&next, &revision_use(&next)).await;
    assert!(matches!(busy, Err(StoreError::GroupBusy(id)) if id == deployment.id));
}
