//! The queue of one server's writes: two servers' writes at the same time follow each other in either order.

use futures::future::join_all;
use longshore_model::target::{NoChange, TargetState};

use super::fixture::*;
use super::target::{acknowledged, apply, read};
use crate::Store;

/// Events that are queued together for one target see each other, in the order of the queue.
pub async fn events_take_effect_in_order(store: &dyn Store) {
    let deployment = add_running_deployment(store, 2).await;
    let steps = [
        (acknowledged(0), Ok(())),
        (report(0, true), Ok(())),
        (report(0, true), Err(NoChange::AlreadyReported)),
        (acknowledged(1), Ok(())),
        (acknowledged(1), Err(NoChange::AlreadyAcknowledged)),
        (report(1, false), Ok(())),
        (acknowledged(2), Err(NoChange::NotCurrent)),
    ];
    let applies = steps.iter().map(|(event, _)| apply(store, &deployment, "h0", event.clone(), at(200)));
    let answers = join_all(applies).await;
    let changes: Vec<Result<(), NoChange>> = answers.iter().map(|applied| applied.change).collect();
    assert_eq!(changes, steps.iter().map(|(_, change)| *change).collect::<Vec<_>>());
    assert_eq!(read(store, &deployment, "h0").await, answers[steps.len() - 1].target);
    assert_eq!(read(store, &deployment, "h0").await.state, TargetState::Failed);
}
