//! Registered revisions.

use async_trait::async_trait;
use longshore_model::id::{ApplicationName, DeploymentGroupName};
use longshore_model::revision::{RegisteredRevision, Revision};
use longshore_model::time::Timestamp;

use super::application;
use super::row::{Columns as _, Doing as _, after_time, encode, limit};
use super::{Connection, Row, SqlStore};
use crate::{Page, RevisionStore, StoreError};

#[async_trait]
impl RevisionStore for SqlStore {
    async fn register_revision(&self, revision: &RegisteredRevision) -> Result<(), StoreError> {
        let revision = revision.clone();
        self.write(move |conn| Box::pin(async move { register(conn, &revision).await })).await
    }

    async fn revision(
        &self,
        application: &ApplicationName,
        revision: &Revision,
    ) -> Result<Option<RegisteredRevision>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT a.name, r.location, r.description, r.registered_at, r.first_used_at, r.last_used_at
             FROM revisions r JOIN applications a ON a.id = r.application_id
             WHERE a.name = $1 AND r.identity = $2",
        )
        .bind(application.as_str())
        .bind(revision.identity())
        .fetch_optional(&mut *reader)
        .await
        .doing("read a revision")?;
        row.as_ref().map(revision_of_row).transpose()
    }

    async fn revisions(
        &self,
        application: &ApplicationName,
        page: &Page,
    ) -> Result<Vec<RegisteredRevision>, StoreError> {
        let (after_millis, after_identity) = after_time(page, i64::MIN)?;
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT a.name, r.location, r.description, r.registered_at, r.first_used_at, r.last_used_at
             FROM revisions r JOIN applications a ON a.id = r.application_id
             WHERE a.name = $1 AND (r.registered_at, r.identity) > ($2, $3)
             ORDER BY r.registered_at, r.identity LIMIT $4",
        )
        .bind(application.as_str())
        .bind(after_millis)
        .bind(after_identity)
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list revisions")?;
        rows.iter().map(revision_of_row).collect()
    }

    async fn groups_with_target(
        &self,
        application: &ApplicationName,
        revision: &Revision,
    ) -> Result<Vec<DeploymentGroupName>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT g.name FROM deployment_groups g JOIN applications a ON a.id = g.application_id
             WHERE a.name = $1 AND g.target_revision = $2 ORDER BY g.name",
        )
        .bind(application.as_str())
        .bind(revision.identity())
        .fetch_all(&mut *reader)
        .await
        .doing("list the groups of a revision")?;
        rows.iter().map(|row| row.word(0, "deployment group name")).collect()
    }
}

fn revision_of_row(row: &Row) -> Result<RegisteredRevision, StoreError> {
    Ok(RegisteredRevision {
        application: row.word(0, "application name")?,
        revision: row.document(1, "revision")?,
        description: row.maybe_text(2)?,
        registered_at: Timestamp::from_millis(row.int(3)?),
        first_used_at: row.maybe_int(4)?.map(Timestamp::from_millis),
        last_used_at: row.maybe_int(5)?.map(Timestamp::from_millis),
    })
}

async fn register(conn: &mut Connection, revision: &RegisteredRevision) -> Result<(), StoreError> {
    let application_id = application::id_of(conn, &revision.application).await?;
    sqlx::query(
        "INSERT INTO revisions (application_id, identity, location, description, registered_at,
                                first_used_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (application_id, identity) DO UPDATE
         SET description = COALESCE(excluded.description, revisions.description)",
    )
    .bind(application_id)
    .bind(revision.revision.identity())
    .bind(encode(&revision.revision, "revision")?)
    .bind(&revision.description)
    .bind(revision.registered_at.millis())
    .bind(revision.first_used_at.map(Timestamp::millis))
    .bind(revision.last_used_at.map(Timestamp::millis))
    .execute(conn)
    .await
    .doing("register a revision")?;
    Ok(())
}

/// Notes that a deployment uses `revision` at `used_at`, in the application with this id. Registers
/// it when it is not known.
pub(super) async fn note_use(
    conn: &mut Connection,
    application_id: &str,
    revision: &RegisteredRevision,
    used_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO revisions (application_id, identity, location, description, registered_at,
                                first_used_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (application_id, identity) DO UPDATE
         SET first_used_at = COALESCE(revisions.first_used_at, excluded.first_used_at),
             last_used_at = excluded.last_used_at",
    )
    .bind(application_id)
    .bind(revision.revision.identity())
    .bind(encode(&revision.revision, "revision")?)
    .bind(&revision.description)
    .bind(revision.registered_at.millis())
    .bind(revision.first_used_at.unwrap_or(used_at).millis())
    .bind(revision.last_used_at.unwrap_or(used_at).millis())
    .execute(conn)
    .await
    .doing("note the use of a revision")?;
    Ok(())
}
