//! Applications. Groups and revisions point to an application's id, so a rename is one row.

use async_trait::async_trait;
use futures::TryStreamExt as _;
use longshore_model::application::Application;
use longshore_model::id::{ApplicationName, DeploymentId};
use longshore_model::time::Timestamp;

use super::row::{Columns as _, Doing as _, after_name, encode, limit};
use super::{Connection, SqlStore};
use crate::{ApplicationStore, Page, StoreError};

#[async_trait]
impl ApplicationStore for SqlStore {
    async fn create_application(&self, application: &Application, max: usize) -> Result<(), StoreError> {
        let application = application.clone();
        self.write(move |conn| Box::pin(async move { create(conn, &application, max).await })).await
    }

    async fn application(&self, name: &ApplicationName) -> Result<Option<Application>, StoreError> {
        let mut reader = self.reader().await?;
        let row =
            sqlx::query("SELECT id, name, created_at, tags, git_hub_token FROM applications WHERE name = $1")
                .bind(name.as_str())
                .fetch_optional(&mut *reader)
                .await
                .doing("read an application")?;
        row.map(|row| {
            Ok(Application {
                id: row.word(0, "application id")?,
                name: row.word(1, "application name")?,
                created_at: Timestamp::from_millis(row.int(2)?),
                tags: row.document(3, "resource tags")?,
                git_hub_token: row.maybe_word(4, "GitHub token name")?,
            })
        })
        .transpose()
    }

    async fn applications(&self, page: &Page) -> Result<Vec<ApplicationName>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT name FROM applications WHERE name > $1 ORDER BY name LIMIT $2")
            .bind(after_name(page))
            .bind(limit(page))
            .fetch_all(&mut *reader)
            .await
            .doing("list applications")?;
        rows.iter().map(|row| row.word(0, "application name")).collect()
    }

    async fn rename_application(
        &self,
        from: &ApplicationName,
        to: &ApplicationName,
    ) -> Result<(), StoreError> {
        let (from, to) = (from.clone(), to.clone());
        self.write(move |conn| Box::pin(async move { rename(conn, &from, &to).await })).await
    }

    async fn delete_application(&self, name: &ApplicationName) -> Result<Vec<DeploymentId>, StoreError> {
        let name = name.clone();
        self.write(move |conn| Box::pin(async move { delete(conn, &name).await })).await
    }
}

/// The id of the application called `name`.
///
/// # Errors
/// `NotFound`.
pub(super) async fn id_of(conn: &mut Connection, name: &ApplicationName) -> Result<String, StoreError> {
    maybe_id_of(conn, name).await?.ok_or_else(|| StoreError::NotFound(name.to_string()))
}

async fn maybe_id_of(conn: &mut Connection, name: &ApplicationName) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT id FROM applications WHERE name = $1")
        .bind(name.as_str())
        .fetch_optional(conn)
        .await
        .doing("look up an application")?;
    row.map(|row| row.text(0)).transpose()
}

async fn create(conn: &mut Connection, application: &Application, max: usize) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT COUNT(*), COUNT(*) FILTER (WHERE name = $1 OR id = $2) FROM applications")
        .bind(application.name.as_str())
        .bind(application.id.as_str())
        .fetch_one(&mut *conn)
        .await
        .doing("count applications")?;
    if row.int(1)? > 0 {
        return Err(StoreError::AlreadyExists(application.name.to_string()));
    }
    if usize::try_from(row.int(0)?).is_ok_and(|count| count >= max) {
        return Err(StoreError::LimitExceeded { what: "the number of applications", limit: max });
    }
    sqlx::query("INSERT INTO applications (id, name, created_at, tags) VALUES ($1, $2, $3, $4)")
        .bind(application.id.as_str())
        .bind(application.name.as_str())
        .bind(application.created_at.millis())
        .bind(encode(&application.tags, "resource tags")?)
        .execute(conn)
        .await
        .doing("add an application")?;
    Ok(())
}

async fn rename(
    conn: &mut Connection,
    from: &ApplicationName,
    to: &ApplicationName,
) -> Result<(), StoreError> {
    let id = id_of(conn, from).await?;
    if maybe_id_of(conn, to).await?.is_some_and(|other| other != id) {
        return Err(StoreError::AlreadyExists(to.to_string()));
    }
    sqlx::query("UPDATE applications SET name = $2 WHERE id = $1")
        .bind(id)
        .bind(to.as_str())
        .execute(conn)
        .await
        .doing("rename an application")?;
    Ok(())
}

async fn delete(conn: &mut Connection, name: &ApplicationName) -> Result<Vec<DeploymentId>, StoreError> {
    let Some(id) = maybe_id_of(conn, name).await? else {
        return Ok(Vec::new());
    };
    let unfinished = sqlx::query(
        "SELECT d.id FROM deployments d JOIN deployment_groups g ON g.id = d.group_id
         WHERE g.application_id = $1 AND d.is_final = 0 ORDER BY d.created_at, d.id",
    )
    .bind(&id)
    .fetch(&mut *conn)
    .map_err(|source| StoreError::Database { doing: "list unfinished deployments", source: source.into() })
    .and_then(|row| async move { row.word(0, "deployment id") })
    .try_collect()
    .await?;
    // Groups, their host health and revisions go with it.
    sqlx::query("DELETE FROM applications WHERE id = $1")
        .bind(&id)
        .execute(conn)
        .await
        .doing("delete an application")?;
    Ok(unfinished)
}
