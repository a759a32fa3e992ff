//! Resource tags: a column of an application, a part of a group's document.

use async_trait::async_trait;
use longshore_model::application::{MAX_RESOURCE_TAGS, ResourceTag, TagChange, TaggedResource};
use longshore_model::deployment_group::DeploymentGroup;
use longshore_model::id::{ApplicationName, DeploymentGroupName};

use super::row::{Columns as _, Doing as _, encode};
use super::{Connection, SqlStore};
use crate::{StoreError, TagStore};

#[async_trait]
impl TagStore for SqlStore {
    async fn change_tags(&self, resource: &TaggedResource, change: &TagChange) -> Result<(), StoreError> {
        let (resource, change) = (resource.clone(), change.clone());
        self.write(move |conn| {
            Box::pin(async move {
                match &resource {
                    TaggedResource::Application(name) => change_application(conn, name, &change).await,
                    TaggedResource::Group(application, name) => {
                        change_group(conn, application, name, &change).await
                    }
                }
            })
        })
        .await
    }
}

async fn change_application(
    conn: &mut Connection,
    name: &ApplicationName,
    change: &TagChange,
) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT tags FROM applications WHERE name = $1")
        .bind(name.as_str())
        .fetch_optional(&mut *conn)
        .await
        .doing("read the tags of an application")?
        .ok_or_else(|| StoreError::NotFound(name.to_string()))?;
    let tags = changed(row.document(0, "resource tags")?, change)?;
    sqlx::query("UPDATE applications SET tags = $2 WHERE name = $1")
        .bind(name.as_str())
        .bind(encode(&tags, "resource tags")?)
        .execute(conn)
        .await
        .doing("tag an application")?;
    Ok(())
}

async fn change_group(
    conn: &mut Connection,
    application: &ApplicationName,
    name: &DeploymentGroupName,
    change: &TagChange,
) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT g.document FROM deployment_groups g JOIN applications a ON a.id = g.application_id
         WHERE a.name = $1 AND g.name = $2",
    )
    .bind(application.as_str())
    .bind(name.as_str())
    .fetch_optional(&mut *conn)
    .await
    .doing("read the tags of a deployment group")?
    .ok_or_else(|| StoreError::NotFound(name.to_string()))?;
    let mut group: DeploymentGroup = row.document(0, "deployment group")?;
    group.tags = changed(group.tags, change)?;
    sqlx::query("UPDATE deployment_groups SET document = $2 WHERE id = $1")
        .bind(group.id.as_str())
        .bind(encode(&group, "deployment group")?)
        .execute(conn)
        .await
        .doing("tag a deployment group")?;
    Ok(())
}

fn changed(tags: Vec<ResourceTag>, change: &TagChange) -> Result<Vec<ResourceTag>, StoreError> {
    change.apply(tags).map_err(|_too_many| StoreError::LimitExceeded {
        what: "the number of tags of a resource",
        limit: MAX_RESOURCE_TAGS,
    })
}
