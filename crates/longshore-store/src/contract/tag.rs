//! Promises of [`TagStore`](crate::TagStore).

use futures::future::join_all;
use longshore_model::application::{MAX_RESOURCE_TAGS, ResourceTag, TagChange, TaggedResource};

use super::fixture::*;
use crate::{Store, StoreError};

fn resource_tag(key: &str) -> ResourceTag {
    ResourceTag { key: key.to_owned(), value: format!("of \"{key}\"") }
}

fn add(keys: &[&str]) -> TagChange {
    TagChange::Add(keys.iter().map(|key| resource_tag(key)).collect())
}

fn application_a() -> TaggedResource {
    TaggedResource::Application(application_name("a"))
}

fn group_g() -> TaggedResource {
    TaggedResource::Group(application_name("a"), group_name("g"))
}

async fn keys(store: &dyn Store, resource: &TaggedResource) -> Vec<String> {
    let tags = match resource {
        TaggedResource::Application(name) => {
            store.application(name).await.expect("read").expect("it exists").tags
        }
        TaggedResource::Group(application, name) => {
            store.deployment_group(application, name).await.expect("read").expect("it exists").tags
        }
    };
    tags.into_iter().map(|tag| tag.key).collect()
}

/// Tags are added and removed, with either kind of resource; one that is not there is `NotFound`.
pub async fn tags_of_both_kinds_are_changed(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    for resource in [application_a(), group_g()] {
        store.change_tags(&resource, &add(&["z", "y"])).await.expect("add");
        store.change_tags(&resource, &add(&["x", "z"])).await.expect("add");
        assert_eq!(keys(store, &resource).await, ["z", "y", "x"]);
        store.change_tags(&resource, &TagChange::Remove(vec![String::from("y")])).await.expect("remove");
        assert_eq!(keys(store, &resource).await, ["z", "x"]);
    }
    // The rest of the group is as it was.
    let found = store.deployment_group_by_id(&group.id).await.expect("read").expect("it exists");
    assert_eq!((found.config, found.on_premises_selector), (group.config, group.on_premises_selector));

    let nobody = [
        TaggedResource::Application(application_name("b")),
        TaggedResource::Group(application_name("a"), group_name("h")),
        TaggedResource::Group(application_name("b"), group_name("g")),
    ];
    for resource in nobody {
        let missing = store.change_tags(&resource, &add(&["k"])).await;
        assert!(matches!(missing, Err(StoreError::NotFound(_))), "{resource:?}: {missing:?}");
    }
}

/// No change is lost to another.
pub async fn changes_at_the_same_time_follow_each_other(store: &dyn Store) {
    add_group(store, "a", "g").await;
    for resource in [application_a(), group_g()] {
        let names: Vec<String> = (0..20).map(|number| format!("k{number:02}")).collect();
        let changes: Vec<TagChange> = names.iter().map(|name| add(&[name])).collect();
        let added = join_all(changes.iter().map(|change| store.change_tags(&resource, change))).await;
        assert!(added.iter().all(Result::is_ok), "{added:?}");
        let mut found = keys(store, &resource).await;
        found.sort();
        assert_eq!(found, names);
    }
}

/// A change that would make too many changes nothing.
pub async fn the_quota_of_tags_is_kept(store: &dyn Store) {
    add_group(store, "a", "g").await;
    let names: Vec<String> = (0..MAX_RESOURCE_TAGS).map(|number| format!("k{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for resource in [application_a(), group_g()] {
        store.change_tags(&resource, &add(&names)).await.expect("as many as there may be");
        let refused = store.change_tags(&resource, &add(&["more"])).await;
        assert!(matches!(refused, Err(StoreError::LimitExceeded { limit: MAX_RESOURCE_TAGS, .. })));
        assert_eq!(keys(store, &resource).await, names);
    }
}
