//! Promises of [`DeploymentStore`](crate::DeploymentStore) about deployments as a whole.

use longshore_model::deployment::{Deployment, DeploymentStatus};
use longshore_model::deployment_group::{DeploymentGroup, GroupHistory};

use super::fixture::*;
use crate::{DeploymentFilter, Forget, Load, Page, Store, StoreError};

/// Adds a deployment that ended well.
async fn add_ended(store: &dyn Store, number: u32, group: &DeploymentGroup) -> Deployment {
    let made_at = at(i64::from(number));
    let deployment = add_deployment(store, number, group, made_at).await;
    let mut begin = outcome(&started(&deployment));
    begin.new_targets = vec![new_target(&deployment, 0)];
    commit(store, &begin).await;
    commit(store, &outcome(&succeeded(&deployment))).await;
    deployment
}

async fn forget(store: &dyn Store, before: i64, keep_newest: usize, limit: usize) -> Vec<String> {
    let forget = Forget { created_before: at(before), keep_newest, limit };
    let ids = store.forget_deployments(&forget).await.expect("forget");
    ids.iter().map(ToString::to_string).collect()
}

/// Both must be so: old, and not among the newest. Targets go along; the rest stays as it was.
pub async fn old_deployments_are_forgotten_and_new_ones_kept(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    for number in 1..=6 {
        add_ended(store, number, &group).await;
    }
    assert!(forget(store, 1, 0, 10).await.is_empty(), "none is old");
    assert!(forget(store, 100, 6, 10).await.is_empty(), "all are new");
    assert!(forget(store, 100, 100, 10).await.is_empty(), "all are new");
    assert_eq!(forget(store, 100, 2, 3).await, ["d-000000001", "d-000000002", "d-000000003"]);
    assert_eq!(forget(store, 100, 2, 3).await, ["d-000000004"]);
    assert!(forget(store, 100, 2, 3).await.is_empty());
    assert_eq!(forget(store, 6, 0, 3).await, ["d-000000005"]);

    let id = deployment_id(1);
    assert_eq!(store.deployment(&id).await.expect("read"), None);
    assert!(store.target_counts(&id).await.expect("count").is_empty());
    let left = store.deployments(&crate::DeploymentFilter::default(), &whole()).await.expect("list");
    assert_eq!(left.into_iter().map(|(_, id)| id).collect::<Vec<_>>(), [deployment_id(6)]);
    // One that is not final stays, however old it is.
    let running = add_deployment(store, 7, &group, at(7)).await;
    assert_eq!(forget(store, 100, 0, 10).await, ["d-000000006"]);
    assert!(store.deployment(&running.id).await.expect("read").is_some());
}

/// A restart needs the last success, and a reader the last attempt.
pub async fn what_a_group_remembers_is_kept(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    let first = add_ended(store, 1, &group).await;
    add_ended(store, 2, &group).await;
    let third = add_ended(store, 3, &group).await;
    let last = add_deployment(store, 4, &group, at(4)).await;
    let mut end = outcome(&succeeded(&last));
    end.group_history = Some(GroupHistory {
        target_revision: Some(revision("r1")),
        last_attempted: Some(third.id.clone()),
        last_successful: Some(first.id.clone()),
    });
    commit(store, &end).await;
    assert_eq!(forget(store, 100, 0, 10).await, ["d-000000002", "d-000000004"]);
    store.delete_application(&group.application).await.expect("delete");
    assert_eq!(forget(store, 100, 0, 10).await, ["d-000000001", "d-000000003"]);
}

/// Ids are never reused. Source: service.md §1.6.
pub async fn a_forgotten_id_is_never_taken_again(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    let deployment = add_ended(store, 1, &group).await;
    assert_eq!(forget(store, 100, 0, 10).await.len(), 1);
    let again = store.create_deployment(&deployment, &revision_use(&deployment)).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists(_))), "{again:?}");
}

/// A deployment that outlives its group is found until it is final, with what became of its application.
pub async fn deployments_without_a_group_are_found(store: &dyn Store) {
    let (one, two) = (add_group(store, "a", "g").await, add_group(store, "b", "g").await);
    let first = add_deployment(store, 1, &one, at(1)).await;
    let second = add_deployment(store, 2, &two, at(2)).await;
    assert!(store.orphaned_deployments().await.expect("list").is_empty());
    store.delete_deployment_group(&two.application, &two.name).await.expect("delete");
    store.delete_application(&one.application).await.expect("delete");
    let orphans = store.orphaned_deployments().await.expect("list");
    assert_eq!(orphans, [(first.id.clone(), false), (second.id, true)]);
    commit(store, &outcome(&succeeded(&first))).await;
    assert_eq!(store.orphaned_deployments().await.expect("list").len(), 1);
}

/// Deployments in progress and the hosts of their groups; what waits or is final does not count.
pub async fn the_load_counts_what_is_in_progress(store: &dyn Store) {
    assert_eq!(store.load().await.expect("count"), Load::default());
    for number in 1..=3 {
        let group = add_group(store, "a", &format!("g{number}")).await;
        let deployment = add_deployment(store, number, &group, at(1)).await;
        if number > 1 {
            let begun = Deployment { n_hosts: 10 * number, ..started(&deployment) };
            commit(store, &outcome(&begun)).await;
        }
    }
    assert_eq!(store.load().await.expect("count"), Load { deployments: 2, hosts: 50 });
    // One that waits between zones is in progress all the same.
    let second = store.deployment(&deployment_id(2)).await.expect("read").expect("it exists");
    let baking = Deployment { status: DeploymentStatus::Baking, ..second };
    commit(store, &outcome(&baking)).await;
    assert_eq!(store.load().await.expect("count"), Load { deployments: 2, hosts: 50 });
    let filter = DeploymentFilter { statuses: vec![DeploymentStatus::Baking], ..DeploymentFilter::default() };
    let listed = store.deployments(&filter, &Page { after: None, limit: 9 }).await.expect("list");
    assert_eq!(listed, [(at(1), deployment_id(2))]);
    assert!(store.unfinished_deployments().await.expect("list").contains(&deployment_id(2)));
    let third = store.deployment(&deployment_id(3)).await.expect("read").expect("it exists");
    commit(store, &outcome(&succeeded(&third))).await;
    assert_eq!(store.load().await.expect("count"), Load { deployments: 1, hosts: 20 });
}
