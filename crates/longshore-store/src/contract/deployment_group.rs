//! Promises of [`DeploymentGroupStore`](crate::DeploymentGroupStore).

use longshore_model::application::{ResourceTag, TagChange, TaggedResource};
use longshore_model::deployment_group::GroupHistory;
use longshore_model::host::HostHealth;
use longshore_model::id::{DeploymentGroupName, HostArn};

use super::fixture::*;
use crate::{Store, StoreError};

/// A name is taken in one application and free in another; the application must exist.
pub async fn names_are_unique_in_the_application(store: &dyn Store) {
    let first = add_group(store, "a", "g").await;
    let again = store.create_deployment_group(&first, NO_LIMIT).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists(name)) if name == "g"));
    let other = add_group(store, "b", "g").await;
    let missing = store.create_deployment_group(&group("c", "g"), NO_LIMIT).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "c"));

    for expected in [first, other] {
        let found = store.deployment_group(&expected.application, &expected.name).await.expect("read");
        assert_eq!(found.as_ref(), Some(&expected));
        assert_eq!(store.deployment_group_by_id(&expected.id).await.expect("read"), found);
    }
    assert_eq!(store.deployment_group_by_id(&group("x", "y").id).await.expect("read"), None);
}

/// Lists hold one application's names in byte order, and survive insertions between pages.
pub async fn names_are_listed_in_order_by_keyset(store: &dyn Store) {
    for name in ["b", "a", "C"] {
        add_group(store, "app", name).await;
    }
    add_group(store, "other", "x").await;
    let app = application_name("app");
    let list = async |after| {
        let names = store.deployment_groups(&app, &page(after, 2)).await.expect("list");
        names.iter().map(DeploymentGroupName::to_string).collect::<Vec<_>>()
    };
    assert_eq!(list(None).await, ["C", "a"]);
    add_group(store, "app", "B").await;
    add_group(store, "app", "aa").await;
    assert_eq!(list(Some("a")).await, ["aa", "b"]);
    assert!(list(Some("b")).await.is_empty());
}

/// The quota is of one application.
pub async fn the_quota_is_kept(store: &dyn Store) {
    add_group(store, "a", "g1").await;
    add_group(store, "b", "g1").await;
    store.create_deployment_group(&group("a", "g2"), 2).await.expect("second of two");
    let third = store.create_deployment_group(&group("a", "g3"), 2).await;
    assert!(matches!(third, Err(StoreError::LimitExceeded { limit: 2, .. })));
}

/// An update replaces all but the history, which only rounds change.
pub async fn an_update_keeps_the_history(store: &dyn Store) {
    let before = add_group(store, "a", "g").await;
    let deployment = add_deployment(store, 1, &before, at(10)).await;
    let history = GroupHistory {
        target_revision: Some(revision("r1")),
        last_attempted: Some(deployment.id.clone()),
        last_successful: Some(deployment.id.clone()),
    };
    let mut end = outcome(&succeeded(&deployment));
    end.group_history = Some(history.clone());
    commit(store, &end).await;

    let mut update = before.clone();
    update.service_role_arn = String::from("arn:aws:iam::000000000000:role/other");
    update.on_premises_selector = selector("role", "db");
    store.update_deployment_group(&before, &update).await.expect("the history does not count");
    update.history = history;
    let found = store.deployment_group(&update.application, &update.name).await.expect("read");
    assert_eq!(found, Some(update));
    let other = group("a", "other");
    let missing = store.update_deployment_group(&other, &other).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "other"));
}

/// A new name must be free in the application; the id stays. Source: service.md §6.1.
pub async fn a_name_can_be_changed_but_not_to_a_taken_one(store: &dyn Store) {
    let before = add_group(store, "a", "g1").await;
    let mut first = before.clone();
    add_group(store, "a", "g2").await;
    add_group(store, "b", "g3").await;
    first.name = group_name("g2");
    let taken = store.update_deployment_group(&before, &first).await;
    assert!(matches!(taken, Err(StoreError::AlreadyExists(name)) if name == "g2"));
    first.name = group_name("g3");
    store.update_deployment_group(&before, &first).await.expect("the name is another application's");
    assert_eq!(store.deployment_group(&first.application, &group_name("g1")).await.expect("read"), None);
    assert_eq!(store.deployment_group_by_id(&first.id).await.expect("read"), Some(first));
}

/// An update of a group that somebody changed meanwhile is refused, whatever was changed.
pub async fn an_update_of_an_older_state_is_refused(store: &dyn Store) {
    let first = add_group(store, "a", "g").await;
    let mut second = first.clone();
    second.termination_hook_enabled = true;
    store.update_deployment_group(&first, &second).await.expect("update");
    let mut other = first.clone();
    other.service_role_arn = String::from("arn:aws:iam::000000000000:role/other");
    let stale = store.update_deployment_group(&first, &other).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");

    let tag = ResourceTag { key: String::from("k"), value: String::from("v") };
    let resource = TaggedResource::Group(first.application.clone(), first.name.clone());
    store.change_tags(&resource, &TagChange::Add(vec![tag.clone()])).await.expect("tag");
    let stale = store.update_deployment_group(&second, &other).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");

    // A rename of the application is no change of the group.
    store.rename_application(&first.application, &application_name("b")).await.expect("rename");
    second.tags.push(tag);
    other.tags.clone_from(&second.tags);
    store.update_deployment_group(&second, &other).await.expect("update");
    let found = store.deployment_group_by_id(&first.id).await.expect("read").expect("it exists");
    assert_eq!((found.service_role_arn, found.tags), (other.service_role_arn, other.tags));
}

/// Deleting takes the host health along and answers the ids of unfinished deployments.
/// Source: service.md §4.4.
pub async fn deletion_answers_what_is_unfinished(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    let deployment = add_deployment(store, 1, &group, at(10)).await;
    let mut round = outcome(&started(&deployment));
    let health = HostHealth { is_healthy: true, installed: Some(revision("r1")) };
    round.host_health = vec![(HostArn(String::from("arn:h")), health.clone())];
    commit(store, &round).await;
    let known = store.host_health(&group.id).await.expect("read");
    assert_eq!(known, [(HostArn(String::from("arn:h")), health)]);

    let unfinished = store.delete_deployment_group(&group.application, &group.name).await.expect("delete");
    assert_eq!(unfinished, [deployment.id]);
    let again = store.delete_deployment_group(&group.application, &group.name).await.expect("again");
    assert!(again.is_empty());
    assert!(store.host_health(&group.id).await.expect("read").is_empty());
    assert_eq!(store.deployment_group_by_id(&group.id).await.expect("read"), None);
}

/// Groups of all applications are found by the key of a tag, not by what only looks like it.
pub async fn groups_are_found_by_tag(store: &dyn Store) {
    for (application, name, key) in [("a", "g", "late"), ("a", "h", "later"), ("b", "i", "late")] {
        add_group(store, application, name).await;
        let tag = ResourceTag { key: key.to_owned(), value: String::from("late") };
        let resource = TaggedResource::Group(application_name(application), group_name(name));
        store.change_tags(&resource, &TagChange::Add(vec![tag])).await.expect("tag");
    }
    let found = store.deployment_groups_tagged("late").await.expect("read");
    let names: Vec<String> = found.into_iter().map(|group| group.name.to_string()).collect();
    assert_eq!(names, ["g", "i"]);
}
