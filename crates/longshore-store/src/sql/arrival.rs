//! Hosts that have come and are to be looked after.

use longshore_model::host::Arrival;
use longshore_model::id::PrincipalArn;
use longshore_model::time::Timestamp;

use super::row::{Columns as _, Doing as _, encode};
use super::{Connection, json_rows};
use crate::StoreError;

/// The arrivals as the statements take them.
fn rows(mut arrivals: Vec<Arrival>) -> Result<String, StoreError> {
    // In one order, so that two servers do not wait for each other, and each host once.
    arrivals.sort_by(|one, other| (&one.principal, one.at).cmp(&(&other.principal, other.at)));
    arrivals.reverse();
    arrivals.dedup_by(|one, other| one.principal == other.principal);
    let rows: Vec<(&str, i64, Option<i64>)> = arrivals
        .iter()
        .map(|arrival| {
            (arrival.principal.0.as_str(), arrival.at.millis(), arrival.silent_since.map(Timestamp::millis))
        })
        .collect();
    encode(&rows, "arrivals")
}

pub(super) async fn note(conn: &mut Connection, arrivals: Vec<Arrival>) -> Result<(), StoreError> {
    if arrivals.is_empty() {
        return Ok(());
    }
    sqlx::query(concat!(
        "INSERT INTO arrivals (principal, at, silent_since)
         SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT) FROM ",
        json_rows!("$1", "arrival"),
        " WHERE true
         ON CONFLICT (principal) DO UPDATE SET at = excluded.at, silent_since = excluded.silent_since"
    ))
    .bind(rows(arrivals)?)
    .execute(conn)
    .await
    .doing("note that hosts came")?;
    Ok(())
}

pub(super) async fn all(conn: &mut Connection) -> Result<Vec<Arrival>, StoreError> {
    let rows = sqlx::query("SELECT principal, at, silent_since FROM arrivals ORDER BY principal")
        .fetch_all(conn)
        .await
        .doing("list hosts that came")?;
    rows.iter()
        .map(|row| {
            Ok(Arrival {
                principal: PrincipalArn(row.text(0)?),
                at: Timestamp::from_millis(row.int(1)?),
                silent_since: row.maybe_int(2)?.map(Timestamp::from_millis),
            })
        })
        .collect()
}

pub(super) async fn forget(conn: &mut Connection, arrivals: Vec<Arrival>) -> Result<(), StoreError> {
    if arrivals.is_empty() {
        return Ok(());
    }
    sqlx::query(concat!(
        "DELETE FROM arrivals WHERE EXISTS (SELECT 1 FROM ",
        json_rows!("$1", "arrival"),
        " WHERE value ->> 0 = arrivals.principal AND CAST(value ->> 1 AS BIGINT) = arrivals.at)"
    ))
    .bind(rows(arrivals)?)
    .execute(conn)
    .await
    .doing("forget that hosts came")?;
    Ok(())
}
