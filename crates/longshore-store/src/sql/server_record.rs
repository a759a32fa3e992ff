//! The server's own records: written once, then only read.

use async_trait::async_trait;

use super::row::{Columns as _, Doing as _};
use super::{Connection, SqlStore};
use crate::{ServerRecord, ServerRecordStore, StoreError};

#[async_trait]
impl ServerRecordStore for SqlStore {
    async fn server_record(&self, record: &ServerRecord) -> Result<String, StoreError> {
        let record = record.clone();
        self.write(move |conn| Box::pin(async move { keep(conn, &record).await })).await
    }
}

async fn keep(conn: &mut Connection, record: &ServerRecord) -> Result<String, StoreError> {
    sqlx::query("INSERT INTO server_records (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        .bind(&record.name)
        .bind(&record.value)
        .execute(&mut *conn)
        .await
        .doing("write a server record")?;
    let row = sqlx::query("SELECT value FROM server_records WHERE name = $1")
        .bind(&record.name)
        .fetch_one(conn)
        .await
        .doing("read a server record")?;
    row.text(0)
}
