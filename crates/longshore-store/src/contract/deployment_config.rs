//! Promises of [`DeploymentConfigStore`](crate::DeploymentConfigStore).

use longshore_model::deployment_config::{DeploymentConfig, MinimumHealthyHosts};
use longshore_model::id::DeploymentConfigName;

use super::fixture::*;
use crate::{Store, StoreError};

fn config(name: &str) -> DeploymentConfig {
    DeploymentConfig {
        id: format!("id-of-{name}"),
        name: config_name(name),
        minimum_healthy_hosts: MinimumHealthyHosts::FleetPercent(75),
        zonal: None,
        created_at: at(3),
    }
}

/// Configs are added once, within the quota, listed in order, and deleted for good.
pub async fn configs_come_and_go(store: &dyn Store) {
    for name in ["b", "a", "C"] {
        store.create_deployment_config(&config(name), 3).await.expect("create");
    }
    let again = store.create_deployment_config(&config("a"), 3).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists(name)) if name == "a"));
    let fourth = store.create_deployment_config(&config("d"), 3).await;
    assert!(matches!(fourth, Err(StoreError::LimitExceeded { limit: 3, .. })));
    assert_eq!(store.deployment_config(&config_name("a")).await.expect("read"), Some(config("a")));

    assert_eq!(names(store, None).await, ["C", "a"]);
    assert_eq!(names(store, Some("a")).await, ["b"]);
    store.delete_deployment_config(&config_name("a")).await.expect("delete");
    store.delete_deployment_config(&config_name("a")).await.expect("an unknown name is no error");
    assert_eq!(store.deployment_config(&config_name("a")).await.expect("read"), None);
    assert_eq!(names(store, None).await, ["C", "b"]);
}

async fn names(store: &dyn Store, after: Option<&str>) -> Vec<String> {
    let names = store.deployment_configs(&page(after, 2)).await.expect("list");
    names.iter().map(DeploymentConfigName::to_string).collect()
}

/// A group's config, or one of an unfinished deployment, cannot be deleted.
pub async fn a_config_in_use_stays(store: &dyn Store) {
    store.create_deployment_config(&config("mine"), NO_LIMIT).await.expect("create");
    let before = add_group(store, "a", "g").await;
    let mut group = before.clone();
    group.config = config_name("mine");
    store.update_deployment_group(&before, &group).await.expect("use it");
    let used = store.delete_deployment_config(&config_name("mine")).await;
    assert!(matches!(used, Err(StoreError::InUse(by)) if by == "g"));

    let deployment = add_deployment(store, 1, &group, at(10)).await;
    let before = group.clone();
    group.config = config_name("CodeDeployDefault.AllAtOnce");
    store.update_deployment_group(&before, &group).await.expect("use another");
    let used = store.delete_deployment_config(&config_name("mine")).await;
    assert!(matches!(used, Err(StoreError::InUse(by)) if by == deployment.id.as_str()));

    commit(store, &outcome(&succeeded(&deployment))).await;
    store.delete_deployment_config(&config_name("mine")).await.expect("nobody uses it any more");
}
