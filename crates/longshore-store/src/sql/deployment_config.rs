//! Custom deployment configs.

use async_trait::async_trait;
use longshore_model::deployment_config::DeploymentConfig;
use longshore_model::id::DeploymentConfigName;

use super::row::{Columns as _, Doing as _, after_name, encode, limit};
use super::{Connection, SqlStore};
use crate::{DeploymentConfigStore, Page, StoreError};

#[async_trait]
impl DeploymentConfigStore for SqlStore {
    async fn create_deployment_config(
        &self,
        config: &DeploymentConfig,
        max: usize,
    ) -> Result<(), StoreError> {
        let config = config.clone();
        self.write(move |conn| Box::pin(async move { create(conn, &config, max).await })).await
    }

    async fn deployment_config(
        &self,
        name: &DeploymentConfigName,
    ) -> Result<Option<DeploymentConfig>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT document FROM deployment_configs WHERE name = $1")
            .bind(name.as_str())
            .fetch_optional(&mut *reader)
            .await
            .doing("read a deployment config")?;
        row.map(|row| row.document(0, "deployment config")).transpose()
    }

    async fn deployment_configs(&self, page: &Page) -> Result<Vec<DeploymentConfigName>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT name FROM deployment_configs WHERE name > $1 ORDER BY name LIMIT $2")
            .bind(after_name(page))
            .bind(limit(page))
            .fetch_all(&mut *reader)
            .await
            .doing("list deployment configs")?;
        rows.iter().map(|row| row.word(0, "deployment config name")).collect()
    }

    async fn delete_deployment_config(&self, name: &DeploymentConfigName) -> Result<(), StoreError> {
        let name = name.clone();
        self.write(move |conn| Box::pin(async move { delete(conn, &name).await })).await
    }
}

async fn create(conn: &mut Connection, config: &DeploymentConfig, max: usize) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT COUNT(*), COUNT(*) FILTER (WHERE name = $1) FROM deployment_configs")
        .bind(config.name.as_str())
        .fetch_one(&mut *conn)
        .await
        .doing("count deployment configs")?;
    if row.int(1)? > 0 {
        return Err(StoreError::AlreadyExists(config.name.to_string()));
    }
    if usize::try_from(row.int(0)?).is_ok_and(|count| count >= max) {
        return Err(StoreError::LimitExceeded { what: "the number of deployment configs", limit: max });
    }
    sqlx::query("INSERT INTO deployment_configs (name, document) VALUES ($1, $2)")
        .bind(config.name.as_str())
        .bind(encode(config, "deployment config")?)
        .execute(conn)
        .await
        .doing("add a deployment config")?;
    Ok(())
}

async fn delete(conn: &mut Connection, name: &DeploymentConfigName) -> Result<(), StoreError> {
    let user = sqlx::query(
        "SELECT name FROM deployment_groups WHERE config = $1
         UNION ALL SELECT id FROM deployments WHERE is_final = 0 AND config = $1 LIMIT 1",
    )
    .bind(name.as_str())
    .fetch_optional(&mut *conn)
    .await
    .doing("look up who uses a deployment config")?;
    if let Some(row) = user {
        return Err(StoreError::InUse(row.text(0)?));
    }
    sqlx::query("DELETE FROM deployment_configs WHERE name = $1")
        .bind(name.as_str())
        .execute(conn)
        .await
        .doing("delete a deployment config")?;
    Ok(())
}
