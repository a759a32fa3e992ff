//! Enrollment: tokens, and hosts that are made with one.

use async_trait::async_trait;
use longshore_model::enrollment::{EnrollmentToken, TokenState};
use longshore_model::id::{EnrollmentTokenId, HostArn, PrincipalArn};
use longshore_model::time::Timestamp;

use super::row::{Columns as _, Doing as _, after_name, encode, limit};
use super::{Connection, Row, SqlStore, host, identity, inline_policy};
use crate::{
    EnrollOutcome, EnrolledHost, EnrollmentStore, NewEnrollment, Page, PolicyHolder, StoreError, StoredToken,
};

/// As many as are made with a host.
const KEYS_OF_A_NEW_USER: usize = 1;

#[async_trait]
impl EnrollmentStore for SqlStore {
    async fn create_enrollment_token(
        &self,
        token: &StoredToken,
        forget_before: Timestamp,
    ) -> Result<(), StoreError> {
        let token = token.clone();
        self.write(move |conn| Box::pin(async move { create(conn, &token, forget_before).await })).await
    }

    async fn enrollment_token(&self, id: &EnrollmentTokenId) -> Result<Option<StoredToken>, StoreError> {
        read(&mut *self.reader().await?, id).await
    }

    async fn enrollment_tokens(&self, page: &Page) -> Result<Vec<EnrollmentToken>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT id, created_at, created_by, expires_at, max_uses, n_uses, revoked_at, tags
             FROM enrollment_tokens WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after_name(page))
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list enrollment tokens")?;
        rows.iter().map(token_of_row).collect()
    }

    async fn revoke_enrollment_token(
        &self,
        id: &EnrollmentTokenId,
        now: Timestamp,
    ) -> Result<EnrollmentToken, StoreError> {
        let id = id.clone();
        self.write(move |conn| Box::pin(async move { revoke(conn, &id, now).await })).await
    }

    async fn enroll(&self, enrollment: &NewEnrollment, now: Timestamp) -> Result<EnrollOutcome, StoreError> {
        let enrollment = enrollment.clone();
        self.write(move |conn| Box::pin(async move { enroll(conn, &enrollment, now).await })).await
    }
}

/// Columns: id, created_at, created_by, expires_at, max_uses, n_uses, revoked_at, tags.
fn token_of_row(row: &Row) -> Result<EnrollmentToken, StoreError> {
    Ok(EnrollmentToken {
        id: row.word(0, "enrollment token id")?,
        created_at: Timestamp::from_millis(row.int(1)?),
        created_by: PrincipalArn(row.text(2)?),
        expires_at: Timestamp::from_millis(row.int(3)?),
        max_uses: u32::try_from(row.int(4)?).unwrap_or(0),
        n_uses: u32::try_from(row.int(5)?).unwrap_or(u32::MAX),
        revoked_at: row.maybe_int(6)?.map(Timestamp::from_millis),
        tags: row.document(7, "tags of an enrollment token")?,
    })
}

async fn read(conn: &mut Connection, id: &EnrollmentTokenId) -> Result<Option<StoredToken>, StoreError> {
    let row = sqlx::query(
        "SELECT id, created_at, created_by, expires_at, max_uses, n_uses, revoked_at, tags, secret
         FROM enrollment_tokens WHERE id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(conn)
    .await
    .doing("read an enrollment token")?;
    row.map(|row| Ok(StoredToken { token: token_of_row(&row)?, secret: row.text(8)? })).transpose()
}

async fn create(
    conn: &mut Connection,
    stored: &StoredToken,
    forget_before: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM enrollment_tokens WHERE expires_at < $1")
        .bind(forget_before.millis())
        .execute(&mut *conn)
        .await
        .doing("forget old enrollment tokens")?;
    let StoredToken { token, secret } = stored;
    let done = sqlx::query(
        "INSERT INTO enrollment_tokens
         (id, secret, created_at, created_by, expires_at, max_uses, n_uses, revoked_at, tags)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
    )
    .bind(token.id.as_str())
    .bind(secret)
    .bind(token.created_at.millis())
    .bind(&token.created_by.0)
    .bind(token.expires_at.millis())
    .bind(i64::from(token.max_uses))
    .bind(i64::from(token.n_uses))
    .bind(token.revoked_at.map(Timestamp::millis))
    .bind(encode(&token.tags, "tags of an enrollment token")?)
    .execute(conn)
    .await
    .doing("add an enrollment token")?;
    if done.rows_affected() == 0 {
        return Err(StoreError::AlreadyExists(token.id.to_string()));
    }
    Ok(())
}

async fn revoke(
    conn: &mut Connection,
    id: &EnrollmentTokenId,
    now: Timestamp,
) -> Result<EnrollmentToken, StoreError> {
    sqlx::query("UPDATE enrollment_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id.as_str())
        .bind(now.millis())
        .execute(&mut *conn)
        .await
        .doing("revoke an enrollment token")?;
    let found = read(conn, id).await?;
    found.map(|stored| stored.token).ok_or_else(|| StoreError::NotFound(id.to_string()))
}

async fn enroll(
    conn: &mut Connection,
    new: &NewEnrollment,
    now: Timestamp,
) -> Result<EnrollOutcome, StoreError> {
    let found = read(conn, &new.token).await?;
    let token = found.ok_or_else(|| StoreError::NotFound(new.token.to_string()))?.token;
    if token.may_repeat(now)
        && let Some(before) = made_before(conn, new).await?
    {
        return Ok(EnrollOutcome::Enrolled(before));
    }
    match token.state(now) {
        TokenState::Usable => {}
        state @ (TokenState::UsedUp | TokenState::Expired | TokenState::Revoked) => {
            return Ok(EnrollOutcome::Refused(state));
        }
    }
    if host::registered(conn, &new.host.name).await?.is_some() {
        return Ok(EnrollOutcome::HostNameTaken);
    }
    if identity::has_user(conn, &new.user.name).await? {
        return Ok(EnrollOutcome::UserNameTaken);
    }
    make(conn, new, &token).await?;
    Ok(EnrollOutcome::Enrolled(EnrolledHost {
        host_arn: new.host.arn.clone(),
        principal: new.user.arn.clone(),
        key: new.key.clone(),
    }))
}

/// What the same request made, if all of it is still there.
async fn made_before(conn: &mut Connection, new: &NewEnrollment) -> Result<Option<EnrolledHost>, StoreError> {
    let row = sqlx::query(
        "SELECT k.id, k.secret, k.user_name, k.is_active, k.created_at, u.arn, e.host_arn
         FROM enrollments e
         JOIN access_keys k ON k.id = e.access_key_id AND k.is_active = 1
         JOIN users u ON u.name = k.user_name
         JOIN hosts h ON h.name = e.host AND h.principal = u.arn AND h.deregistered_at IS NULL
         WHERE e.token_id = $1 AND e.request_id = $2 AND e.host = $3",
    )
    .bind(new.token.as_str())
    .bind(&new.request_id)
    .bind(new.host.name.as_str())
    .fetch_optional(conn)
    .await
    .doing("look up an enrollment")?;
    row.map(|row| {
        Ok(EnrolledHost {
            key: identity::access_key_of_row(&row)?,
            principal: PrincipalArn(row.text(5)?),
            host_arn: HostArn(row.text(6)?),
        })
    })
    .transpose()
}

async fn make(conn: &mut Connection, new: &NewEnrollment, token: &EnrollmentToken) -> Result<(), StoreError> {
    let mut host = new.host.clone();
    host.tags.clone_from(&token.tags);
    identity::create_user(conn, &new.user).await?;
    identity::create_access_key(conn, &new.key, KEYS_OF_A_NEW_USER).await?;
    inline_policy::put(conn, &PolicyHolder::User(new.user.name.clone()), &new.policy).await?;
    host::register(conn, &host).await?;
    sqlx::query("UPDATE enrollment_tokens SET n_uses = n_uses + 1 WHERE id = $1")
        .bind(token.id.as_str())
        .execute(&mut *conn)
        .await
        .doing("count the use of an enrollment token")?;
    // What the same request made before is gone, or it would have been answered.
    sqlx::query(
        "INSERT INTO enrollments (token_id, request_id, host, host_arn, access_key_id)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (token_id, request_id, host)
         DO UPDATE SET host_arn = excluded.host_arn, access_key_id = excluded.access_key_id",
    )
    .bind(token.id.as_str())
    .bind(&new.request_id)
    .bind(host.name.as_str())
    .bind(&host.arn.0)
    .bind(&new.key.id)
    .execute(conn)
    .await
    .doing("note an enrollment")?;
    Ok(())
}
