//! Promises of [`GitHubTokenStore`](crate::GitHubTokenStore).

use longshore_model::git_hub::{GitHubSecret, GitHubToken};
use longshore_model::id::GitHubTokenName;

use super::fixture::*;
use crate::{LinkOutcome, Store, StoreError};

fn token_name(name: &str) -> GitHubTokenName {
    GitHubTokenName::parse(name).expect("a valid name")
}

fn secret(text: &str) -> GitHubSecret {
    GitHubSecret::parse(text).expect("a token")
}

async fn put(store: &dyn Store, name: &str, text: &str) -> Result<(), StoreError> {
    let token = GitHubToken { name: token_name(name), secret: secret(text), created_at: at(1) };
    store.put_git_hub_token(&token, 2).await
}

async fn names(store: &dyn Store, after: Option<&str>) -> Vec<String> {
    let names = store.git_hub_tokens(&page(after, 2)).await.expect("list");
    names.iter().map(GitHubTokenName::to_string).collect()
}

/// Names are listed in order by keyset; deleting an unknown one is `NotFound`.
pub async fn tokens_come_and_go(store: &dyn Store) {
    put(store, "b", "t").await.expect("put");
    put(store, "a", "t").await.expect("put");
    assert_eq!(names(store, None).await, ["a", "b"]);
    assert_eq!(names(store, Some("a")).await, ["b"]);
    store.delete_git_hub_token(&token_name("a")).await.expect("delete");
    assert_eq!(names(store, None).await, ["b"]);
    let again = store.delete_git_hub_token(&token_name("a")).await;
    assert!(matches!(again, Err(StoreError::NotFound(name)) if name == "a"));
}

/// The quota is of names: one that is there can be given another secret.
pub async fn the_quota_is_kept(store: &dyn Store) {
    put(store, "a", "t").await.expect("first");
    put(store, "b", "t").await.expect("second");
    let third = put(store, "c", "t").await;
    assert!(matches!(third, Err(StoreError::LimitExceeded { limit: 2, .. })));
    put(store, "a", "u").await.expect("a new secret needs no room");
    assert_eq!(names(store, None).await, ["a", "b"]);
}

/// A link needs both ends, and ends with its token or with its application. Source: service.md §5.1.
pub async fn a_link_lives_as_long_as_its_token(store: &dyn Store) {
    let web = application_name("web");
    store.create_application(&application("web"), NO_LIMIT).await.expect("create");
    put(store, "a", "t").await.expect("put");
    let linked = async || store.application(&web).await.expect("read").expect("it exists").git_hub_token;

    let outcome = store.link_git_hub_token(&application_name("b"), Some(&token_name("a"))).await;
    assert_eq!(outcome.expect("answer"), LinkOutcome::NoSuchApplication);
    let outcome = store.link_git_hub_token(&web, Some(&token_name("web"))).await;
    assert_eq!(outcome.expect("answer"), LinkOutcome::NoSuchToken);
    assert_eq!(linked().await, None);

    for token in [Some(token_name("a")), None, Some(token_name("a"))] {
        let outcome = store.link_git_hub_token(&web, token.as_ref()).await;
        assert_eq!(outcome.expect("answer"), LinkOutcome::Linked);
        assert_eq!(linked().await, token);
    }
    store.delete_git_hub_token(&token_name("a")).await.expect("delete");
    assert_eq!(linked().await, None);
    put(store, "a", "t").await.expect("put");
    assert_eq!(linked().await, None, "another token of the name is not the one that was linked");
}

/// The secret is the present one of the application that the group belongs to.
pub async fn the_secret_is_found_by_group(store: &dyn Store) {
    let group = add_group(store, "web", "g").await;
    let other = add_group(store, "other", "g").await;
    put(store, "a", "first").await.expect("put");
    assert_eq!(store.git_hub_secret(&group.id).await.expect("read"), None);
    let token = token_name("a");
    store.link_git_hub_token(&group.application, Some(&token)).await.expect("link");
    assert_eq!(store.git_hub_secret(&group.id).await.expect("read"), Some(secret("first")));
    assert_eq!(store.git_hub_secret(&other.id).await.expect("read"), None);

    put(store, "a", "second").await.expect("put");
    store.rename_application(&group.application, &application_name("site")).await.expect("rename");
    assert_eq!(store.git_hub_secret(&group.id).await.expect("read"), Some(secret("second")));
    store.delete_application(&application_name("site")).await.expect("delete");
    assert_eq!(store.git_hub_secret(&group.id).await.expect("read"), None);
}
