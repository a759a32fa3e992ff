//! Promises of [`AuditStore`](crate::AuditStore).

use std::collections::BTreeMap;

use longshore_model::audit::AuditEvent;

use super::fixture::*;
use crate::{AuditFilter, Store};

fn event(millis: i64, principal: &str, operation: &str) -> AuditEvent {
    AuditEvent {
        event_time: at(millis),
        request_id: format!("r{millis}"),
        principal: format!("arn:aws:iam::1:user/team/{principal}"),
        access_key_id: String::from("AKIA1"),
        source_ip: String::from("::1"),
        user_agent: None,
        service: String::from("codedeploy"),
        operation: operation.to_owned(),
        resources: vec![String::from("*")],
        outcome: String::from("ok"),
        parameters: BTreeMap::from([(String::from("applicationName"), String::from("web"))]),
    }
}

async fn listed(store: &dyn Store, filter: &AuditFilter, after: Option<&str>, limit: usize) -> Vec<String> {
    let found = store.audit_events(filter, &page(after, limit)).await.expect("list");
    found.into_iter().map(|(_, event)| event.request_id).collect()
}

/// Events come back as they were, in their order, by keyset and by filter.
pub async fn events_are_listed_in_order(store: &dyn Store) {
    let all =
        [event(5, "ann", "StopDeployment"), event(5, "joann", "CreateUser"), event(9, "ann", "CreateUser")];
    for event in &all {
        store.add_audit_event(event, at(0)).await.expect("add");
    }
    let anything = AuditFilter::default();
    let found = store.audit_events(&anything, &page(None, 9)).await.expect("list");
    assert!(found.iter().map(|(_, event)| event).eq(&all));
    let (first, _) = &found[0];
    assert_eq!(listed(store, &anything, Some(first), 1).await, ["r5"]);
    assert_eq!(listed(store, &anything, Some(&found[1].0), 9).await, ["r9"]);
    let by = |principal: &str| AuditFilter { principal: Some(principal.to_owned()), ..anything.clone() };
    assert_eq!(listed(store, &by("ann"), None, 9).await, ["r5", "r9"]);
    assert_eq!(listed(store, &by("team/ann"), None, 9).await.len(), 2);
    assert_eq!(listed(store, &by("arn:aws:iam::1:user/team/joann"), None, 9).await, ["r5"]);
    assert!(listed(store, &by("%"), None, 9).await.is_empty());
    let of = AuditFilter { operation: Some(String::from("CreateUser")), ..anything.clone() };
    assert_eq!(listed(store, &of, None, 9).await, ["r5", "r9"]);
    let between = AuditFilter { since: Some(at(6)), until: Some(at(9)), ..anything.clone() };
    assert!(listed(store, &between, None, 9).await.is_empty());
    let between = AuditFilter { since: Some(at(9)), until: Some(at(10)), ..anything.clone() };
    assert_eq!(listed(store, &between, None, 9).await, ["r9"]);
}

/// What is old goes, a little with each event, and no key is given twice.
pub async fn old_events_are_forgotten(store: &dyn Store) {
    for millis in 0..60 {
        store.add_audit_event(&event(millis, "ann", "CreateUser"), at(0)).await.expect("add");
    }
    let anything = AuditFilter::default();
    for _ in 0..3 {
        store.add_audit_event(&event(100, "ann", "CreateUser"), at(60)).await.expect("add");
    }
    let left = store.audit_events(&anything, &page(None, 99)).await.expect("list");
    assert_eq!(left.len(), 3);
    let (last, _) = left.last().expect("three").clone();
    store.add_audit_event(&event(200, "ann", "CreateUser"), at(101)).await.expect("add");
    assert_eq!(listed(store, &anything, None, 9).await, ["r200"]);
    assert_eq!(listed(store, &anything, Some(&last), 9).await, ["r200"]);
}

/// The end is another one after each event, also when old ones are forgotten.
pub async fn every_event_moves_the_end(store: &dyn Store) {
    let mut ends = vec![store.audit_end().await.expect("read")];
    for millis in 1..=3 {
        store.add_audit_event(&event(millis, "ann", "CreateUser"), at(millis)).await.expect("add");
        ends.push(store.audit_end().await.expect("read"));
        assert_eq!(store.audit_end().await.expect("read"), ends[ends.len() - 1], "it stays without one");
    }
    assert!(ends.is_sorted_by(|a, b| a < b), "{ends:?}");
}
