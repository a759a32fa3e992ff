//! Promises of [`DeliveryStore`](crate::DeliveryStore): nothing is told twice by plan, nothing forgotten.

use longshore_model::notification::Delivery;

use super::fixture::*;
use crate::{Page, Store, StoreError, TimelinePlace};

const ALL: Page = Page { after: None, limit: 100 };

fn delivery(id: &str) -> Delivery {
    Delivery {
        id: id.to_owned(),
        trigger: String::from("team"),
        target: String::from("https://example.com/hook"),
        deployment: Some(deployment_id(1)),
        subject: String::from("a subject"),
        message: String::from("{\"a\":\"\\\"quoted\\\"\"}"),
        at: at(5),
    }
}

fn ids(taken: &[(Delivery, u32)]) -> Vec<&str> {
    taken.iter().map(|(delivery, _)| delivery.id.as_str()).collect()
}

/// Of two who tell the same part of the timeline one is refused, and adds nothing.
pub async fn a_part_of_the_timeline_is_told_once(store: &dyn Store) {
    assert_eq!(store.told().await.expect("read"), TimelinePlace(0));
    let (from, to) = (TimelinePlace(0), TimelinePlace(7));
    store.tell(from, to, &[delivery("a")], at(10)).await.expect("tell");
    assert_eq!(store.told().await.expect("read"), to);
    let again = store.tell(from, to, &[delivery("b")], at(10)).await;
    assert!(matches!(again, Err(StoreError::Stale)), "{again:?}");
    store.tell(to, TimelinePlace(9), &[], at(11)).await.expect("tell");
    let taken = store.take_deliveries(at(10), at(20), 10).await.expect("take");
    assert_eq!(taken, [(delivery("a"), 0)]);
}

/// What one has taken nobody else gets until its time is over; what was taken by its target is gone.
pub async fn a_delivery_is_taken_by_one_at_a_time(store: &dyn Store) {
    store.add_deliveries(&[delivery("a"), delivery("b")], at(10)).await.expect("add");
    store.add_deliveries(&[delivery("c")], at(11)).await.expect("add");
    assert_eq!(store.next_delivery().await.expect("read"), Some(at(10)));
    assert_eq!(ids(&store.take_deliveries(at(9), at(20), 10).await.expect("take")), [""; 0]);
    assert_eq!(ids(&store.take_deliveries(at(11), at(20), 2).await.expect("take")), ["a", "b"]);
    assert_eq!(ids(&store.take_deliveries(at(19), at(40), 10).await.expect("take")), ["c"]);
    store.postpone_deliveries(&[String::from("b")], at(15)).await.expect("postpone");
    assert_eq!(store.next_delivery().await.expect("read"), Some(at(15)));
    assert_eq!(store.take_deliveries(at(15), at(30), 10).await.expect("take"), [(delivery("b"), 0)]);
    store.delivered("a").await.expect("delivered");
    store.not_delivered("c", "no answer", Some(at(30))).await.expect("note");
    assert_eq!(
        store.take_deliveries(at(30), at(60), 10).await.expect("take"),
        [(delivery("b"), 0), (delivery("c"), 1)]
    );
    assert_eq!(store.next_delivery().await.expect("read"), Some(at(60)));
}

/// What nobody tries any more is kept, told about, and may be tried again.
pub async fn dead_deliveries_are_kept_and_revived(store: &dyn Store) {
    for (id, made) in [("b", 10), ("a", 10), ("c", 20)] {
        store.add_deliveries(&[delivery(id)], at(made)).await.expect("add");
        store.not_delivered(id, &format!("{id} refused"), None).await.expect("note");
    }
    assert_eq!(store.next_delivery().await.expect("read"), None);
    let dead = store.dead_deliveries(&ALL).await.expect("list");
    let said: Vec<String> = dead.iter().map(|(_, dead)| dead.error.clone()).collect();
    assert_eq!(said, ["a refused", "b refused", "c refused"]);
    assert_eq!((dead[0].1.attempts, &dead[0].1.delivery), (1, &delivery("a")));
    let after = Some(format!("{:020}/a", dead[0].0.millis()));
    let rest = store.dead_deliveries(&Page { after, limit: 1 }).await.expect("list");
    assert_eq!(rest, dead[1..2]);

    assert_eq!(store.revive_deliveries(Some("a"), at(30)).await.expect("revive"), 1);
    assert_eq!(store.revive_deliveries(Some("a"), at(30)).await.expect("revive"), 0);
    assert_eq!(store.take_deliveries(at(30), at(40), 10).await.expect("take"), [(delivery("a"), 0)]);
    assert_eq!(store.forget_deliveries(at(15)).await.expect("forget"), 1);
    assert_eq!(store.revive_deliveries(None, at(50)).await.expect("revive"), 1);
    assert_eq!(ids(&store.take_deliveries(at(50), at(60), 10).await.expect("take")), ["a", "c"]);
}
