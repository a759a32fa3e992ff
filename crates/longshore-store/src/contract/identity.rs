//! Promises of [`IdentityStore`](crate::IdentityStore).

use super::fixture::*;
use crate::{AccessKey, InlinePolicy, Store, StoreError, User};

fn user(name: &str, path: &str) -> User {
    User {
        name: name.to_owned(),
        path: path.to_owned(),
        id: format!("AIDA{name}"),
        arn: principal(name),
        created_at: at(1),
    }
}

fn access_key(id: &str, user: &str, millis: i64) -> AccessKey {
    AccessKey {
        id: id.to_owned(),
        secret: format!("secret of {id}"),
        user: user.to_owned(),
        is_active: true,
        created_at: at(millis),
    }
}

fn policy(name: &str, document: &str) -> InlinePolicy {
    InlinePolicy { name: name.to_owned(), document: document.to_owned() }
}

/// Names are unique; a user with keys or policies cannot be deleted.
pub async fn users_come_and_go(store: &dyn Store) {
    store.create_user(&user("a", "/")).await.expect("create");
    let again = store.create_user(&user("a", "/other/")).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists(name)) if name == "a"));
    assert_eq!(store.user("a").await.expect("read"), Some(user("a", "/")));
    assert_eq!(store.user("b").await.expect("read"), None);

    store.create_access_key(&access_key("AKIA1", "a", 1), 2).await.expect("key");
    assert!(matches!(store.delete_user("a").await, Err(StoreError::InUse(_))));
    store.delete_access_key("a", "AKIA1").await.expect("delete key");
    store.put_user_policy("a", &policy("p", "{}")).await.expect("policy");
    assert!(matches!(store.delete_user("a").await, Err(StoreError::InUse(_))));
    store.delete_user_policy("a", "p").await.expect("delete policy");
    store.delete_user("a").await.expect("delete");
    assert!(matches!(store.delete_user("a").await, Err(StoreError::NotFound(name)) if name == "a"));
    assert_eq!(store.user("a").await.expect("read"), None);
}

/// A prefix is taken as it is, without wildcards; lists go on after the last name.
pub async fn users_are_listed_by_path(store: &dyn Store) {
    for (name, path) in [("d", "/x/y/"), ("a", "/"), ("c", "/x/"), ("b", "/xx/"), ("e", "/%/")] {
        store.create_user(&user(name, path)).await.expect("create");
    }
    let list = async |prefix: &str, after, limit| {
        let users = store.users(prefix, &page(after, limit)).await.expect("list");
        users.into_iter().map(|user| user.name).collect::<Vec<_>>()
    };
    assert_eq!(list("/", None, 2).await, ["a", "b"]);
    assert_eq!(list("/", Some("b"), 9).await, ["c", "d", "e"]);
    assert_eq!(list("/x/", None, 9).await, ["c", "d"]);
    assert_eq!(list("/%", None, 9).await, ["e"]);
    assert!(list("/y/", None, 9).await.is_empty());
}

/// Keys come with their user, oldest first, within the quota.
pub async fn keys_belong_to_users(store: &dyn Store) {
    let missing = store.create_access_key(&access_key("AKIA1", "a", 1), 2).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "a"));
    store.create_user(&user("a", "/")).await.expect("create");
    store.create_user(&user("b", "/")).await.expect("create");
    let (first, mut second) = (access_key("AKIA2", "a", 1), access_key("AKIA1", "a", 2));
    second.is_active = false;
    store.create_access_key(&second, 2).await.expect("key");
    store.create_access_key(&first, 2).await.expect("key");
    let third = store.create_access_key(&access_key("AKIA3", "a", 3), 2).await;
    assert!(matches!(third, Err(StoreError::LimitExceeded { limit: 2, .. })));
    let taken = store.create_access_key(&access_key("AKIA1", "b", 3), 2).await;
    assert!(matches!(taken, Err(StoreError::AlreadyExists(id)) if id == "AKIA1"));

    assert_eq!(store.access_keys("a").await.expect("list"), [first, second.clone()]);
    assert_eq!(store.access_key("AKIA1").await.expect("read"), Some((second, user("a", "/"))));
    let foreign = store.delete_access_key("b", "AKIA1").await;
    assert!(matches!(foreign, Err(StoreError::NotFound(id)) if id == "AKIA1"));
    store.delete_access_key("a", "AKIA1").await.expect("delete");
    assert_eq!(store.access_key("AKIA1").await.expect("read"), None);
}

/// Policies are replaced by name and answered as they were given.
pub async fn policies_belong_to_users(store: &dyn Store) {
    let missing = store.put_user_policy("a", &policy("p", "{}")).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "a"));
    store.create_user(&user("a", "/")).await.expect("create");
    let text = "{ \"Statement\": [ ] }\n";
    for policy in [policy("q", "old"), policy("p", "{}"), policy("q", text)] {
        store.put_user_policy("a", &policy).await.expect("put");
    }
    assert_eq!(store.user_policies("a").await.expect("list"), [policy("p", "{}"), policy("q", text)]);
    store.delete_user_policy("a", "q").await.expect("delete");
    let gone = store.delete_user_policy("a", "q").await;
    assert!(matches!(gone, Err(StoreError::NotFound(name)) if name == "q"));
    assert_eq!(store.user_policies("a").await.expect("list"), [policy("p", "{}")]);
}
