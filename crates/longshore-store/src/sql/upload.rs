//! Multipart uploads that are under way.

use longshore_model::time::Timestamp;

use super::bundle::{has_bucket, put_object, size, size_column, unnamed};
use super::row::{Columns as _, Doing as _, after_name, encode, limit};
use super::{Connection, Row, dialect};
use crate::{MultipartUpload, ObjectRow, Page, StoreError, UploadedPart};

pub(super) async fn create(conn: &mut Connection, upload: &MultipartUpload) -> Result<(), StoreError> {
    if !has_bucket(conn, &upload.bucket).await? {
        return Err(StoreError::NotFound(upload.bucket.clone()));
    }
    sqlx::query("INSERT INTO uploads (id, bucket, key, started_at, headers) VALUES ($1, $2, $3, $4, $5)")
        .bind(&upload.id)
        .bind(&upload.bucket)
        .bind(&upload.key)
        .bind(upload.started_at.millis())
        .bind(encode(&upload.headers, "upload's headers")?)
        .execute(conn)
        .await
        .doing("begin an upload")?;
    Ok(())
}

pub(super) async fn read(
    conn: &mut Connection,
    id: &str,
) -> Result<Option<(MultipartUpload, Vec<UploadedPart>)>, StoreError> {
    let mut instant =
        sqlx::Connection::begin_with(conn, dialect::BEGIN_INSTANT).await.doing("begin to read an upload")?;
    let row = sqlx::query("SELECT id, bucket, key, started_at, headers FROM uploads WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *instant)
        .await
        .doing("read an upload")?;
    let Some(row) = row else {
        return Ok(None);
    };
    let upload = upload_of_row(&row)?;
    let parts = sqlx::query(
        "SELECT number, size_bytes, e_tag, file, checksums, modified_at FROM upload_parts
         WHERE upload_id = $1 ORDER BY number",
    )
    .bind(id)
    .fetch_all(&mut *instant)
    .await
    .doing("read an upload's parts")?;
    instant.rollback().await.doing("end reading an upload")?;
    let parts = parts.iter().map(part_of_row).collect::<Result<_, _>>()?;
    Ok(Some((upload, parts)))
}

/// Columns: id, bucket, key, started_at, headers.
fn upload_of_row(row: &Row) -> Result<MultipartUpload, StoreError> {
    Ok(MultipartUpload {
        id: row.text(0)?,
        bucket: row.text(1)?,
        key: row.text(2)?,
        started_at: Timestamp::from_millis(row.int(3)?),
        headers: row.document(4, "upload's headers")?,
    })
}

pub(super) async fn list(
    conn: &mut Connection,
    bucket: &str,
    prefix: &str,
    page: &Page,
) -> Result<Vec<MultipartUpload>, StoreError> {
    // A key alone comes before all of its uploads.
    let (after_key, after_id) = after_name(page).rsplit_once('\u{0}').unwrap_or((after_name(page), ""));
    let rows = sqlx::query(
        "SELECT id, bucket, key, started_at, headers FROM uploads
         WHERE bucket = $1 AND key >= $2 AND key >= $3 AND (key > $3 OR id > $4)
         ORDER BY key, id LIMIT $5",
    )
    .bind(bucket)
    .bind(prefix)
    .bind(after_key)
    .bind(after_id)
    .bind(limit(page))
    .fetch_all(conn)
    .await
    .doing("list uploads")?;
    // Keys with a prefix are neighbours in byte order, so the first without it ends the list.
    let uploads = rows.iter().map(upload_of_row);
    uploads
        .take_while(|upload| upload.as_ref().map_or(true, |upload| upload.key.starts_with(prefix)))
        .collect()
}

pub(super) async fn started_before(
    conn: &mut Connection,
    point: Timestamp,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query("SELECT id FROM uploads WHERE started_at < $1 ORDER BY started_at, id LIMIT $2")
        .bind(point.millis())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(conn)
        .await
        .doing("list old uploads")?;
    rows.iter().map(|row| row.text(0)).collect()
}

fn part_of_row(row: &Row) -> Result<UploadedPart, StoreError> {
    Ok(UploadedPart {
        number: u32::try_from(row.int(0)?).unwrap_or(u32::MAX),
        size_bytes: size(row.int(1)?),
        e_tag: row.text(2)?,
        file: row.text(3)?,
        checksums: row.document(4, "part's checksums")?,
        modified_at: Timestamp::from_millis(row.int(5)?),
    })
}

pub(super) async fn put_part(
    conn: &mut Connection,
    upload_id: &str,
    part: &UploadedPart,
) -> Result<Option<String>, StoreError> {
    let known = sqlx::query(
        "SELECT p.file FROM uploads u LEFT JOIN upload_parts p ON p.upload_id = u.id AND p.number = $2
         WHERE u.id = $1",
    )
    .bind(upload_id)
    .bind(i64::from(part.number))
    .fetch_optional(&mut *conn)
    .await
    .doing("look up an upload")?
    .ok_or_else(|| StoreError::NotFound(upload_id.to_owned()))?;
    sqlx::query(
        "INSERT INTO upload_parts (upload_id, number, size_bytes, e_tag, file, checksums, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (upload_id, number) DO UPDATE
         SET size_bytes = excluded.size_bytes, e_tag = excluded.e_tag, file = excluded.file,
             checksums = excluded.checksums, modified_at = excluded.modified_at",
    )
    .bind(upload_id)
    .bind(i64::from(part.number))
    .bind(size_column(part.size_bytes))
    .bind(&part.e_tag)
    .bind(&part.file)
    .bind(encode(&part.checksums, "part's checksums")?)
    .bind(part.modified_at.millis())
    .execute(conn)
    .await
    .doing("add a part")?;
    Ok(known.maybe_text(0)?.filter(|file| *file != part.file))
}

pub(super) async fn end(
    conn: &mut Connection,
    id: &str,
    object: Option<&ObjectRow>,
) -> Result<Vec<String>, StoreError> {
    let parts = sqlx::query("SELECT file FROM upload_parts WHERE upload_id = $1 ORDER BY number")
        .bind(id)
        .fetch_all(&mut *conn)
        .await
        .doing("list an upload's parts")?;
    let mut freed = parts.iter().map(|row| row.text(0)).collect::<Result<Vec<String>, _>>()?;
    let done = sqlx::query("DELETE FROM uploads WHERE id = $1")
        .bind(id)
        .execute(&mut *conn)
        .await
        .doing("end an upload")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(id.to_owned()));
    }
    if let Some(object) = object {
        freed.extend(put_object(conn, object).await?);
    }
    unnamed(conn, freed).await
}
