//! The EC2 inventory.

use super::row::{Columns as _, Doing as _, after_name, encode, limit};
use super::{Connection, SqlStore};
use crate::{Ec2Store, Page, StoreError};
use async_trait::async_trait;
use futures::TryStreamExt as _;
use longshore_model::host::ec2::Ec2Instance;
use longshore_model::id::{Ec2InstanceId, PrincipalArn};
use longshore_model::tag_filter::TagSelector;

#[async_trait]
impl Ec2Store for SqlStore {
    async fn put_ec2_instance(&self, instance: &Ec2Instance) -> Result<(), StoreError> {
        let instance = instance.clone();
        self.write(move |conn| Box::pin(async move { put(conn, &instance).await })).await
    }

    async fn ec2_instance(&self, id: &Ec2InstanceId) -> Result<Option<Ec2Instance>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT document FROM ec2_instances WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut *reader)
            .await
            .doing("read an EC2 instance")?;
        row.map(|row| row.document(0, "EC2 instance")).transpose()
    }

    async fn ec2_instances(&self, page: &Page) -> Result<Vec<Ec2Instance>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT document FROM ec2_instances WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after_name(page))
            .bind(limit(page))
            .fetch_all(&mut *reader)
            .await
            .doing("list EC2 instances")?;
        rows.iter().map(|row| row.document(0, "EC2 instance")).collect()
    }

    async fn select_ec2_instances(&self, selector: &TagSelector) -> Result<Vec<Ec2Instance>, StoreError> {
        // Most groups select none: theirs is not worth reading the inventory.
        if selector.is_empty() {
            return Ok(Vec::new());
        }
        let mut reader = self.reader().await?;
        let mut rows = sqlx::query("SELECT document FROM ec2_instances ORDER BY id").fetch(&mut *reader);
        let mut instances: Vec<Ec2Instance> = Vec::new();
        while let Some(row) = rows.try_next().await.doing("select EC2 instances")? {
            let instance: Ec2Instance = row.document(0, "EC2 instance")?;
            if instance.is_selected_by(selector) {
                instances.push(instance);
            }
        }
        Ok(instances)
    }

    async fn delete_ec2_instance(&self, id: &Ec2InstanceId) -> Result<(), StoreError> {
        let id = id.clone();
        let forgotten = self.write(move |conn| Box::pin(async move { delete(conn, &id).await })).await?;
        if let Some(identifier) = forgotten {
            self.shared.contacts.forget(&identifier);
        }
        Ok(())
    }
}

async fn put(conn: &mut Connection, instance: &Ec2Instance) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ec2_instances (id, document) VALUES ($1, $2)
         ON CONFLICT (id) DO UPDATE SET document = excluded.document",
    )
    .bind(instance.id.as_str())
    .bind(encode(instance, "EC2 instance")?)
    .execute(conn)
    .await
    .doing("put an EC2 instance")?;
    Ok(())
}

/// Answers as whom the instance polled, if it was there.
async fn delete(conn: &mut Connection, id: &Ec2InstanceId) -> Result<Option<PrincipalArn>, StoreError> {
    let row = sqlx::query("DELETE FROM ec2_instances WHERE id = $1 RETURNING document")
        .bind(id.as_str())
        .fetch_optional(&mut *conn)
        .await
        .doing("delete an EC2 instance")?;
    let Some(row) = row else { return Ok(None) };
    let instance: Ec2Instance = row.document(0, "EC2 instance")?;
    let identifier = instance.host_identifier();
    sqlx::query("DELETE FROM host_contacts WHERE principal = $1")
        .bind(&identifier.0)
        .execute(conn)
        .await
        .doing("forget when a host polled")?;
    Ok(Some(identifier))
}
