//! Tokens for GitHub accounts.

use async_trait::async_trait;
use longshore_model::git_hub::{GitHubSecret, GitHubToken};
use longshore_model::id::{ApplicationName, DeploymentGroupId, GitHubTokenName};

use super::row::{Columns as _, Doing as _, after_name, limit};
use super::{Connection, SqlStore};
use crate::{GitHubTokenStore, LinkOutcome, Page, StoreError};

#[async_trait]
impl GitHubTokenStore for SqlStore {
    async fn put_git_hub_token(&self, token: &GitHubToken, max: usize) -> Result<(), StoreError> {
        let token = token.clone();
        self.write(move |conn| Box::pin(async move { put(conn, &token, max).await })).await
    }

    async fn git_hub_tokens(&self, page: &Page) -> Result<Vec<GitHubTokenName>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT name FROM git_hub_tokens WHERE name > $1 ORDER BY name LIMIT $2")
            .bind(after_name(page))
            .bind(limit(page))
            .fetch_all(&mut *reader)
            .await
            .doing("list GitHub tokens")?;
        rows.iter().map(|row| row.word(0, "GitHub token name")).collect()
    }

    async fn delete_git_hub_token(&self, name: &GitHubTokenName) -> Result<(), StoreError> {
        let name = name.clone();
        self.write(move |conn| Box::pin(async move { delete(conn, &name).await })).await
    }

    async fn link_git_hub_token(
        &self,
        application: &ApplicationName,
        token: Option<&GitHubTokenName>,
    ) -> Result<LinkOutcome, StoreError> {
        let (application, token) = (application.clone(), token.cloned());
        self.write(move |conn| Box::pin(async move { link(conn, &application, token.as_ref()).await })).await
    }

    async fn git_hub_secret(&self, group: &DeploymentGroupId) -> Result<Option<GitHubSecret>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT t.secret FROM deployment_groups g
             JOIN applications a ON a.id = g.application_id
             JOIN git_hub_tokens t ON t.name = a.git_hub_token WHERE g.id = $1",
        )
        .bind(group.as_str())
        .fetch_optional(&mut *reader)
        .await
        .doing("read the GitHub token of a deployment group")?;
        row.map(|row| row.word(0, "GitHub token")).transpose()
    }
}

async fn put(conn: &mut Connection, token: &GitHubToken, max: usize) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE git_hub_tokens SET secret = $2 WHERE name = $1")
        .bind(token.name.as_str())
        .bind(token.secret.reveal())
        .execute(&mut *conn)
        .await
        .doing("replace a GitHub token")?;
    if done.rows_affected() > 0 {
        return Ok(());
    }
    let row = sqlx::query("SELECT COUNT(*) FROM git_hub_tokens")
        .fetch_one(&mut *conn)
        .await
        .doing("count GitHub tokens")?;
    if usize::try_from(row.int(0)?).is_ok_and(|count| count >= max) {
        return Err(StoreError::LimitExceeded { what: "the number of GitHub tokens", limit: max });
    }
    sqlx::query("INSERT INTO git_hub_tokens (name, secret, created_at) VALUES ($1, $2, $3)")
        .bind(token.name.as_str())
        .bind(token.secret.reveal())
        .bind(token.created_at.millis())
        .execute(conn)
        .await
        .doing("add a GitHub token")?;
    Ok(())
}

async fn delete(conn: &mut Connection, name: &GitHubTokenName) -> Result<(), StoreError> {
    // Links to it go with it.
    let done = sqlx::query("DELETE FROM git_hub_tokens WHERE name = $1")
        .bind(name.as_str())
        .execute(conn)
        .await
        .doing("delete a GitHub token")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(name.to_string()));
    }
    Ok(())
}

async fn link(
    conn: &mut Connection,
    application: &ApplicationName,
    token: Option<&GitHubTokenName>,
) -> Result<LinkOutcome, StoreError> {
    let known = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM applications WHERE name = $1),
                (SELECT COUNT(*) FROM git_hub_tokens WHERE name = $2)",
    )
    .bind(application.as_str())
    .bind(token.map(GitHubTokenName::as_str))
    .fetch_one(&mut *conn)
    .await
    .doing("look up an application and a GitHub token")?;
    if known.int(0)? == 0 {
        return Ok(LinkOutcome::NoSuchApplication);
    }
    if token.is_some() && known.int(1)? == 0 {
        return Ok(LinkOutcome::NoSuchToken);
    }
    sqlx::query("UPDATE applications SET git_hub_token = $2 WHERE name = $1")
        .bind(application.as_str())
        .bind(token.map(GitHubTokenName::as_str))
        .execute(conn)
        .await
        .doing("link an application to a GitHub token")?;
    Ok(LinkOutcome::Linked)
}
