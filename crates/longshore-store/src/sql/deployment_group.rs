//! Deployment groups and what they remember of their hosts.

use async_trait::async_trait;
use longshore_model::deployment_group::DeploymentGroup;
use longshore_model::host::HostHealth;
use longshore_model::id::{ApplicationName, DeploymentGroupId, DeploymentGroupName, DeploymentId, HostArn};

use super::application;
use super::row::{Columns as _, Doing as _, after_name, encode, limit};
use super::{Connection, Row, SqlStore};
use crate::{DeploymentGroupStore, Page, StoreError};

#[async_trait]
impl DeploymentGroupStore for SqlStore {
    async fn create_deployment_group(&self, group: &DeploymentGroup, max: usize) -> Result<(), StoreError> {
        let group = group.clone();
        self.write(move |conn| Box::pin(async move { create(conn, &group, max).await })).await
    }

    async fn deployment_group(
        &self,
        application: &ApplicationName,
        name: &DeploymentGroupName,
    ) -> Result<Option<DeploymentGroup>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT a.name, g.document, g.history FROM deployment_groups g
             JOIN applications a ON a.id = g.application_id WHERE a.name = $1 AND g.name = $2",
        )
        .bind(application.as_str())
        .bind(name.as_str())
        .fetch_optional(&mut *reader)
        .await
        .doing("read a deployment group")?;
        row.as_ref().map(group_of_row).transpose()
    }

    async fn deployment_group_by_id(
        &self,
        id: &DeploymentGroupId,
    ) -> Result<Option<DeploymentGroup>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT a.name, g.document, g.history FROM deployment_groups g
             JOIN applications a ON a.id = g.application_id WHERE g.id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(&mut *reader)
        .await
        .doing("read a deployment group")?;
        row.as_ref().map(group_of_row).transpose()
    }

    async fn deployment_groups_tagged(&self, key: &str) -> Result<Vec<DeploymentGroup>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT a.name, g.document, g.history FROM deployment_groups g
             JOIN applications a ON a.id = g.application_id ORDER BY a.name, g.name",
        )
        .fetch_all(&mut *reader)
        .await
        .doing("look for deployment groups with a tag")?;
        let mut groups =
            rows.iter().map(group_of_row).collect::<Result<Vec<DeploymentGroup>, StoreError>>()?;
        groups.retain(|group| group.tags.iter().any(|tag| tag.key == key));
        Ok(groups)
    }

    async fn deployment_groups(
        &self,
        application: &ApplicationName,
        page: &Page,
    ) -> Result<Vec<DeploymentGroupName>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT g.name FROM deployment_groups g JOIN applications a ON a.id = g.application_id
             WHERE a.name = $1 AND g.name > $2 ORDER BY g.name LIMIT $3",
        )
        .bind(application.as_str())
        .bind(after_name(page))
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list deployment groups")?;
        rows.iter().map(|row| row.word(0, "deployment group name")).collect()
    }

    async fn update_deployment_group(
        &self,
        before: &DeploymentGroup,
        after: &DeploymentGroup,
    ) -> Result<(), StoreError> {
        let (before, after) = (before.clone(), after.clone());
        self.write(move |conn| Box::pin(async move { update(conn, &before, &after).await })).await
    }

    async fn delete_deployment_group(
        &self,
        application: &ApplicationName,
        name: &DeploymentGroupName,
    ) -> Result<Vec<DeploymentId>, StoreError> {
        let (application, name) = (application.clone(), name.clone());
        self.write(move |conn| Box::pin(async move { delete(conn, &application, &name).await })).await
    }

    async fn host_health(&self, group: &DeploymentGroupId) -> Result<Vec<(HostArn, HostHealth)>, StoreError> {
        let mut reader = self.reader().await?;
        let rows =
            sqlx::query("SELECT host_arn, document FROM host_health WHERE group_id = $1 ORDER BY host_arn")
                .bind(group.as_str())
                .fetch_all(&mut *reader)
                .await
                .doing("read host health")?;
        rows.iter().map(|row| Ok((HostArn(row.text(0)?), row.document(1, "host health")?))).collect()
    }
}

/// Columns: the application's present name, the document, the history.
fn group_of_row(row: &Row) -> Result<DeploymentGroup, StoreError> {
    let mut group: DeploymentGroup = row.document(1, "deployment group")?;
    group.application = row.word(0, "application name")?;
    group.history = row.document(2, "group history")?;
    Ok(group)
}

async fn create(conn: &mut Connection, group: &DeploymentGroup, max: usize) -> Result<(), StoreError> {
    let application_id = application::id_of(conn, &group.application).await?;
    let row = sqlx::query(
        "SELECT COUNT(*) FILTER (WHERE application_id = $1),
                COUNT(*) FILTER (WHERE application_id = $1 AND name = $2 OR id = $3)
         FROM deployment_groups WHERE application_id = $1 OR id = $3",
    )
    .bind(&application_id)
    .bind(group.name.as_str())
    .bind(group.id.as_str())
    .fetch_one(&mut *conn)
    .await
    .doing("count deployment groups")?;
    if row.int(1)? > 0 {
        return Err(StoreError::AlreadyExists(group.name.to_string()));
    }
    if usize::try_from(row.int(0)?).is_ok_and(|count| count >= max) {
        return Err(StoreError::LimitExceeded {
            what: "the number of deployment groups of an application",
            limit: max,
        });
    }
    let target_revision = group.history.target_revision.as_ref().map(|revision| revision.identity());
    sqlx::query(
        "INSERT INTO deployment_groups (id, application_id, name, config, target_revision, history, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(group.id.as_str())
    .bind(application_id)
    .bind(group.name.as_str())
    .bind(group.config.as_str())
    .bind(target_revision)
    .bind(encode(&group.history, "group history")?)
    .bind(encode(group, "deployment group")?)
    .execute(conn)
    .await
    .doing("add a deployment group")?;
    Ok(())
}

async fn update(
    conn: &mut Connection,
    before: &DeploymentGroup,
    after: &DeploymentGroup,
) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT a.name, g.document, g.history, (SELECT COUNT(*) FROM deployment_groups rival
             WHERE rival.application_id = g.application_id AND rival.name = $2 AND rival.id <> g.id)
         FROM deployment_groups g JOIN applications a ON a.id = g.application_id WHERE g.id = $1",
    )
    .bind(before.id.as_str())
    .bind(after.name.as_str())
    .fetch_optional(&mut *conn)
    .await
    .doing("look up a deployment group")?
    .ok_or_else(|| StoreError::NotFound(before.name.to_string()))?;
    // Read, not compared as text: an older version may have written it.
    let mut present = group_of_row(&row)?;
    present.history.clone_from(&before.history);
    present.application.clone_from(&before.application);
    if present != *before {
        return Err(StoreError::Stale);
    }
    if row.int(3)? > 0 {
        return Err(StoreError::AlreadyExists(after.name.to_string()));
    }
    sqlx::query("UPDATE deployment_groups SET name = $2, config = $3, document = $4 WHERE id = $1")
        .bind(after.id.as_str())
        .bind(after.name.as_str())
        .bind(after.config.as_str())
        .bind(encode(after, "deployment group")?)
        .execute(conn)
        .await
        .doing("change a deployment group")?;
    Ok(())
}

async fn delete(
    conn: &mut Connection,
    application: &ApplicationName,
    name: &DeploymentGroupName,
) -> Result<Vec<DeploymentId>, StoreError> {
    let group = sqlx::query(
        "SELECT g.id FROM deployment_groups g JOIN applications a ON a.id = g.application_id
         WHERE a.name = $1 AND g.name = $2",
    )
    .bind(application.as_str())
    .bind(name.as_str())
    .fetch_optional(&mut *conn)
    .await
    .doing("look up a deployment group")?;
    let Some(group) = group else {
        return Ok(Vec::new());
    };
    let id = group.text(0)?;
    let unfinished = sqlx::query(
        "SELECT id FROM deployments WHERE group_id = $1 AND is_final = 0 ORDER BY created_at, id",
    )
    .bind(&id)
    .fetch_all(&mut *conn)
    .await
    .doing("list unfinished deployments")?;
    sqlx::query("DELETE FROM deployment_groups WHERE id = $1")
        .bind(&id)
        .execute(conn)
        .await
        .doing("delete a deployment group")?;
    unfinished.iter().map(|row| row.word(0, "deployment id")).collect()
}
