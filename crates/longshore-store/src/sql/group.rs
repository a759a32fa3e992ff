//! Groups of users.

use async_trait::async_trait;
use longshore_model::time::Timestamp;

use super::identity::{has_user, user_of_row};
use super::row::{Columns as _, Doing as _, after_name, limit};
use super::{Connection, Row, SqlStore};
use crate::{Group, GroupStore, Page, StoreError, User};

#[async_trait]
impl GroupStore for SqlStore {
    async fn create_group(&self, group: &Group) -> Result<(), StoreError> {
        let group = group.clone();
        self.write(move |conn| Box::pin(async move { create_group(conn, &group).await })).await
    }

    async fn group(&self, name: &str) -> Result<Option<Group>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT name, path, id, arn, created_at FROM iam_groups WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut *reader)
            .await
            .doing("read a group")?;
        row.map(|row| group_of_row(&row)).transpose()
    }

    async fn groups(&self, path_prefix: &str, page: &Page) -> Result<Vec<Group>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT name, path, id, arn, created_at FROM iam_groups
             WHERE name > $1 AND substr(path, 1, length($2)) = $2 ORDER BY name LIMIT $3",
        )
        .bind(after_name(page))
        .bind(path_prefix)
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list groups")?;
        rows.iter().map(group_of_row).collect()
    }

    async fn delete_group(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |conn| Box::pin(async move { delete_group(conn, &name).await })).await
    }

    async fn add_group_member(&self, group: &str, user: &str, max: usize) -> Result<(), StoreError> {
        let (group, user) = (group.to_owned(), user.to_owned());
        self.write(move |conn| Box::pin(async move { add_member(conn, &group, &user, max).await })).await
    }

    async fn remove_group_member(&self, group: &str, user: &str) -> Result<(), StoreError> {
        let (group, user) = (group.to_owned(), user.to_owned());
        self.write(move |conn| Box::pin(async move { remove_member(conn, &group, &user).await })).await
    }

    async fn group_members(&self, group: &str, page: &Page) -> Result<Vec<User>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT u.name, u.path, u.id, u.arn, u.created_at
             FROM iam_group_members m JOIN users u ON u.name = m.user_name
             WHERE m.group_name = $1 AND m.user_name > $2 ORDER BY m.user_name LIMIT $3",
        )
        .bind(group)
        .bind(after_name(page))
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list the members of a group")?;
        rows.iter().map(|row| user_of_row(row, 0)).collect()
    }

    async fn groups_of_user(&self, user: &str) -> Result<Vec<Group>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT g.name, g.path, g.id, g.arn, g.created_at
             FROM iam_group_members m JOIN iam_groups g ON g.name = m.group_name
             WHERE m.user_name = $1 ORDER BY g.name",
        )
        .bind(user)
        .fetch_all(&mut *reader)
        .await
        .doing("list the groups of a user")?;
        rows.iter().map(group_of_row).collect()
    }
}

fn group_of_row(row: &Row) -> Result<Group, StoreError> {
    Ok(Group {
        name: row.text(0)?,
        path: row.text(1)?,
        id: row.text(2)?,
        arn: row.text(3)?,
        created_at: Timestamp::from_millis(row.int(4)?),
    })
}

async fn has_group(conn: &mut Connection, name: &str) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM iam_groups WHERE name = $1").bind(name).fetch_optional(conn).await;
    Ok(row.doing("look up a group")?.is_some())
}

async fn create_group(conn: &mut Connection, group: &Group) -> Result<(), StoreError> {
    if has_group(conn, &group.name).await? {
        return Err(StoreError::AlreadyExists(group.name.clone()));
    }
    sqlx::query("INSERT INTO iam_groups (name, path, id, arn, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(&group.name)
        .bind(&group.path)
        .bind(&group.id)
        .bind(&group.arn)
        .bind(group.created_at.millis())
        .execute(conn)
        .await
        .doing("add a group")?;
    Ok(())
}

async fn delete_group(conn: &mut Connection, name: &str) -> Result<(), StoreError> {
    let holding = sqlx::query(
        "SELECT 'user ' || user_name FROM iam_group_members WHERE group_name = $1
         UNION ALL SELECT 'policy ' || name FROM iam_group_policies WHERE group_name = $1 LIMIT 1",
    )
    .bind(name)
    .fetch_optional(&mut *conn)
    .await
    .doing("look up what a group has")?;
    if let Some(row) = holding {
        return Err(StoreError::InUse(row.text(0)?));
    }
    let done = sqlx::query("DELETE FROM iam_groups WHERE name = $1").bind(name).execute(conn).await;
    if done.doing("delete a group")?.rows_affected() == 0 {
        return Err(StoreError::NotFound(name.to_owned()));
    }
    Ok(())
}

async fn check_both(conn: &mut Connection, group: &str, user: &str) -> Result<(), StoreError> {
    if !has_group(conn, group).await? {
        return Err(StoreError::NotFound(group.to_owned()));
    }
    if !has_user(conn, user).await? {
        return Err(StoreError::NotFound(user.to_owned()));
    }
    Ok(())
}

async fn add_member(conn: &mut Connection, group: &str, user: &str, max: usize) -> Result<(), StoreError> {
    check_both(conn, group, user).await?;
    let count =
        sqlx::query("SELECT COUNT(*) FROM iam_group_members WHERE user_name = $1 AND group_name <> $2")
            .bind(user)
            .bind(group)
            .fetch_one(&mut *conn)
            .await
            .doing("count the groups of a user")?;
    if usize::try_from(count.int(0)?).is_ok_and(|count| count >= max) {
        return Err(StoreError::LimitExceeded { what: "the number of groups of a user", limit: max });
    }
    sqlx::query(
        "INSERT INTO iam_group_members (user_name, group_name) VALUES ($1, $2)
         ON CONFLICT (user_name, group_name) DO NOTHING",
    )
    .bind(user)
    .bind(group)
    .execute(conn)
    .await
    .doing("put a user into a group")?;
    Ok(())
}

async fn remove_member(conn: &mut Connection, group: &str, user: &str) -> Result<(), StoreError> {
    check_both(conn, group, user).await?;
    sqlx::query("DELETE FROM iam_group_members WHERE user_name = $1 AND group_name = $2")
        .bind(user)
        .bind(group)
        .execute(conn)
        .await
        .doing("take a user out of a group")?;
    Ok(())
}
