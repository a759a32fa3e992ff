//! Users, access keys and inline policies.

use async_trait::async_trait;
use longshore_model::id::PrincipalArn;
use longshore_model::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::row::{Columns as _, Doing as _, after_name, limit};
use crate::{AccessKey, IdentityStore, InlinePolicy, Page, StoreError, User};

#[async_trait]
impl IdentityStore for SqliteStore {
    async fn create_user(&self, user: &User) -> Result<(), StoreError> {
        let user = user.clone();
        self.write(move |conn| Box::pin(async move { create_user(conn, &user).await })).await
    }

    async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT name, path, id, arn, created_at FROM users WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut *reader)
            .await
            .doing("read a user")?;
        row.map(|row| user_of_row(&row, 0)).transpose()
    }

    async fn users(&self, path_prefix: &str, page: &Page) -> Result<Vec<User>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT name, path, id, arn, created_at FROM users
             WHERE name > $1 AND substr(path, 1, length($2)) = $2 ORDER BY name LIMIT $3",
        )
        .bind(after_name(page))
        .bind(path_prefix)
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list users")?;
        rows.iter().map(|row| user_of_row(row, 0)).collect()
    }

    async fn delete_user(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |conn| Box::pin(async move { delete_user(conn, &name).await })).await
    }

    async fn create_access_key(&self, key: &AccessKey, max: usize) -> Result<(), StoreError> {
        let key = key.clone();
        self.write(move |conn| Box::pin(async move { create_access_key(conn, &key, max).await })).await
    }

    async fn access_key(&self, id: &str) -> Result<Option<(AccessKey, User)>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT k.id, k.secret, k.user_name, k.is_active, k.created_at,
                    u.name, u.path, u.id, u.arn, u.created_at
             FROM access_keys k JOIN users u ON u.name = k.user_name WHERE k.id = $1",
        )
        .bind(id)
        .fetch_optional(&mut *reader)
        .await
        .doing("read an access key")?;
        row.map(|row| Ok((access_key_of_row(&row)?, user_of_row(&row, 5)?))).transpose()
    }

    async fn access_keys(&self, user: &str) -> Result<Vec<AccessKey>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT id, secret, user_name, is_active, created_at FROM access_keys
             WHERE user_name = $1 ORDER BY created_at, id",
        )
        .bind(user)
        .fetch_all(&mut *reader)
        .await
        .doing("list access keys")?;
        rows.iter().map(access_key_of_row).collect()
    }

    async fn delete_access_key(&self, user: &str, id: &str) -> Result<(), StoreError> {
        let (user, id) = (user.to_owned(), id.to_owned());
        self.write(move |conn| Box::pin(async move { delete_access_key(conn, &user, &id).await })).await
    }

    async fn put_user_policy(&self, user: &str, policy: &InlinePolicy) -> Result<(), StoreError> {
        let (user, policy) = (user.to_owned(), policy.clone());
        self.write(move |conn| Box::pin(async move { put_user_policy(conn, &user, &policy).await })).await
    }

    async fn user_policies(&self, user: &str) -> Result<Vec<InlinePolicy>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT name, document FROM user_policies WHERE user_name = $1 ORDER BY name")
            .bind(user)
            .fetch_all(&mut *reader)
            .await
            .doing("list user policies")?;
        rows.iter().map(|row| Ok(InlinePolicy { name: row.text(0)?, document: row.text(1)? })).collect()
    }

    async fn delete_user_policy(&self, user: &str, name: &str) -> Result<(), StoreError> {
        let (user, name) = (user.to_owned(), name.to_owned());
        self.write(move |conn| Box::pin(async move { delete_user_policy(conn, &user, &name).await })).await
    }
}

/// Columns from `first`: name, path, id, arn, created_at.
fn user_of_row(row: &SqliteRow, first: usize) -> Result<User, StoreError> {
    Ok(User {
        name: row.text(first)?,
        path: row.text(first + 1)?,
        id: row.text(first + 2)?,
        arn: PrincipalArn(row.text(first + 3)?),
        created_at: Timestamp::from_millis(row.int(first + 4)?),
    })
}

pub(super) fn access_key_of_row(row: &SqliteRow) -> Result<AccessKey, StoreError> {
    Ok(AccessKey {
        id: row.text(0)?,
        secret: row.text(1)?,
        user: row.text(2)?,
        is_active: row.int(3)? != 0,
        created_at: Timestamp::from_millis(row.int(4)?),
    })
}

pub(super) async fn has_user(conn: &mut SqliteConnection, name: &str) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM users WHERE name = $1")
        .bind(name)
        .fetch_optional(conn)
        .await
        .doing("look up a user")?;
    Ok(row.is_some())
}

pub(super) async fn create_user(conn: &mut SqliteConnection, user: &User) -> Result<(), StoreError> {
    if has_user(conn, &user.name).await? {
        return Err(StoreError::AlreadyExists(user.name.clone()));
    }
    sqlx::query("INSERT INTO users (name, path, id, arn, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(&user.name)
        .bind(&user.path)
        .bind(&user.id)
        .bind(&user.arn.0)
        .bind(user.created_at.millis())
        .execute(conn)
        .await
        .doing("add a user")?;
    Ok(())
}

async fn delete_user(conn: &mut SqliteConnection, name: &str) -> Result<(), StoreError> {
    let holding = sqlx::query(
        "SELECT 'access key ' || id FROM access_keys WHERE user_name = $1
         UNION ALL SELECT 'policy ' || name FROM user_policies WHERE user_name = $1 LIMIT 1",
    )
    .bind(name)
    .fetch_optional(&mut *conn)
    .await
    .doing("look up what a user has")?;
    if let Some(row) = holding {
        return Err(StoreError::InUse(row.text(0)?));
    }
    let done = sqlx::query("DELETE FROM users WHERE name = $1")
        .bind(name)
        .execute(conn)
        .await
        .doing("delete a user")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(name.to_owned()));
    }
    Ok(())
}

pub(super) async fn create_access_key(
    conn: &mut SqliteConnection,
    key: &AccessKey,
    max: usize,
) -> Result<(), StoreError> {
    if !has_user(conn, &key.user).await? {
        return Err(StoreError::NotFound(key.user.clone()));
    }
    let row = sqlx::query(
        "SELECT COUNT(*) FILTER (WHERE user_name = $1), COUNT(*) FILTER (WHERE id = $2)
         FROM access_keys WHERE user_name = $1 OR id = $2",
    )
    .bind(&key.user)
    .bind(&key.id)
    .fetch_one(&mut *conn)
    .await
    .doing("count access keys")?;
    if row.int(1)? > 0 {
        return Err(StoreError::AlreadyExists(key.id.clone()));
    }
    if usize::try_from(row.int(0)?).is_ok_and(|count| count >= max) {
        return Err(StoreError::LimitExceeded { what: "the number of access keys of a user", limit: max });
    }
    sqlx::query(
        "INSERT INTO access_keys (id, secret, user_name, is_active, created_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&key.id)
    .bind(&key.secret)
    .bind(&key.user)
    .bind(i64::from(key.is_active))
    .bind(key.created_at.millis())
    .execute(conn)
    .await
    .doing("add an access key")?;
    Ok(())
}

async fn delete_access_key(conn: &mut SqliteConnection, user: &str, id: &str) -> Result<(), StoreError> {
    let done = sqlx::query("DELETE FROM access_keys WHERE user_name = $1 AND id = $2")
        .bind(user)
        .bind(id)
        .execute(conn)
        .await
        .doing("delete an access key")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(id.to_owned()));
    }
    Ok(())
}

pub(super) async fn put_user_policy(
    conn: &mut SqliteConnection,
    user: &str,
    policy: &InlinePolicy,
) -> Result<(), StoreError> {
    if !has_user(conn, user).await? {
        return Err(StoreError::NotFound(user.to_owned()));
    }
    sqlx::query(
        "INSERT INTO user_policies (user_name, name, document) VALUES ($1, $2, $3)
         ON CONFLICT (user_name, name) DO UPDATE SET document = excluded.document",
    )
    .bind(user)
    .bind(&policy.name)
    .bind(&policy.document)
    .execute(conn)
    .await
    .doing("put a user policy")?;
    Ok(())
}

async fn delete_user_policy(conn: &mut SqliteConnection, user: &str, name: &str) -> Result<(), StoreError> {
    let done = sqlx::query("DELETE FROM user_policies WHERE user_name = $1 AND name = $2")
        .bind(user)
        .bind(name)
        .execute(conn)
        .await
        .doing("delete a user policy")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(name.to_owned()));
    }
    Ok(())
}
