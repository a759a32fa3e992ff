//! Inline policies of users, groups and roles.

use super::Connection;
use super::row::{Columns as _, Doing as _};
use crate::{InlinePolicy, PolicyHolder, StoreError};

/// The statements of one kind of holder.
struct Statements {
    has_holder: &'static str,
    put: &'static str,
    list: &'static str,
    delete: &'static str,
}

const OF_USERS: Statements = Statements {
    has_holder: "SELECT 1 FROM users WHERE name = $1",
    put: "INSERT INTO user_policies (user_name, name, document) VALUES ($1, $2, $3)
          ON CONFLICT (user_name, name) DO UPDATE SET document = excluded.document",
    list: "SELECT name, document FROM user_policies WHERE user_name = $1 ORDER BY name",
    delete: "DELETE FROM user_policies WHERE user_name = $1 AND name = $2",
};
const OF_GROUPS: Statements = Statements {
    has_holder: "SELECT 1 FROM iam_groups WHERE name = $1",
    put: "INSERT INTO iam_group_policies (group_name, name, document) VALUES ($1, $2, $3)
          ON CONFLICT (group_name, name) DO UPDATE SET document = excluded.document",
    list: "SELECT name, document FROM iam_group_policies WHERE group_name = $1 ORDER BY name",
    delete: "DELETE FROM iam_group_policies WHERE group_name = $1 AND name = $2",
};
const OF_ROLES: Statements = Statements {
    has_holder: "SELECT 1 FROM iam_roles WHERE name = $1",
    put: "INSERT INTO iam_role_policies (role_name, name, document) VALUES ($1, $2, $3)
          ON CONFLICT (role_name, name) DO UPDATE SET document = excluded.document",
    list: "SELECT name, document FROM iam_role_policies WHERE role_name = $1 ORDER BY name",
    delete: "DELETE FROM iam_role_policies WHERE role_name = $1 AND name = $2",
};

fn statements(holder: &PolicyHolder) -> &'static Statements {
    match holder {
        PolicyHolder::User(_) => &OF_USERS,
        PolicyHolder::Group(_) => &OF_GROUPS,
        PolicyHolder::Role(_) => &OF_ROLES,
    }
}

pub(super) async fn put(
    conn: &mut Connection,
    holder: &PolicyHolder,
    policy: &InlinePolicy,
) -> Result<(), StoreError> {
    let statements = statements(holder);
    let found = sqlx::query(statements.has_holder).bind(holder.name()).fetch_optional(&mut *conn).await;
    if found.doing("look up the holder of a policy")?.is_none() {
        return Err(StoreError::NotFound(holder.name().to_owned()));
    }
    sqlx::query(statements.put)
        .bind(holder.name())
        .bind(&policy.name)
        .bind(&policy.document)
        .execute(conn)
        .await
        .doing("put an inline policy")?;
    Ok(())
}

pub(super) async fn list(
    conn: &mut Connection,
    holder: &PolicyHolder,
) -> Result<Vec<InlinePolicy>, StoreError> {
    read(conn, statements(holder).list, holder.name()).await
}

pub(super) async fn effective(conn: &mut Connection, user: &str) -> Result<Vec<InlinePolicy>, StoreError> {
    const OWN_AND_OF_GROUPS: &str = "SELECT name, document FROM user_policies WHERE user_name = $1
         UNION ALL SELECT p.name, p.document FROM iam_group_members m
         JOIN iam_group_policies p ON p.group_name = m.group_name WHERE m.user_name = $1";
    read(conn, OWN_AND_OF_GROUPS, user).await
}

async fn read(
    conn: &mut Connection,
    statement: &'static str,
    holder: &str,
) -> Result<Vec<InlinePolicy>, StoreError> {
    let rows = sqlx::query(statement).bind(holder).fetch_all(conn).await.doing("list inline policies")?;
    rows.iter().map(|row| Ok(InlinePolicy { name: row.text(0)?, document: row.text(1)? })).collect()
}

pub(super) async fn delete(
    conn: &mut Connection,
    holder: &PolicyHolder,
    name: &str,
) -> Result<(), StoreError> {
    let done = sqlx::query(statements(holder).delete)
        .bind(holder.name())
        .bind(name)
        .execute(conn)
        .await
        .doing("delete an inline policy")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(name.to_owned()));
    }
    Ok(())
}
