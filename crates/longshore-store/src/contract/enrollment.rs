//! Promises of [`EnrollmentStore`](crate::EnrollmentStore).

use longshore_model::enrollment::{EnrollmentToken, TokenState};
use longshore_model::host::Host;
use longshore_model::id::EnrollmentTokenId;
use longshore_model::time::Timestamp;

use super::fixture::*;
use crate::{
    AccessKey, EnrollOutcome, InlinePolicy, NewEnrollment, PolicyHolder, Store, StoreError, StoredToken, User,
};

fn id(number: u32) -> EnrollmentTokenId {
    EnrollmentTokenId::parse(&format!("LSET{number:016}")).expect("a valid id")
}

/// A token that ends at 1000.
fn token(number: u32, max_uses: u32) -> StoredToken {
    let token = EnrollmentToken {
        id: id(number),
        created_at: at(0),
        created_by: principal("operator"),
        expires_at: at(1000),
        max_uses,
        n_uses: 0,
        revoked_at: None,
        tags: vec![tag("role", "web"), tag("role", "old")],
    };
    StoredToken { token, secret: format!("secret of {number}") }
}

/// A request of a machine that wants to be `host`; `draw` tells its key from others'.
fn request(number: u32, request_id: &str, host: &str, draw: u32) -> NewEnrollment {
    let user = User {
        name: host.to_owned(),
        path: String::from("/AWS/CodeDeploy/"),
        id: format!("AIDA{host}"),
        arn: principal(host),
        created_at: at(1),
    };
    NewEnrollment {
        token: id(number),
        request_id: request_id.to_owned(),
        host: super::fixture::host(host),
        key: AccessKey {
            id: format!("AKIA{host}{draw}"),
            secret: format!("secret {draw}"),
            user: host.to_owned(),
            is_active: true,
            created_at: at(1),
        },
        user,
        policy: InlinePolicy { name: String::from("p"), document: String::from("{}") },
    }
}

async fn add(store: &dyn Store, token: &StoredToken) {
    store.create_enrollment_token(token, at(-1000)).await.expect("add a token");
}

async fn enroll(store: &dyn Store, request: &NewEnrollment, now: Timestamp) -> EnrollOutcome {
    store.enroll(request, now).await.expect("an outcome")
}

async fn n_uses(store: &dyn Store, number: u32) -> u32 {
    store.enrollment_token(&id(number)).await.expect("read").expect("it exists").token.n_uses
}

/// Ids are unique; revoking is noted once; what ended long ago is forgotten.
pub async fn tokens_come_and_go(store: &dyn Store) {
    for number in [2, 1, 3] {
        add(store, &token(number, 1)).await;
    }
    let again = store.create_enrollment_token(&token(1, 5), at(0)).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists(taken)) if taken == id(1).as_str()));
    assert_eq!(store.enrollment_token(&id(1)).await.expect("read"), Some(token(1, 1)));
    assert_eq!(store.enrollment_token(&id(9)).await.expect("read"), None);

    let revoked = store.revoke_enrollment_token(&id(2), at(5)).await.expect("revoke");
    assert_eq!(revoked.revoked_at, Some(at(5)));
    let again = store.revoke_enrollment_token(&id(2), at(6)).await.expect("revoke again");
    assert_eq!(again, revoked);
    let missing = store.revoke_enrollment_token(&id(9), at(5)).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == id(9).as_str()));

    let list = async |after: Option<&str>, limit| {
        let tokens = store.enrollment_tokens(&page(after, limit)).await.expect("list");
        tokens.into_iter().map(|token| token.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, 2).await, [id(1), id(2)]);
    assert_eq!(list(Some(id(2).as_str()), 9).await, [id(3)]);

    store.create_enrollment_token(&token(4, 1), at(1000)).await.expect("add");
    assert_eq!(list(None, 9).await.len(), 4, "those that ended then are kept");
    enroll(store, &request(3, "r", "a", 0), at(2)).await;
    let mut late = token(5, 1);
    late.token.expires_at = at(9000);
    store.create_enrollment_token(&late, at(1001)).await.expect("add");
    assert_eq!(list(None, 9).await, [id(5)]);
    assert!(store.host(&host_name("a")).await.expect("read").is_some(), "hosts outlive their token");
}

/// User, key, policy, registration and tags are there together, and the use is counted.
pub async fn a_host_is_made_whole(store: &dyn Store) {
    add(store, &token(1, 2)).await;
    let new = request(1, "r", "a", 0);
    let EnrollOutcome::Enrolled(made) = enroll(store, &new, at(2)).await else { panic!("not enrolled") };
    assert_eq!((&made.host_arn, &made.principal, &made.key), (&new.host.arn, &new.user.arn, &new.key));

    let host = Host { tags: token(1, 2).token.tags, ..new.host.clone() };
    assert_eq!(store.host_by_principal(&principal("a")).await.expect("read"), Some(host));
    assert_eq!(store.access_key(&new.key.id).await.expect("read"), Some((new.key, new.user)));
    assert_eq!(store.policies(&PolicyHolder::User(String::from("a"))).await.expect("list"), [new.policy]);
    assert_eq!(n_uses(store, 1).await, 1);
    let unknown = store.enroll(&request(9, "r", "b", 0), at(2)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound(name)) if name == id(9).as_str()));
}

/// The same request for the same host is answered again and not counted, until the token ends or what
/// it made is gone.
pub async fn a_lost_answer_is_given_again(store: &dyn Store) {
    add(store, &token(1, 1)).await;
    let first = enroll(store, &request(1, "r", "a", 0), at(2)).await;
    assert_eq!(enroll(store, &request(1, "r", "a", 1), at(3)).await, first);
    assert_eq!(n_uses(store, 1).await, 1);
    let used_up = EnrollOutcome::Refused(TokenState::UsedUp);
    assert_eq!(enroll(store, &request(1, "other", "a", 1), at(3)).await, used_up);
    assert_eq!(enroll(store, &request(1, "r", "b", 1), at(3)).await, used_up);
    assert_eq!(enroll(store, &request(1, "r", "a", 1), at(1000)).await, used_up, "not for ever");

    store.deregister_host(&host_name("a"), at(4), at(0)).await.expect("deregister");
    assert_eq!(enroll(store, &request(1, "r", "a", 1), at(5)).await, used_up, "it is gone");
}

/// Used up, expired, revoked: each makes nothing.
pub async fn a_spent_token_makes_nothing(store: &dyn Store) {
    for number in 1..=3 {
        add(store, &token(number, 1)).await;
    }
    enroll(store, &request(1, "r", "a", 0), at(2)).await;
    store.revoke_enrollment_token(&id(2), at(2)).await.expect("revoke");
    for (number, now, state) in
        [(1, 3, TokenState::UsedUp), (2, 3, TokenState::Revoked), (3, 1000, TokenState::Expired)]
    {
        let outcome = enroll(store, &request(number, "new", "b", 0), at(now)).await;
        assert_eq!(outcome, EnrollOutcome::Refused(state));
    }
    assert_eq!(store.user("b").await.expect("read"), None);
    assert_eq!(store.host(&host_name("b")).await.expect("read"), None);
}

/// A name that is in use costs nothing; a tombstone does not keep its name.
pub async fn a_taken_name_counts_no_use(store: &dyn Store) {
    add(store, &token(1, 9)).await;
    store.register_host(&super::fixture::host("a")).await.expect("register");
    assert_eq!(enroll(store, &request(1, "r", "a", 0), at(2)).await, EnrollOutcome::HostNameTaken);
    assert_eq!(store.user("a").await.expect("read"), None);
    store.deregister_host(&host_name("a"), at(3), at(0)).await.expect("deregister");
    store.create_user(&request(1, "r", "a", 0).user).await.expect("a user");
    assert_eq!(enroll(store, &request(1, "r", "a", 0), at(4)).await, EnrollOutcome::UserNameTaken);
    assert_eq!(n_uses(store, 1).await, 0);
    store.delete_user("a").await.expect("delete");
    let made = enroll(store, &request(1, "r", "a", 0), at(5)).await;
    assert!(matches!(made, EnrollOutcome::Enrolled(_)));

    let mut same_key = request(1, "r", "b", 0);
    same_key.key.id = request(1, "r", "a", 0).key.id;
    let taken = store.enroll(&same_key, at(6)).await;
    assert!(matches!(taken, Err(StoreError::AlreadyExists(id)) if id == same_key.key.id));
    assert_eq!(store.user("b").await.expect("read"), None, "all of it or nothing");
    assert_eq!(n_uses(store, 1).await, 1);
}

/// Many machines at once: exactly as many become hosts as the token is for.
pub async fn a_token_is_never_used_more_often_than_it_may(store: &dyn Store) {
    add(store, &token(1, 5)).await;
    let requests: Vec<NewEnrollment> =
        (0..20).map(|number| request(1, "r", &format!("h{number}"), number)).collect();
    let outcomes =
        futures::future::join_all(requests.iter().map(|request| store.enroll(request, at(2)))).await;
    let n_enrolled =
        outcomes.iter().filter(|outcome| matches!(outcome, Ok(EnrollOutcome::Enrolled(_)))).count();
    assert_eq!(n_enrolled, 5);
    assert_eq!(n_uses(store, 1).await, 5);
    assert_eq!(store.users("/", &whole()).await.expect("list").len(), 5);
}
