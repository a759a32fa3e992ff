//! Promises of [`RevisionStore`](crate::RevisionStore).

use longshore_model::deployment_group::GroupHistory;
use longshore_model::revision::{BundleType, RegisteredRevision, Revision};

use super::fixture::*;
use crate::{Store, StoreError};

/// Registering again changes nothing but the description, and that only when there is one.
pub async fn a_revision_is_registered_once(store: &dyn Store) {
    let missing = store.register_revision(&registered("a", "r", at(1))).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "a"));
    store.create_application(&application("a"), NO_LIMIT).await.expect("create");

    let describe = |text: Option<&str>, millis| RegisteredRevision {
        description: text.map(str::to_owned),
        ..registered("a", "r", at(millis))
    };
    for (given, expected) in [(None, None), (Some("x"), Some("x")), (None, Some("x")), (Some("y"), Some("y"))]
    {
        store.register_revision(&describe(given, 7)).await.expect("register");
        let found = store.revision(&application_name("a"), &revision("r")).await.expect("read");
        assert_eq!(found, Some(describe(expected, 7)));
    }
    store.register_revision(&describe(None, 9)).await.expect("register later");
    let found = store.revision(&application_name("a"), &revision("r")).await.expect("read");
    assert_eq!(found, Some(describe(Some("y"), 7)), "the first registration counts");
}

/// Lists are in order of registration, and survive registrations between pages.
pub async fn lists_are_in_order_of_registration(store: &dyn Store) {
    store.create_application(&application("a"), NO_LIMIT).await.expect("create");
    for (commit_id, millis) in [("late", 30), ("early", 10), ("tie-b", 20), ("tie-a", 20)] {
        store.register_revision(&registered("a", commit_id, at(millis))).await.expect("register");
    }
    let first = store.revisions(&application_name("a"), &page(None, 2)).await.expect("list");
    assert_eq!(commits(&first), ["early", "tie-a"]);
    store.register_revision(&registered("a", "earliest", at(5))).await.expect("register");
    store.register_revision(&registered("a", "later", at(25))).await.expect("register");
    let after = format!("{:020}/{}", first[1].registered_at.millis(), first[1].revision.identity());
    let rest = store.revisions(&application_name("a"), &page(Some(&after), 9)).await.expect("list");
    assert_eq!(commits(&rest), ["tie-b", "later", "late"]);
    let foreign = store.revisions(&application_name("a"), &page(Some("no key of ours"), 9)).await;
    assert!(foreign.is_err());
}

fn commits(revisions: &[RegisteredRevision]) -> Vec<&str> {
    revisions
        .iter()
        .map(|registered| match &registered.revision {
            Revision::GitHub { commit_id, .. } => commit_id.as_str(),
            Revision::S3 { key, .. } => key.as_str(),
        })
        .collect()
}

/// Two spellings of an ETag are one revision, kept as it was first given.
pub async fn identity_ignores_quotes_of_the_etag(store: &dyn Store) {
    store.create_application(&application("a"), NO_LIMIT).await.expect("create");
    let revision = |e_tag: &str| Revision::S3 {
        bucket: String::from("b"),
        key: String::from("k"),
        bundle_type: BundleType::Zip,
        version: None,
        e_tag: Some(e_tag.to_owned()),
    };
    for e_tag in ["\"abc\"", "abc"] {
        let registered = RegisteredRevision { revision: revision(e_tag), ..registered("a", "", at(1)) };
        store.register_revision(&registered).await.expect("register");
    }
    let all = store.revisions(&application_name("a"), &whole()).await.expect("list");
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].revision, revision("\"abc\""));
    let found = store.revision(&application_name("a"), &revision("abc")).await.expect("read");
    assert_eq!(found.as_ref(), all.first());
}

/// Groups are found by the revision that they last deployed well.
pub async fn groups_are_found_by_their_target_revision(store: &dyn Store) {
    for (number, (name, commit_id)) in (1..).zip([("g2", "r1"), ("g1", "r1"), ("g3", "r2")]) {
        let group = add_group(store, "a", name).await;
        let deployment = add_deployment(store, number, &group, at(10)).await;
        let mut end = outcome(&succeeded(&deployment));
        let target_revision = Some(revision(commit_id));
        end.group_history = Some(GroupHistory { target_revision, ..GroupHistory::default() });
        commit(store, &end).await;
    }
    add_group(store, "b", "g4").await;
    let groups = store.groups_with_target(&application_name("a"), &revision("r1")).await.expect("list");
    assert_eq!(groups, [group_name("g1"), group_name("g2")]);
    let none = store.groups_with_target(&application_name("b"), &revision("r1")).await.expect("list");
    assert!(none.is_empty());
}
