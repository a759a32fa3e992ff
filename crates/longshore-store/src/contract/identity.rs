//! Promises of [`IdentityStore`](crate::IdentityStore).

use std::time::Duration;

use super::fixture::*;
use crate::{AccessKey, Group, InlinePolicy, PolicyHolder, Role, Session, Store, StoreError, User};

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

fn group(name: &str) -> Group {
    Group {
        name: name.to_owned(),
        path: String::from("/"),
        id: format!("AGPA{name}"),
        arn: format!("arn:aws:iam::1:group/{name}"),
        created_at: at(1),
    }
}

fn role(name: &str) -> Role {
    Role {
        name: name.to_owned(),
        path: String::from("/"),
        id: format!("AROA{name}"),
        arn: format!("arn:aws:iam::1:role/{name}"),
        trust_policy: String::from("{}"),
        description: Some(String::from("deploys")),
        max_session: Duration::from_secs(3600),
        created_at: at(1),
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
    store.put_policy(&PolicyHolder::User(String::from("a")), &policy("p", "{}")).await.expect("policy");
    assert!(matches!(store.delete_user("a").await, Err(StoreError::InUse(_))));
    store.delete_policy(&PolicyHolder::User(String::from("a")), "p").await.expect("delete policy");
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

/// Policies are replaced by name and answered as they were given; each holder has its own.
pub async fn policies_belong_to_their_holders(store: &dyn Store) {
    let name = || String::from("a");
    let holders = [PolicyHolder::User(name()), PolicyHolder::Group(name()), PolicyHolder::Role(name())];
    for holder in &holders {
        let missing = store.put_policy(holder, &policy("p", "{}")).await;
        assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "a"));
    }
    store.create_user(&user("a", "/")).await.expect("create");
    store.create_group(&group("a")).await.expect("create");
    store.create_role(&role("a")).await.expect("create");
    let text = "{ \"Statement\": [ ] }\n";
    for holder in &holders {
        assert_eq!(store.policies(holder).await.expect("list"), []);
        for policy in [policy("q", "old"), policy("p", "{}"), policy("q", text)] {
            store.put_policy(holder, &policy).await.expect("put");
        }
        assert_eq!(store.policies(holder).await.expect("list"), [policy("p", "{}"), policy("q", text)]);
        store.delete_policy(holder, "q").await.expect("delete");
        let gone = store.delete_policy(holder, "q").await;
        assert!(matches!(gone, Err(StoreError::NotFound(name)) if name == "q"));
        assert_eq!(store.policies(holder).await.expect("list"), [policy("p", "{}")]);
    }
    assert!(matches!(store.delete_group("a").await, Err(StoreError::InUse(_))));
    assert!(matches!(store.delete_role("a").await, Err(StoreError::InUse(_))));
}

/// A group's policies count for its members, and for nobody else.
pub async fn groups_have_members(store: &dyn Store) {
    store.create_group(&group("dev")).await.expect("create");
    let again = store.create_group(&group("dev")).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists(name)) if name == "dev"));
    let missing = store.add_group_member("dev", "a", 2).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "a"));
    for name in ["a", "b"] {
        store.create_user(&user(name, "/")).await.expect("create");
        store.add_group_member("dev", name, 2).await.expect("add");
        store.add_group_member("dev", name, 2).await.expect("add again");
    }
    let missing = store.add_group_member("ops", "a", 2).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "ops"));
    for name in ["ops", "third"] {
        store.create_group(&group(name)).await.expect("create");
    }
    store.add_group_member("ops", "a", 2).await.expect("add");
    let too_many = store.add_group_member("third", "a", 2).await;
    assert!(matches!(too_many, Err(StoreError::LimitExceeded { limit: 2, .. })));

    let members = store.group_members("dev", &page(None, 9)).await.expect("list");
    assert_eq!(members, [user("a", "/"), user("b", "/")]);
    assert_eq!(store.group_members("dev", &page(Some("a"), 9)).await.expect("list"), [user("b", "/")]);
    assert_eq!(store.groups_of_user("a").await.expect("list"), [group("dev"), group("ops")]);
    assert_eq!(store.groups("/", &page(Some("dev"), 1)).await.expect("list"), [group("ops")]);

    store.put_policy(&PolicyHolder::Group(String::from("dev")), &policy("g", "{1}")).await.expect("put");
    store.put_policy(&PolicyHolder::User(String::from("a")), &policy("u", "{2}")).await.expect("put");
    let effective = async |user| {
        let mut policies = store.effective_policies(user).await.expect("list");
        policies.sort_by(|left, right| left.name.cmp(&right.name));
        policies
    };
    assert_eq!(effective("a").await, [policy("g", "{1}"), policy("u", "{2}")]);
    assert_eq!(effective("b").await, [policy("g", "{1}")]);
    assert!(matches!(store.delete_user("b").await, Err(StoreError::InUse(_))));
    store.remove_group_member("dev", "b").await.expect("remove");
    store.remove_group_member("dev", "b").await.expect("remove again");
    assert_eq!(effective("b").await, []);
    store.delete_user("b").await.expect("delete");
    assert!(matches!(store.delete_group("ops").await, Err(StoreError::InUse(_))));
    store.delete_group("third").await.expect("delete");
    assert!(matches!(store.delete_group("third").await, Err(StoreError::NotFound(_))));
}

/// A session is found by its key until it is old, and ends with its role.
pub async fn roles_have_sessions(store: &dyn Store) {
    let session = |key: &str, ends_at: i64| Session {
        access_key_id: key.to_owned(),
        secret: String::from("secret"),
        token_sha256: String::from("00ff"),
        role: String::from("deploy"),
        name: String::from("s"),
        policy: Some(String::from("{}")),
        created_at: at(1),
        expires_at: at(ends_at),
    };
    let missing = store.create_session(&session("ASIA1", 10), at(0)).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "deploy"));
    store.create_role(&role("deploy")).await.expect("create");
    let again = store.create_role(&role("deploy")).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists(name)) if name == "deploy"));
    assert_eq!(store.role("deploy").await.expect("read"), Some(role("deploy")));
    assert_eq!(store.roles("/", &page(None, 9)).await.expect("list"), [role("deploy")]);
    store.set_trust_policy("deploy", "{3}").await.expect("set");
    let trusting = Role { trust_policy: String::from("{3}"), ..role("deploy") };
    assert!(matches!(store.set_trust_policy("nope", "{}").await, Err(StoreError::NotFound(_))));

    store.create_session(&session("ASIA1", 10), at(0)).await.expect("begin");
    store.create_session(&session("ASIA2", 20), at(10)).await.expect("begin");
    let found = store.session("ASIA1").await.expect("read");
    assert_eq!(found, Some((session("ASIA1", 10), trusting)));
    store.create_session(&session("ASIA3", 30), at(11)).await.expect("begin");
    assert_eq!(store.session("ASIA1").await.expect("read"), None);
    store.delete_role("deploy").await.expect("delete");
    assert_eq!(store.session("ASIA3").await.expect("read"), None);
    assert!(matches!(store.delete_role("deploy").await, Err(StoreError::NotFound(_))));
}

/// A key can be switched off and on.
pub async fn a_key_can_be_switched_off(store: &dyn Store) {
    store.create_user(&user("a", "/")).await.expect("create");
    store.create_access_key(&access_key("AKIA1", "a", 1), 2).await.expect("key");
    for is_active in [false, true] {
        store.set_access_key_active("a", "AKIA1", is_active).await.expect("set");
        let key = store.access_key("AKIA1").await.expect("read").map(|(key, _)| key.is_active);
        assert_eq!(key, Some(is_active));
    }
    let foreign = store.set_access_key_active("b", "AKIA1", false).await;
    assert!(matches!(foreign, Err(StoreError::NotFound(id)) if id == "AKIA1"));
}
