//! Promises of [`HostStore`](crate::HostStore).

use longshore_model::host::{Arrival, Host};
use longshore_model::id::HostName;
use longshore_model::tag_filter::TagSelector;

use super::fixture::*;
use crate::{HostFilter, Store, StoreError};

/// The name is looked at first, then the ARN that the host signs as.
pub async fn names_and_arns_are_unique_among_registered_hosts(store: &dyn Store) {
    store.register_host(&host("a")).await.expect("register");
    let same_name = Host { name: host_name("a"), ..host("b") };
    let error = store.register_host(&same_name).await;
    assert!(matches!(error, Err(StoreError::AlreadyExists(what)) if what == "a"));
    let same_principal = Host { name: host_name("b"), ..host("a") };
    let error = store.register_host(&same_principal).await;
    assert!(matches!(error, Err(StoreError::AlreadyExists(what)) if what == principal("a").0));
    let error = store.register_host(&host("a")).await;
    assert!(matches!(error, Err(StoreError::AlreadyExists(what)) if what == "a"));

    assert_eq!(store.host(&host_name("a")).await.expect("read"), Some(host("a")));
    assert_eq!(store.host_by_principal(&principal("a")).await.expect("read"), Some(host("a")));
    assert_eq!(store.host_by_principal(&principal("b")).await.expect("read"), None);
    assert_eq!(store.host(&host_name("b")).await.expect("read"), None);
}

/// A tombstone frees name and ARN at once, is answered until it is old, and shows the latest.
pub async fn a_tombstone_is_kept_until_it_is_old(store: &dyn Store) {
    let name = host_name("a");
    store.deregister_host(&name, at(1), at(0)).await.expect("an unknown name is no error");
    for deregistered_at in [at(10), at(20)] {
        store.register_host(&host("a")).await.expect("name and ARN are free");
        assert_eq!(store.host(&name).await.expect("read"), Some(host("a")));
        store.deregister_host(&name, deregistered_at, at(0)).await.expect("deregister");
        let tombstone = Host { deregistered_at: Some(deregistered_at), ..host("a") };
        assert_eq!(store.host(&name).await.expect("read"), Some(tombstone));
        assert_eq!(store.host_by_principal(&principal("a")).await.expect("read"), None);
    }
    store.deregister_host(&host_name("other"), at(30), at(20)).await.expect("forget the first");
    assert!(store.host(&name).await.expect("read").is_some());
    store.deregister_host(&host_name("other"), at(30), at(21)).await.expect("forget the second");
    assert_eq!(store.host(&name).await.expect("read"), None);
}

/// Registered hosts, tombstones or both, and no name twice.
pub async fn lists_tell_hosts_from_tombstones(store: &dyn Store) {
    for name in ["both", "gone", "here", "gone", "both"] {
        store.register_host(&host(name)).await.expect("register");
        if name == "gone" || name == "both" {
            store.deregister_host(&host_name(name), at(10), at(0)).await.expect("deregister");
        }
    }
    store.register_host(&host("both")).await.expect("register again");
    assert_eq!(list(store, Some(true), None).await, ["both", "here"]);
    assert_eq!(list(store, Some(false), None).await, ["both", "gone"]);
    assert_eq!(list(store, None, None).await, ["both", "gone", "here"]);
    let since = async |is_registered: Option<bool>, millis: i64| {
        let filter = HostFilter { is_registered, deregistered_from: Some(at(millis)), tags: None };
        store.hosts(&filter, &whole()).await.expect("list").len()
    };
    assert_eq!((since(Some(false), 10).await, since(None, 10).await), (2, 3));
    assert_eq!((since(Some(false), 11).await, since(None, 11).await), (0, 2));
}

async fn list(store: &dyn Store, is_registered: Option<bool>, tags: Option<TagSelector>) -> Vec<String> {
    let names = store
        .hosts(&HostFilter { is_registered, tags, deregistered_from: None }, &whole())
        .await
        .expect("list");
    names.iter().map(HostName::to_string).collect()
}

/// A page begins after the last name seen, whatever was registered between.
pub async fn lists_go_on_after_the_last_name_seen(store: &dyn Store) {
    for name in ["b", "a", "c", "e"] {
        store.register_host(&host(name)).await.expect("register");
    }
    store.add_host_tags(&[host_name("a"), host_name("e")], &[tag("role", "web")], 10).await.expect("tag");
    let list = async |filter: HostFilter, after, limit| {
        let names = store.hosts(&filter, &page(after, limit)).await.expect("list");
        names.iter().map(HostName::to_string).collect::<Vec<_>>()
    };
    assert_eq!(list(HostFilter::default(), None, 2).await, ["a", "b"]);
    store.register_host(&host("aa")).await.expect("register");
    store.register_host(&host("d")).await.expect("register");
    assert_eq!(list(HostFilter::default(), Some("b"), 2).await, ["c", "d"]);
    assert_eq!(list(HostFilter::default(), Some("d"), 2).await, ["e"]);
    let web = || HostFilter { tags: Some(selector("role", "web")), ..HostFilter::default() };
    assert_eq!(list(web(), None, 1).await, ["a"]);
    assert_eq!(list(web(), Some("a"), 1).await, ["e"]);
    assert!(list(web(), Some("e"), 1).await.is_empty());
}

/// A selector finds registered hosts only.
pub async fn tags_select_hosts(store: &dyn Store) {
    for name in ["db", "web-2", "web-1", "web-0"] {
        store.register_host(&host(name)).await.expect("register");
        let role = if name == "db" { "db" } else { "web" };
        store.add_host_tags(&[host_name(name)], &[tag("role", role)], 10).await.expect("tag");
    }
    store.deregister_host(&host_name("web-0"), at(5), at(0)).await.expect("deregister");
    let selected = store.select_hosts(&selector("role", "w*")).await.expect("select");
    let names: Vec<&str> = selected.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["web-1", "web-2"]);
    assert_eq!(selected[0].tags, [tag("role", "web")]);
    assert!(store.select_hosts(&TagSelector::default()).await.expect("select").is_empty());
    assert_eq!(list(store, Some(true), Some(selector("role", "db"))).await, ["db"]);
    assert_eq!(list(store, None, Some(selector("role", "web"))).await, ["web-0", "web-1", "web-2"]);
}

/// Tags are added to and removed from all hosts, or none; a pair counts once.
pub async fn tags_are_changed_on_all_hosts_or_none(store: &dyn Store) {
    store.register_host(&host("a")).await.expect("register");
    store.register_host(&host("b")).await.expect("register");
    let (a, b, c) = (host_name("a"), host_name("b"), host_name("c"));
    let both = [a.clone(), b.clone()];
    let missing = store.add_host_tags(&[a.clone(), c.clone()], &[tag("k", "v")], 10).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "c"));
    assert_eq!(tags_of(store, &a).await, []);

    store.add_host_tags(&both, &[tag("k", "v"), tag("k", "w"), tag("k", "v")], 2).await.expect("add");
    store.add_host_tags(&both, &[tag("k", "w")], 2).await.expect("a known pair counts once");
    let over = store.add_host_tags(std::slice::from_ref(&a), &[tag("k", "x")], 2).await;
    assert!(matches!(over, Err(StoreError::LimitExceeded { limit: 2, .. })));
    assert_eq!(tags_of(store, &b).await, [tag("k", "v"), tag("k", "w")]);

    let missing = store.remove_host_tags(&[a.clone(), c], &[tag("k", "v")]).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "c"));
    store.remove_host_tags(&both, &[tag("k", "v"), tag("never", "there")]).await.expect("remove");
    assert_eq!(tags_of(store, &a).await, [tag("k", "w")]);
}

async fn tags_of(store: &dyn Store, name: &HostName) -> Vec<longshore_model::host::HostTag> {
    store.host(name).await.expect("read").expect("it exists").tags
}

/// Only tombstones that are old enough go, the oldest first, and not more than asked for.
pub async fn old_tombstones_are_forgotten_bit_by_bit(store: &dyn Store) {
    for (number, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        store.register_host(&host(name)).await.expect("register");
        let gone_at = at(10 * i64::try_from(number).expect("small"));
        store.deregister_host(&host_name(name), gone_at, at(-1)).await.expect("deregister");
    }
    store.register_host(&host("e")).await.expect("register");
    assert_eq!(store.forget_tombstones(at(30), 2).await.expect("forget"), 2);
    assert_eq!(store.host(&host_name("b")).await.expect("read"), None);
    assert!(store.host(&host_name("c")).await.expect("read").is_some());
    assert_eq!(store.forget_tombstones(at(30), 2).await.expect("forget"), 1);
    assert_eq!(store.forget_tombstones(at(30), 2).await.expect("forget"), 0);
    for name in ["d", "e"] {
        assert!(store.host(&host_name(name)).await.expect("read").is_some(), "{name} is not old enough");
    }
}

/// Also those of hosts that nobody knows: whoever looks after them forgets them.
pub async fn arrivals_are_kept_until_they_are_looked_after(store: &dyn Store) {
    let arrival = |name: &str, came, silent_since: Option<i64>| Arrival {
        principal: principal(name),
        at: at(came),
        silent_since: silent_since.map(at),
    };
    let (first, other) = (arrival("b", 10, None), arrival("a", 11, Some(3)));
    assert_eq!(store.arrivals().await.expect("read"), []);
    store.note_arrivals(&[]).await.expect("nobody");
    store.note_arrivals(&[first.clone(), other.clone()]).await.expect("note");
    assert_eq!(store.arrivals().await.expect("read"), [other.clone(), first.clone()]);
    let again = arrival("b", 12, Some(10));
    store.note_arrivals(&[first.clone(), again.clone()]).await.expect("the later one counts");
    store.forget_arrivals(&[other, first]).await.expect("forget");
    assert_eq!(
        store.arrivals().await.expect("read"),
        std::slice::from_ref(&again),
        "it has come again since"
    );
    store.forget_arrivals(&[]).await.expect("nobody");
    store.forget_arrivals(&[again]).await.expect("forget");
    assert_eq!(store.arrivals().await.expect("read"), []);
}
