//! One round of a deployment: all that it decided is written together, or nothing of it.

use std::collections::BTreeMap;

use longshore_model::deployment::Deployment;
use longshore_model::deployment_group::GroupHistory;
use longshore_model::host::HostHealth;
use longshore_model::id::{DeploymentGroupId, HostArn};
use longshore_model::target::{Clocks, Target, TargetRules};
use longshore_model::time::Timestamp;
use longshore_model::timeline::of_target;

use super::deployment::{create, is_stopping};
use super::history;
use super::row::{Doing as _, encode};
use super::target::{self, StoredTarget, target_columns};
use super::timeline;
use super::{Connection, dialect, json_rows, json_texts};
use crate::{FollowUp, Generation, News, RoundOutcome, StoreError};

/// Writes the round and answers the targets that it made or changed, in scheduling order.
pub(super) async fn commit(
    conn: &mut Connection,
    seen: Generation,
    outcome: &RoundOutcome,
    clocks: &Clocks,
    now: Timestamp,
) -> Result<Vec<Target>, StoreError> {
    let deployment = &outcome.deployment;
    if let Some(places) = &outcome.places {
        // Whoever else begins has been waited for: of two for one place one goes, and the other sees it.
        let load = history::load(conn).await?;
        if !places.have_room(load, usize::try_from(deployment.n_hosts).unwrap_or(usize::MAX)) {
            return Err(StoreError::Stale);
        }
    }
    replace_deployment(conn, seen, deployment).await?;
    target::insert_all(conn, &deployment.id, &outcome.new_targets).await?;
    let changed = apply_events(conn, outcome, clocks, now).await?;
    if let Some(history) = &outcome.group_history {
        replace_history(conn, &deployment.group_id, history).await?;
    }
    put_host_health(conn, &deployment.group_id, &outcome.host_health).await?;
    if let Some(follow_up) = &outcome.follow_up {
        make_follow_up(conn, follow_up).await?;
    }

    let mut touched: BTreeMap<u32, Target> =
        outcome.new_targets.iter().map(|target| (target.position, target.clone())).collect();
    touched.extend(changed.into_iter().map(|stored| (stored.target.position, stored.target)));
    let mut news = target::news(touched.values());
    news.insert(News::Deployment(deployment.id.clone()));
    dialect::tell(conn, &news).await.doing("tell other servers of a round")?;
    Ok(touched.into_values().collect())
}

async fn replace_deployment(
    conn: &mut Connection,
    seen: Generation,
    deployment: &Deployment,
) -> Result<(), StoreError> {
    let done = sqlx::query(
        "UPDATE deployments SET generation = generation + 1, status = $3, is_final = $4, is_stopping = $5,
             ignores_stop_failures = $6, document = $7
         WHERE id = $1 AND generation = $2",
    )
    .bind(deployment.id.as_str())
    .bind(seen.0)
    .bind(deployment.status.as_str())
    .bind(i64::from(deployment.status.is_final()))
    .bind(i64::from(is_stopping(deployment)))
    .bind(i64::from(deployment.ignore_application_stop_failures))
    .bind(encode(deployment, "deployment")?)
    .execute(conn)
    .await
    .doing("write a round's deployment")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Stale);
    }
    Ok(())
}

/// Its group may be gone, or its id taken, since it was planned.
async fn make_follow_up(conn: &mut Connection, follow_up: &FollowUp) -> Result<(), StoreError> {
    match create(conn, &follow_up.deployment, &follow_up.revision_use).await {
        Err(StoreError::NotFound(_) | StoreError::AlreadyExists(_) | StoreError::GroupBusy(_)) => {
            Err(StoreError::Stale)
        }
        done => done,
    }
}

/// Applies the events in their order; one target may have several.
async fn apply_events(
    conn: &mut Connection,
    outcome: &RoundOutcome,
    clocks: &Clocks,
    now: Timestamp,
) -> Result<Vec<StoredTarget>, StoreError> {
    let (deployment, events) = (&outcome.deployment, &outcome.target_events);
    // The end comes after what becomes of the last hosts.
    let (end, mut timeline): (Vec<_>, Vec<_>) =
        outcome.timeline.iter().cloned().partition(|entry| entry.what.is_end());
    if events.is_empty() {
        timeline.extend(end);
        timeline::insert_all(conn, &timeline).await.doing("write a round's timeline")?;
        return Ok(Vec::new());
    }
    let positions: Vec<u32> = events.iter().map(|(position, _)| *position).collect();
    let rows = sqlx::query(concat!(
        "SELECT ",
        target_columns!(),
        " FROM targets t WHERE t.deployment_id = $1 AND t.position IN (SELECT CAST(value AS BIGINT) FROM ",
        json_texts!("$2", "wanted"),
        ")"
    ))
    .bind(deployment.id.as_str())
    .bind(encode(&positions, "positions")?)
    .fetch_all(&mut *conn)
    .await
    .doing("read a round's targets")?;
    let mut targets: BTreeMap<u32, StoredTarget> = BTreeMap::new();
    for row in &rows {
        let stored = StoredTarget::of_row(row)?;
        targets.insert(stored.target.position, stored);
    }
    let rules = TargetRules {
        is_stopping: is_stopping(deployment),
        ignore_application_stop_failures: deployment.ignore_application_stop_failures,
        clocks: *clocks,
    };
    for (position, event) in events {
        let stored = targets.get_mut(position).ok_or(StoreError::Stale)?;
        let before = stored.target.status();
        stored.target = stored.target.after(event, &rules, now).map_err(|_no_change| StoreError::Stale)?;
        timeline.extend(of_target(before, &stored.target));
    }
    timeline.extend(end);
    timeline::insert_all(conn, &timeline).await.doing("write a round's timeline")?;
    let changed: Vec<&StoredTarget> = targets.values().collect();
    target::update_all(conn, &changed).await.doing("write a round's targets")?;
    Ok(targets.into_values().collect())
}

async fn replace_history(
    conn: &mut Connection,
    group: &DeploymentGroupId,
    history: &GroupHistory,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE deployment_groups SET history = $2, target_revision = $3 WHERE id = $1")
        .bind(group.as_str())
        .bind(encode(history, "group history")?)
        .bind(history.target_revision.as_ref().map(|revision| revision.identity()))
        .execute(conn)
        .await
        .doing("write a group's history")?;
    Ok(())
}

async fn put_host_health(
    conn: &mut Connection,
    group: &DeploymentGroupId,
    health: &[(HostArn, HostHealth)],
) -> Result<(), StoreError> {
    if health.is_empty() {
        return Ok(());
    }
    let rows: Vec<(&HostArn, String)> = health
        .iter()
        .map(|(arn, health)| Ok((arn, encode(health, "host health")?)))
        .collect::<Result<_, StoreError>>()?;
    sqlx::query(concat!(
        "INSERT INTO host_health (group_id, host_arn, document)
         SELECT $1, value ->> 0, value ->> 1 FROM ",
        json_rows!("$2", "health"),
        "
         WHERE EXISTS (SELECT 1 FROM deployment_groups WHERE id = $1)
         ON CONFLICT (group_id, host_arn) DO UPDATE SET document = excluded.document"
    ))
    .bind(group.as_str())
    .bind(encode(&rows, "host health")?)
    .execute(conn)
    .await
    .doing("write host health")?;
    Ok(())
}
