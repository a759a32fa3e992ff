//! Users and access keys; inline policies are in `inline_policy`.

use async_trait::async_trait;
use longshore_model::id::PrincipalArn;
use longshore_model::time::Timestamp;

use super::row::{Columns as _, Doing as _, after_name, limit};
use super::{Connection, Row, SqlStore, inline_policy};
use crate::{AccessKey, IdentityStore, InlinePolicy, Page, PolicyHolder, StoreError, User};

#[async_trait]
impl IdentityStore for SqlStore {
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

    async fn set_access_key_active(&self, user: &str, id: &str, is_active: bool) -> Result<(), StoreError> {
        let (user, id) = (user.to_owned(), id.to_owned());
        self.write(move |conn| Box::pin(async move { set_active(conn, &user, &id, is_active).await })).await
    }

    async fn put_policy(&self, holder: &PolicyHolder, policy: &InlinePolicy) -> Result<(), StoreError> {
        let (holder, policy) = (holder.clone(), policy.clone());
        self.write(move |conn| Box::pin(async move { inline_policy::put(conn, &holder, &policy).await }))
            .await
    }

    async fn policies(&self, holder: &PolicyHolder) -> Result<Vec<InlinePolicy>, StoreError> {
        inline_policy::list(&mut *self.reader().await?, holder).await
    }

    async fn effective_policies(&self, user: &str) -> Result<Vec<InlinePolicy>, StoreError> {
        inline_policy::effective(&mut *self.reader().await?, user).await
    }

    async fn delete_policy(&self, holder: &PolicyHolder, name: &str) -> Result<(), StoreError> {
        let (holder, name) = (holder.clone(), name.to_owned());
        self.write(move |conn| Box::pin(async move { inline_policy::delete(conn, &holder, &name).await }))
            .await
    }
}

/// Columns from `first`: name, path, id, arn, created_at.
pub(super) fn user_of_row(row: &Row, first: usize) -> Result<User, StoreError> {
    Ok(User {
        name: row.text(first)?,
        path: row.text(first + 1)?,
        id: row.text(first + 2)?,
        arn: PrincipalArn(row.text(first + 3)?),
        created_at: Timestamp::from_millis(row.int(first + 4)?),
    })
}

pub(super) fn access_key_of_row(row: &Row) -> Result<AccessKey, StoreError> {
    Ok(AccessKey {
        id: row.text(0)?,
        secret: row.text(1)?,
        user: row.text(2)?,
        is_active: row.int(3)? != 0,
        created_at: Timestamp::from_millis(row.int(4)?),
    })
}

pub(super) async fn has_user(conn: &mut Connection, name: &str) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM users WHERE name = $1")
        .bind(name)
        .fetch_optional(conn)
        .await
        .doing("look up a user")?;
    Ok(row.is_some())
}

pub(super) async fn create_user(conn: &mut Connection, user: &User) -> Result<(), StoreError> {
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

async fn delete_user(conn: &mut Connection, name: &str) -> Result<(), StoreError> {
    let holding = sqlx::query(
        "SELECT 'access key ' || id FROM access_keys WHERE user_name = $1
         UNION ALL SELECT 'policy ' || name FROM user_policies WHERE user_name = $1
         UNION ALL SELECT 'group ' || group_name FROM iam_group_members WHERE user_name = $1 LIMIT 1",
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
    conn: &mut Connection,
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

async fn delete_access_key(conn: &mut Connection, user: &str, id: &str) -> Result<(), StoreError> {
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

async fn set_active(conn: &mut Connection, user: &str, id: &str, is_active: bool) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE access_keys SET is_active = $3 WHERE user_name = $1 AND id = $2")
        .bind(user)
        .bind(id)
        .bind(i64::from(is_active))
        .execute(conn)
        .await
        .doing("switch an access key on or off")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(id.to_owned()));
    }
    Ok(())
}
