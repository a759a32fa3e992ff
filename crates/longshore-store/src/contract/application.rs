//! Promises of [`ApplicationStore`](crate::ApplicationStore).

use futures::future::join_all;
use longshore_model::id::ApplicationName;

use super::fixture::*;
use crate::{Store, StoreError};

/// `create_application` refuses a taken name.
pub async fn names_are_unique(store: &dyn Store) {
    let first = application("a");
    store.create_application(&first, NO_LIMIT).await.expect("a new name");
    let again = store.create_application(&first, NO_LIMIT).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists(name)) if name == "a"));
    assert_eq!(store.application(&first.name).await.expect("read"), Some(first));
    assert_eq!(store.application(&application_name("A")).await.expect("read"), None);
}

/// Lists are in byte order, and an insertion between pages neither hides nor repeats another name.
pub async fn names_are_listed_in_order_by_keyset(store: &dyn Store) {
    for name in ["b", "a", "C", "d"] {
        store.create_application(&application(name), NO_LIMIT).await.expect("create");
    }
    let first = names(store, None).await;
    assert_eq!(first, ["C", "a"]);
    store.create_application(&application("B"), NO_LIMIT).await.expect("create");
    store.create_application(&application("c"), NO_LIMIT).await.expect("create");
    assert_eq!(names(store, Some("a")).await, ["b", "c"]);
    assert_eq!(names(store, Some("c")).await, ["d"]);
    assert!(names(store, Some("d")).await.is_empty());
}

async fn names(store: &dyn Store, after: Option<&str>) -> Vec<String> {
    let names = store.applications(&page(after, 2)).await.expect("list");
    names.iter().map(ApplicationName::to_string).collect()
}

/// The quota counts what is there; a taken name is told first.
pub async fn the_quota_is_kept(store: &dyn Store) {
    store.create_application(&application("a"), 2).await.expect("first");
    store.create_application(&application("b"), 2).await.expect("second");
    let third = store.create_application(&application("c"), 2).await;
    assert!(matches!(third, Err(StoreError::LimitExceeded { limit: 2, .. })));
    let taken = store.create_application(&application("a"), 2).await;
    assert!(matches!(taken, Err(StoreError::AlreadyExists(_))));
    store.delete_application(&application_name("a")).await.expect("delete");
    store.create_application(&application("c"), 2).await.expect("room again");
}

/// After a rename everything of the application is found under the new name only.
pub async fn a_rename_takes_groups_and_revisions_along(store: &dyn Store) {
    let group = add_group(store, "old", "g").await;
    store.register_revision(&registered("old", "r", at(5))).await.expect("register");
    let (old, new) = (application_name("old"), application_name("new"));
    store.rename_application(&old, &new).await.expect("rename");

    assert_eq!(store.application(&old).await.expect("read"), None);
    assert!(store.deployment_groups(&old, &whole()).await.expect("list").is_empty());
    assert!(store.revisions(&old, &whole()).await.expect("list").is_empty());

    let renamed = store.application(&new).await.expect("read").expect("it exists");
    assert_eq!(renamed.id, application("old").id);
    let found = store.deployment_group(&new, &group.name).await.expect("read").expect("it exists");
    assert_eq!((&found.application, &found.id), (&new, &group.id));
    let by_id = store.deployment_group_by_id(&group.id).await.expect("read").expect("it exists");
    assert_eq!(by_id.application, new);
    let revision = store.revision(&new, &revision("r")).await.expect("read").expect("it exists");
    assert_eq!(revision.application, new);

    store.create_application(&application("other"), NO_LIMIT).await.expect("create");
    store.rename_application(&application_name("other"), &old).await.expect("the old name is free");
    assert!(store.deployment_groups(&old, &whole()).await.expect("list").is_empty());
}

/// A rename fails without the application or onto a taken name; onto itself it succeeds.
pub async fn a_rename_respects_other_names(store: &dyn Store) {
    store.create_application(&application("a"), NO_LIMIT).await.expect("create");
    store.create_application(&application("b"), NO_LIMIT).await.expect("create");
    let (a, b, c) = (application_name("a"), application_name("b"), application_name("c"));
    store.rename_application(&a, &a).await.expect("to itself");
    let taken = store.rename_application(&a, &b).await;
    assert!(matches!(taken, Err(StoreError::AlreadyExists(name)) if name == "b"));
    let missing = store.rename_application(&c, &c).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "c"));
    let names = store.applications(&whole()).await.expect("list");
    assert_eq!(names, [a, b]);
}

/// Deleting takes groups, host health and revisions along; the name begins anew.
pub async fn deleted_things_stay_deleted(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    store.register_revision(&registered("a", "r", at(5))).await.expect("register");
    let name = application_name("a");
    assert!(store.delete_application(&name).await.expect("delete").is_empty());
    assert!(store.delete_application(&name).await.expect("delete again").is_empty());

    assert_eq!(store.application(&name).await.expect("read"), None);
    assert_eq!(store.deployment_group_by_id(&group.id).await.expect("read"), None);
    store.create_application(&application("a"), NO_LIMIT).await.expect("the name is free");
    assert!(store.deployment_groups(&name, &whole()).await.expect("list").is_empty());
    assert_eq!(store.revision(&name, &revision("r")).await.expect("read"), None);
}

/// Deleting answers what is unfinished, whatever the application was called then; deployments stay
/// readable.
pub async fn deployments_outlive_their_application(store: &dyn Store) {
    let first = add_group(store, "a", "g1").await;
    let second = add_group(store, "a", "g2").await;
    let done = add_deployment(store, 1, &first, at(10)).await;
    commit(store, &outcome(&succeeded(&done))).await;
    let running = add_deployment(store, 2, &first, at(30)).await;
    let older = add_deployment(store, 3, &second, at(20)).await;
    store.rename_application(&application_name("a"), &application_name("b")).await.expect("rename");

    let unfinished = store.delete_application(&application_name("b")).await.expect("delete");
    assert_eq!(unfinished, [older.id, running.id.clone()]);
    assert_eq!(store.deployment(&running.id).await.expect("read"), Some(running));
    assert_eq!(store.deployment(&done.id).await.expect("read"), Some(succeeded(&done)));
}

/// A refused write neither hinders nor undoes those that are written together with it.
pub async fn a_refused_write_fails_alone(store: &dyn Store) {
    store.create_application(&application("taken"), NO_LIMIT).await.expect("create");
    let applications: Vec<_> = (0..40)
        .map(|number| {
            application(&if number % 2 == 0 { format!("a{number}") } else { String::from("taken") })
        })
        .collect();
    let creations = applications.iter().map(|application| store.create_application(application, NO_LIMIT));
    for (number, result) in join_all(creations).await.into_iter().enumerate() {
        assert_eq!(result.is_ok(), number % 2 == 0, "number {number}: {result:?}");
    }
    assert_eq!(store.applications(&whole()).await.expect("list").len(), 21);
}
