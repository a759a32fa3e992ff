//! Promises of [`TimelineStore`](crate::TimelineStore): what is written is told, in its order.

use longshore_model::lifecycle::CommandCopy;
use longshore_model::target::{Clocks, TargetEvent};
use longshore_model::timeline;

use super::fixture::*;
use crate::{Page, Store, TimelinePlace};

const ALL: Page = Page { after: None, limit: 100 };

async fn said(store: &dyn Store, number: u32) -> Vec<String> {
    let entries = store.timeline(&deployment_id(number), &ALL).await.expect("read");
    entries
        .into_iter()
        .map(|(_, entry)| match entry.host {
            Some(host) => format!("{host} {}", entry.what),
            None => entry.what.to_string(),
        })
        .collect()
}

/// Creation, rounds and events of single targets each add what they changed; the end comes last.
/// Source: service.md §5.1.
pub async fn every_change_is_on_the_timeline(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    let created = add_deployment(store, 1, &group, at(10)).await;
    let running = started(&created);
    let mut begin = outcome(&running);
    begin.new_targets = (0..3).map(|position| new_target(&running, position)).collect();
    begin.target_events = vec![(0, TargetEvent::Started)];
    begin.timeline = timeline::of_deployment(&created, &running, at(100));
    commit(store, &begin).await;
    let (h0, clocks) = (key(&running, "h0"), Clocks::default());
    let principal = new_target(&running, 0).principal;
    let events = [
        TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) },
        TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) },
        report(0, true),
        TargetEvent::Acknowledged { event_idx: 1, copy: CommandCopy(1) },
        report(1, false),
    ];
    for event in events {
        store.apply(&h0, &principal, event, &clocks, at(200)).await.expect("apply");
    }
    let ended = succeeded(&running);
    let mut end = outcome(&ended);
    end.target_events = vec![(1, TargetEvent::Skipped), (2, TargetEvent::Skipped)];
    end.timeline = timeline::of_deployment(&running, &ended, at(300));
    commit(store, &end).await;
    let expected = [
        "Created",
        "InProgress",
        "h0 InProgress",
        "h0 Failed in DownloadBundle: a message",
        "h1 Skipped",
        "h2 Skipped",
        "Succeeded",
    ];
    let said = said(store, 1).await;
    let same = |(said, expected): (&String, &&str)| {
        said == expected
            || (expected.contains("Failed in") && said.starts_with("h0 Failed in DownloadBundle: "))
    };
    assert!(said.len() == expected.len() && said.iter().zip(&expected).all(same), "{said:?}");
}

/// The host whose turn is next is named.
pub async fn who_waits_is_named(store: &dyn Store) {
    let group = add_group(store, "a", "g").await;
    let deployment = started(&add_deployment(store, 1, &group, at(10)).await);
    let mut begin = outcome(&deployment);
    begin.new_targets = (0..3).map(|position| new_target(&deployment, position)).collect();
    commit(store, &begin).await;
    let targets = store.snapshot(&deployment.id).await.expect("read").expect("it exists").targets;
    let steps = [longshore_model::plan::Step::Target { position: 0, event: TargetEvent::Started }];
    let mut round = outcome(&deployment);
    round.timeline = timeline::decisions(&deployment, &targets, &steps, at(100));
    commit(store, &round).await;
    let entries = store.timeline(&deployment.id, &ALL).await.expect("read");
    let last = entries.last().and_then(|(_, entry)| entry.host.as_ref().map(ToString::to_string));
    assert_eq!(last.as_deref(), Some("h1"), "{entries:?}");
}

/// Of all deployments in one order, from any place on; pages of one deployment go on where they ended.
pub async fn timelines_are_read_from_any_place(store: &dyn Store) {
    assert_eq!(store.timeline_end().await.expect("read"), TimelinePlace(0));
    let one = add_group(store, "a", "g").await;
    let two = add_group(store, "a", "h").await;
    add_deployment(store, 1, &one, at(10)).await;
    let middle = store.timeline_end().await.expect("read");
    add_deployment(store, 2, &two, at(20)).await;
    let all = store.timeline_after(TimelinePlace(0), 100).await.expect("read");
    let ids: Vec<_> = all.iter().map(|(_, entry)| entry.deployment.clone()).collect();
    assert_eq!(ids, [deployment_id(1), deployment_id(2)]);
    assert_eq!(store.timeline_after(middle, 100).await.expect("read"), all[1..]);
    assert_eq!(store.timeline_after(TimelinePlace(0), 1).await.expect("read"), all[..1]);
    let end = store.timeline_end().await.expect("read");
    assert_eq!(Some(end), all.last().map(|(place, _)| *place));
    assert_eq!(store.timeline_after(end, 100).await.expect("read"), []);

    let first = store.timeline(&deployment_id(1), &Page { after: None, limit: 1 }).await.expect("read");
    let after = first.first().map(|(key, _)| key.clone());
    let rest = store.timeline(&deployment_id(1), &Page { after, limit: 1 }).await.expect("read");
    assert_eq!((first.len(), rest), (1, Vec::new()));
    assert_eq!(first[0].1.what, timeline::created(&deployment(1, &one, at(10))).what);
    assert_eq!(first[0].1.at, at(10));
}
