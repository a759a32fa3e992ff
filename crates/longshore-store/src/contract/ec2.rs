//! Promises of [`Ec2Store`](crate::Ec2Store).

use longshore_model::fixture::ec2_instance;
use longshore_model::host::ec2::{Ec2Instance, Ec2State};

use super::fixture::*;
use crate::{Page, Store};

const A: &str = "i-0000000a";
const B: &str = "i-0000000b";
const C: &str = "i-0123456789abcdef0";

/// What is put again replaces what was there, and what is deleted is gone.
pub async fn instances_come_and_go(store: &dyn Store) {
    let first = ec2_instance(A, "us-east-1a");
    assert_eq!(store.ec2_instance(&first.id).await.expect("read"), None);
    store.put_ec2_instance(&first).await.expect("put");
    assert_eq!(store.ec2_instance(&first.id).await.expect("read"), Some(first.clone()));

    let second = Ec2Instance {
        state: Ec2State::Stopped,
        tags: vec![tag("k \"quoted\"", "\u{1F680}")],
        auto_scaling_group: Some(String::from("web")),
        launch_template: Some(String::from("lt-1")),
        put_at: at(9),
        ..ec2_instance(A, "us-east-1b")
    };
    store.put_ec2_instance(&second).await.expect("put");
    assert_eq!(store.ec2_instance(&first.id).await.expect("read"), Some(second));

    store.delete_ec2_instance(&first.id).await.expect("delete");
    assert_eq!(store.ec2_instance(&first.id).await.expect("read"), None);
    store.delete_ec2_instance(&first.id).await.expect("an unknown id is no error");
}

/// In order of id, and a page goes on after the last one seen.
pub async fn instances_are_listed_in_order_by_keyset(store: &dyn Store) {
    for id in [C, A, B] {
        store.put_ec2_instance(&ec2_instance(id, "us-east-1a")).await.expect("put");
    }
    let first = store.ec2_instances(&Page { after: None, limit: 2 }).await.expect("list");
    assert_eq!(ids(&first), [A, B]);
    let rest = store.ec2_instances(&Page { after: Some(String::from(B)), limit: 2 }).await.expect("list");
    assert_eq!(ids(&rest), [C]);
}

/// Tags select instances, unless they are terminated or about to be; hosts of either kind are never
/// selected as the other.
pub async fn tags_select_instances(store: &dyn Store) {
    for (id, state) in [(C, Ec2State::Running), (B, Ec2State::Stopped), (A, Ec2State::Terminated)] {
        let instance = Ec2Instance { state, ..ec2_instance(id, "us-east-1a") };
        store.put_ec2_instance(&instance).await.expect("put");
    }
    store.register_host(&host("h")).await.expect("register");
    store.add_host_tags(&[host_name("h")], &[tag("role", "web")], 10).await.expect("tag");

    let web = selector("role", "web");
    assert_eq!(ids(&store.select_ec2_instances(&web).await.expect("select")), [B, C]);
    let on_premises = store.select_hosts(&web).await.expect("select");
    assert_eq!(on_premises.iter().map(|host| host.name.as_str()).collect::<Vec<_>>(), ["h"]);
    assert!(store.select_ec2_instances(&selector("role", "db")).await.expect("select").is_empty());
    let nothing = longshore_model::tag_filter::TagSelector::default();
    assert!(store.select_ec2_instances(&nothing).await.expect("select").is_empty());
}

fn ids(instances: &[Ec2Instance]) -> Vec<&str> {
    instances.iter().map(|instance| instance.id.as_str()).collect()
}
