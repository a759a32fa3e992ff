//! The deployments as a whole: what is in progress, what nobody owns any more, what is old enough to be
//! forgotten.

use longshore_model::id::DeploymentId;

use super::row::{Columns as _, Doing as _, encode};
use super::{Connection, field, json_texts};
use crate::{Forget, Load, StoreError};

/// Deployments that are not final and whose group is gone.
pub(super) async fn orphaned(conn: &mut Connection) -> Result<Vec<(DeploymentId, bool)>, StoreError> {
    let rows = sqlx::query(concat!(
        "SELECT d.id, (SELECT COUNT(*) FROM applications a WHERE a.name = ",
        field!("d.document", "application"),
        ")
         FROM deployments d WHERE d.is_final = 0
         AND NOT EXISTS (SELECT 1 FROM deployment_groups g WHERE g.id = d.group_id)
         ORDER BY d.created_at, d.id"
    ))
    .fetch_all(conn)
    .await
    .doing("list deployments without a group")?;
    rows.iter().map(|row| Ok((row.word(0, "deployment id")?, row.int(1)? != 0))).collect()
}

/// What is in progress.
pub(super) async fn load(conn: &mut Connection) -> Result<Load, StoreError> {
    let row = sqlx::query(concat!(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CAST(",
        field!("document", "n_hosts"),
        " AS BIGINT)), 0) AS BIGINT)
         FROM deployments WHERE status IN ('InProgress', 'Baking')"
    ))
    .fetch_one(conn)
    .await
    .doing("count what is in progress")?;
    let count = |idx| row.int(idx).map(|n| usize::try_from(n).unwrap_or(0));
    Ok(Load { deployments: count(0)?, hosts: count(1)? })
}

/// The oldest final deployments that are not among the newest `$2` and that no group remembers.
pub(in super::super) const FORGETTABLE: &str = concat!(
    "SELECT d.id FROM deployments d
    WHERE d.created_at < $1 AND d.is_final = 1
    AND (d.created_at, d.id) <= (
        SELECT created_at, id FROM deployments ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $2
    )
    AND NOT EXISTS (
        SELECT 1 FROM deployment_groups g WHERE g.id = d.group_id
        AND d.id IN (",
    field!("g.history", "last_attempted"),
    ", ",
    field!("g.history", "last_successful"),
    ")
    )
    ORDER BY d.created_at, d.id LIMIT $3"
);

/// Removes them, and notes their ids.
pub(super) async fn forget(conn: &mut Connection, forget: &Forget) -> Result<Vec<DeploymentId>, StoreError> {
    let rows = sqlx::query(FORGETTABLE)
        .bind(forget.created_before.millis())
        .bind(i64::try_from(forget.keep_newest).unwrap_or(i64::MAX))
        .bind(i64::try_from(forget.limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *conn)
        .await
        .doing("list deployments to forget")?;
    let ids: Vec<DeploymentId> =
        rows.iter().map(|row| row.word(0, "deployment id")).collect::<Result<_, StoreError>>()?;
    if ids.is_empty() {
        return Ok(ids);
    }
    let list = encode(&ids, "deployment ids")?;
    sqlx::query(concat!(
        "INSERT INTO forgotten_deployments (id) SELECT value FROM ",
        json_texts!("$1", "id")
    ))
    .bind(&list)
    .execute(&mut *conn)
    .await
    .doing("note forgotten deployments")?;
    // Their targets go with them.
    sqlx::query(concat!(
        "DELETE FROM deployments WHERE id IN (SELECT value FROM ",
        json_texts!("$1", "forgotten"),
        ")"
    ))
    .bind(&list)
    .execute(conn)
    .await
    .doing("forget deployments")?;
    Ok(ids)
}
