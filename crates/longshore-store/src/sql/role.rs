//! Roles, and the sessions in which they are taken.

use std::time::Duration;

use async_trait::async_trait;
use longshore_model::time::Timestamp;

use super::row::{Columns as _, Doing as _, after_name, limit};
use super::{Connection, Row, SqlStore};
use crate::{Page, Role, RoleStore, Session, StoreError};

#[async_trait]
impl RoleStore for SqlStore {
    async fn create_role(&self, role: &Role) -> Result<(), StoreError> {
        let role = role.clone();
        self.write(move |conn| Box::pin(async move { create_role(conn, &role).await })).await
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT name, path, id, arn, trust_policy, description, max_session, created_at
             FROM iam_roles WHERE name = $1",
        )
        .bind(name)
        .fetch_optional(&mut *reader)
        .await
        .doing("read a role")?;
        row.map(|row| role_of_row(&row, 0)).transpose()
    }

    async fn roles(&self, path_prefix: &str, page: &Page) -> Result<Vec<Role>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT name, path, id, arn, trust_policy, description, max_session, created_at FROM iam_roles
             WHERE name > $1 AND substr(path, 1, length($2)) = $2 ORDER BY name LIMIT $3",
        )
        .bind(after_name(page))
        .bind(path_prefix)
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list roles")?;
        rows.iter().map(|row| role_of_row(row, 0)).collect()
    }

    async fn set_trust_policy(&self, role: &str, document: &str) -> Result<(), StoreError> {
        let (role, document) = (role.to_owned(), document.to_owned());
        self.write(move |conn| Box::pin(async move { set_trust_policy(conn, &role, &document).await })).await
    }

    async fn delete_role(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |conn| Box::pin(async move { delete_role(conn, &name).await })).await
    }

    async fn create_session(&self, session: &Session, forget_before: Timestamp) -> Result<(), StoreError> {
        let session = session.clone();
        self.write(move |conn| Box::pin(async move { create_session(conn, &session, forget_before).await }))
            .await
    }

    async fn session(&self, access_key_id: &str) -> Result<Option<(Session, Role)>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT s.access_key_id, s.secret, s.token_sha256, s.role_name, s.name, s.policy, s.created_at,
                    s.expires_at, r.name, r.path, r.id, r.arn, r.trust_policy, r.description, r.max_session,
                    r.created_at
             FROM iam_sessions s JOIN iam_roles r ON r.name = s.role_name WHERE s.access_key_id = $1",
        )
        .bind(access_key_id)
        .fetch_optional(&mut *reader)
        .await
        .doing("read a session")?;
        row.map(|row| Ok((session_of_row(&row)?, role_of_row(&row, 8)?))).transpose()
    }
}

/// Columns from `first`: name, path, id, arn, trust_policy, description, max_session, created_at.
fn role_of_row(row: &Row, first: usize) -> Result<Role, StoreError> {
    Ok(Role {
        name: row.text(first)?,
        path: row.text(first + 1)?,
        id: row.text(first + 2)?,
        arn: row.text(first + 3)?,
        trust_policy: row.text(first + 4)?,
        description: row.maybe_text(first + 5)?,
        max_session: Duration::from_secs(row.int(first + 6)?.unsigned_abs()),
        created_at: Timestamp::from_millis(row.int(first + 7)?),
    })
}

fn session_of_row(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        access_key_id: row.text(0)?,
        secret: row.text(1)?,
        token_sha256: row.text(2)?,
        role: row.text(3)?,
        name: row.text(4)?,
        policy: row.maybe_text(5)?,
        created_at: Timestamp::from_millis(row.int(6)?),
        expires_at: Timestamp::from_millis(row.int(7)?),
    })
}

async fn has_role(conn: &mut Connection, name: &str) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM iam_roles WHERE name = $1").bind(name).fetch_optional(conn).await;
    Ok(row.doing("look up a role")?.is_some())
}

async fn create_role(conn: &mut Connection, role: &Role) -> Result<(), StoreError> {
    if has_role(conn, &role.name).await? {
        return Err(StoreError::AlreadyExists(role.name.clone()));
    }
    sqlx::query(
        "INSERT INTO iam_roles (name, path, id, arn, trust_policy, description, max_session, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&role.name)
    .bind(&role.path)
    .bind(&role.id)
    .bind(&role.arn)
    .bind(&role.trust_policy)
    .bind(&role.description)
    .bind(i64::try_from(role.max_session.as_secs()).unwrap_or(i64::MAX))
    .bind(role.created_at.millis())
    .execute(conn)
    .await
    .doing("add a role")?;
    Ok(())
}

async fn set_trust_policy(conn: &mut Connection, role: &str, document: &str) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE iam_roles SET trust_policy = $2 WHERE name = $1")
        .bind(role)
        .bind(document)
        .execute(conn)
        .await
        .doing("replace a trust policy")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(role.to_owned()));
    }
    Ok(())
}

async fn delete_role(conn: &mut Connection, name: &str) -> Result<(), StoreError> {
    let holding = sqlx::query("SELECT name FROM iam_role_policies WHERE role_name = $1 LIMIT 1")
        .bind(name)
        .fetch_optional(&mut *conn)
        .await
        .doing("look up what a role has")?;
    if let Some(row) = holding {
        return Err(StoreError::InUse(format!("policy {}", row.text(0)?)));
    }
    let done = sqlx::query("DELETE FROM iam_roles WHERE name = $1").bind(name).execute(conn).await;
    if done.doing("delete a role")?.rows_affected() == 0 {
        return Err(StoreError::NotFound(name.to_owned()));
    }
    Ok(())
}

async fn create_session(
    conn: &mut Connection,
    session: &Session,
    forget_before: Timestamp,
) -> Result<(), StoreError> {
    if !has_role(conn, &session.role).await? {
        return Err(StoreError::NotFound(session.role.clone()));
    }
    sqlx::query("DELETE FROM iam_sessions WHERE expires_at < $1")
        .bind(forget_before.millis())
        .execute(&mut *conn)
        .await
        .doing("forget old sessions")?;
    sqlx::query(
        "INSERT INTO iam_sessions
         (access_key_id, secret, token_sha256, role_name, name, policy, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&session.access_key_id)
    .bind(&session.secret)
    .bind(&session.token_sha256)
    .bind(&session.role)
    .bind(&session.name)
    .bind(&session.policy)
    .bind(session.created_at.millis())
    .bind(session.expires_at.millis())
    .execute(conn)
    .await
    .doing("begin a session")?;
    Ok(())
}
