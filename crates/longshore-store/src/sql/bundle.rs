//! Which buckets and objects there are. Files are counted by `object_files`, so that a file that
//! several rows name is given free by the last of them.

use async_trait::async_trait;
use longshore_model::time::Timestamp;

use super::row::{Columns as _, Doing as _, after_name, encode, limit};
use super::{Connection, Row, SqlStore, json_texts, upload};
use crate::{BundleIndex, MultipartUpload, ObjectRow, Page, StoreError, UploadedPart};

/// The columns that [`object_of_row`] takes.
macro_rules! object_columns {
    () => {
        "o.bucket, o.key, o.version, o.sequence, o.is_delete_marker, o.size_bytes, o.e_tag, \
         o.modified_at, o.files, o.headers"
    };
}

#[async_trait]
impl BundleIndex for SqlStore {
    async fn create_bucket(&self, name: &str, now: Timestamp) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |conn| Box::pin(async move { create_bucket(conn, &name, now).await })).await
    }

    async fn bucket(&self, name: &str) -> Result<Option<(Timestamp, Option<bool>)>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT created_at, keeps_versions FROM buckets WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut *reader)
            .await
            .doing("read a bucket")?;
        row.map(|row| Ok((Timestamp::from_millis(row.int(0)?), row.maybe_int(1)?.map(|is_on| is_on != 0))))
            .transpose()
    }

    async fn buckets(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT name, created_at FROM buckets ORDER BY name")
            .fetch_all(&mut *reader)
            .await
            .doing("list buckets")?;
        rows.iter().map(|row| Ok((row.text(0)?, Timestamp::from_millis(row.int(1)?)))).collect()
    }

    async fn set_versioning(&self, bucket: &str, is_enabled: bool) -> Result<(), StoreError> {
        let bucket = bucket.to_owned();
        self.write(move |conn| Box::pin(async move { set_versioning(conn, &bucket, is_enabled).await })).await
    }

    async fn delete_bucket(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |conn| Box::pin(async move { delete_bucket(conn, &name).await })).await
    }

    async fn put_object(&self, object: &ObjectRow) -> Result<Vec<String>, StoreError> {
        let object = object.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let replaced = put_object(conn, &object).await?;
                unnamed(conn, replaced).await
            })
        })
        .await
    }

    async fn object(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<ObjectRow>, StoreError> {
        let mut reader = self.reader().await?;
        let query = match version {
            Some(_) => sqlx::query(concat!(
                "SELECT ",
                object_columns!(),
                " FROM objects o WHERE o.bucket = $1 AND o.key = $2 AND o.version = $3"
            )),
            None => sqlx::query(concat!(
                "SELECT ",
                object_columns!(),
                " FROM objects o WHERE o.bucket = $1 AND o.key = $2 ORDER BY o.sequence DESC LIMIT 1"
            )),
        };
        let query = query.bind(bucket).bind(key);
        let query = match version {
            Some(version) => query.bind(version),
            None => query,
        };
        let row = query.fetch_optional(&mut *reader).await.doing("read an object")?;
        row.as_ref().map(object_of_row).transpose()
    }

    async fn objects(&self, bucket: &str, prefix: &str, page: &Page) -> Result<Vec<ObjectRow>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(concat!(
            "SELECT ",
            object_columns!(),
            " FROM objects o
              WHERE o.bucket = $1 AND o.key >= $2 AND o.key > $3 AND o.is_delete_marker = 0
              AND NOT EXISTS (SELECT 1 FROM objects newer WHERE newer.bucket = o.bucket
                              AND newer.key = o.key AND newer.sequence > o.sequence)
              ORDER BY o.key LIMIT $4"
        ))
        .bind(bucket)
        .bind(prefix)
        .bind(after_name(page))
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list objects")?;
        objects_with_prefix(&rows, prefix)
    }

    async fn object_versions(
        &self,
        bucket: &str,
        prefix: &str,
        page: &Page,
    ) -> Result<Vec<ObjectRow>, StoreError> {
        // A key alone stands for all of its rows.
        let (after_key, before_sequence) = match after_name(page).rsplit_once('\u{0}') {
            Some((key, sequence)) => (key, sequence.parse().unwrap_or(0)),
            None => (after_name(page), 0),
        };
        let mut reader = self.reader().await?;
        let rows = sqlx::query(concat!(
            "SELECT ",
            object_columns!(),
            " FROM objects o
              WHERE o.bucket = $1 AND o.key >= $2 AND o.key >= $3 AND (o.key > $3 OR o.sequence < $4)
              ORDER BY o.key, o.sequence DESC LIMIT $5"
        ))
        .bind(bucket)
        .bind(prefix)
        .bind(after_key)
        .bind::<i64>(before_sequence)
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list object versions")?;
        objects_with_prefix(&rows, prefix)
    }

    async fn remove_object(&self, bucket: &str, key: &str, version: &str) -> Result<Vec<String>, StoreError> {
        let (bucket, key, version) = (bucket.to_owned(), key.to_owned(), version.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let removed = remove_row(conn, &bucket, &key, &version).await?;
                unnamed(conn, removed).await
            })
        })
        .await
    }

    async fn create_upload(&self, upload: &MultipartUpload) -> Result<(), StoreError> {
        let upload = upload.clone();
        self.write(move |conn| Box::pin(async move { upload::create(conn, &upload).await })).await
    }

    async fn upload(&self, id: &str) -> Result<Option<(MultipartUpload, Vec<UploadedPart>)>, StoreError> {
        upload::read(&mut *self.reader().await?, id).await
    }

    async fn put_part(&self, upload_id: &str, part: &UploadedPart) -> Result<Option<String>, StoreError> {
        let (id, part) = (upload_id.to_owned(), part.clone());
        self.write(move |conn| Box::pin(async move { upload::put_part(conn, &id, &part).await })).await
    }

    async fn end_upload(&self, id: &str, object: Option<&ObjectRow>) -> Result<Vec<String>, StoreError> {
        let (id, object) = (id.to_owned(), object.cloned());
        self.write(move |conn| Box::pin(async move { upload::end(conn, &id, object.as_ref()).await })).await
    }

    async fn uploads(
        &self,
        bucket: &str,
        prefix: &str,
        page: &Page,
    ) -> Result<Vec<MultipartUpload>, StoreError> {
        upload::list(&mut *self.reader().await?, bucket, prefix, page).await
    }

    async fn uploads_before(&self, point: Timestamp, limit: usize) -> Result<Vec<String>, StoreError> {
        upload::started_before(&mut *self.reader().await?, point, limit).await
    }

    async fn bundle_files(&self) -> Result<Vec<String>, StoreError> {
        let mut reader = self.reader().await?;
        let rows =
            sqlx::query("SELECT file FROM object_files UNION SELECT file FROM upload_parts ORDER BY file")
                .fetch_all(&mut *reader)
                .await
                .doing("list bundle files")?;
        rows.iter().map(|row| row.text(0)).collect()
    }
}

/// Columns: [`object_columns`].
fn object_of_row(row: &Row) -> Result<ObjectRow, StoreError> {
    Ok(ObjectRow {
        bucket: row.text(0)?,
        key: row.text(1)?,
        version: row.text(2)?,
        sequence: row.int(3)?,
        is_delete_marker: row.int(4)? != 0,
        size_bytes: size(row.int(5)?),
        e_tag: row.text(6)?,
        modified_at: Timestamp::from_millis(row.int(7)?),
        files: row.document(8, "object's files")?,
        headers: row.document(9, "object's headers")?,
    })
}

/// Keys with a prefix are neighbours in byte order, so the first without it ends the list.
fn objects_with_prefix(rows: &[Row], prefix: &str) -> Result<Vec<ObjectRow>, StoreError> {
    let mut objects = Vec::with_capacity(rows.len());
    for row in rows {
        let object = object_of_row(row)?;
        if !object.key.starts_with(prefix) {
            break;
        }
        objects.push(object);
    }
    Ok(objects)
}

/// A length as the domain counts it; a length that the store wrote is never negative.
pub(super) fn size(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

/// A length as a column; nothing is longer than `i64::MAX` bytes.
pub(super) fn size_column(size_bytes: u64) -> i64 {
    i64::try_from(size_bytes).unwrap_or(i64::MAX)
}

pub(super) async fn has_bucket(conn: &mut Connection, name: &str) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM buckets WHERE name = $1")
        .bind(name)
        .fetch_optional(conn)
        .await
        .doing("look up a bucket")?;
    Ok(row.is_some())
}

async fn create_bucket(conn: &mut Connection, name: &str, now: Timestamp) -> Result<(), StoreError> {
    if has_bucket(conn, name).await? {
        return Err(StoreError::AlreadyExists(name.to_owned()));
    }
    sqlx::query("INSERT INTO buckets (name, created_at) VALUES ($1, $2)")
        .bind(name)
        .bind(now.millis())
        .execute(conn)
        .await
        .doing("make a bucket")?;
    Ok(())
}

async fn set_versioning(conn: &mut Connection, bucket: &str, is_enabled: bool) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE buckets SET keeps_versions = $2 WHERE name = $1")
        .bind(bucket)
        .bind(i64::from(is_enabled))
        .execute(conn)
        .await
        .doing("switch versioning")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(bucket.to_owned()));
    }
    Ok(())
}

async fn delete_bucket(conn: &mut Connection, name: &str) -> Result<(), StoreError> {
    let object = sqlx::query("SELECT key FROM objects WHERE bucket = $1 LIMIT 1")
        .bind(name)
        .fetch_optional(&mut *conn)
        .await
        .doing("look into a bucket")?;
    if let Some(row) = object {
        return Err(StoreError::InUse(row.text(0)?));
    }
    // Uploads that nobody finished go with it.
    let done = sqlx::query("DELETE FROM buckets WHERE name = $1")
        .bind(name)
        .execute(conn)
        .await
        .doing("delete a bucket")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(name.to_owned()));
    }
    Ok(())
}

/// Puts the row in the place of one with the same version. Answers the files of that one.
pub(super) async fn put_object(conn: &mut Connection, object: &ObjectRow) -> Result<Vec<String>, StoreError> {
    if !has_bucket(conn, &object.bucket).await? {
        return Err(StoreError::NotFound(object.bucket.clone()));
    }
    // Removed and added rather than changed, so that it gets a new, larger sequence.
    let replaced = remove_row(conn, &object.bucket, &object.key, &object.version).await?;
    let row = sqlx::query(
        "INSERT INTO objects (bucket, key, version, is_delete_marker, size_bytes, e_tag, modified_at,
                              files, headers)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING sequence",
    )
    .bind(&object.bucket)
    .bind(&object.key)
    .bind(&object.version)
    .bind(i64::from(object.is_delete_marker))
    .bind(size_column(object.size_bytes))
    .bind(&object.e_tag)
    .bind(object.modified_at.millis())
    .bind(encode(&object.files, "object's files")?)
    .bind(encode(&object.headers, "object's headers")?)
    .fetch_one(&mut *conn)
    .await
    .doing("add an object")?;
    sqlx::query(concat!(
        "INSERT INTO object_files (file, sequence) SELECT DISTINCT value, $2 FROM ",
        json_texts!("$1", "file")
    ))
    .bind(encode(&object.files, "object's files")?)
    .bind(row.int(0)?)
    .execute(conn)
    .await
    .doing("note an object's files")?;
    Ok(replaced)
}

/// Removes one row, if it is there, and answers its files.
async fn remove_row(
    conn: &mut Connection,
    bucket: &str,
    key: &str,
    version: &str,
) -> Result<Vec<String>, StoreError> {
    let row =
        sqlx::query("DELETE FROM objects WHERE bucket = $1 AND key = $2 AND version = $3 RETURNING files")
            .bind(bucket)
            .bind(key)
            .bind(version)
            .fetch_optional(conn)
            .await
            .doing("remove an object")?;
    row.map_or(Ok(Vec::new()), |row| row.document(0, "object's files"))
}

/// Those of `files` that no row names any more.
pub(super) async fn unnamed(conn: &mut Connection, files: Vec<String>) -> Result<Vec<String>, StoreError> {
    if files.is_empty() {
        return Ok(files);
    }
    let rows = sqlx::query(concat!(
        "SELECT DISTINCT value FROM ",
        json_texts!("$1", "candidate"),
        "
         WHERE NOT EXISTS (SELECT 1 FROM object_files f WHERE f.file = candidate.value)
         AND NOT EXISTS (SELECT 1 FROM upload_parts p WHERE p.file = candidate.value)"
    ))
    .bind(encode(&files, "files")?)
    .fetch_all(conn)
    .await
    .doing("look up who names a file")?;
    rows.iter().map(|row| row.text(0)).collect()
}
