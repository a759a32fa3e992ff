//! Hosts: registered ones and tombstones.

use async_trait::async_trait;
use futures::TryStreamExt as _;
use longshore_model::host::{Arrival, Host, HostContact, HostTag};
use longshore_model::id::{HostName, PrincipalArn};
use longshore_model::tag_filter::TagSelector;
use longshore_model::time::Timestamp;

use super::row::{Columns as _, Doing as _, after_name, encode};
use super::{Connection, SqlStore};
use super::{arrival, contact};
use crate::{HostFilter, HostStore, Page, StoreError};

#[async_trait]
impl HostStore for SqlStore {
    async fn register_host(&self, host: &Host) -> Result<(), StoreError> {
        let host = host.clone();
        self.write(move |conn| Box::pin(async move { register(conn, &host).await })).await
    }

    async fn deregister_host(
        &self,
        name: &HostName,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> Result<(), StoreError> {
        let name = name.clone();
        let principal = self
            .write(move |conn| Box::pin(async move { deregister(conn, &name, now, forget_before).await }))
            .await?;
        if let Some(principal) = principal {
            self.shared.contacts.forget(&principal);
        }
        Ok(())
    }

    async fn forget_tombstones(&self, forget_before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.write(move |conn| {
            Box::pin(async move {
                let done = sqlx::query(
                    "DELETE FROM hosts WHERE row_id IN (SELECT row_id FROM hosts
                     WHERE deregistered_at < $1 ORDER BY deregistered_at LIMIT $2)",
                )
                .bind(forget_before.millis())
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .execute(conn)
                .await
                .doing("forget old tombstones")?;
                Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
            })
        })
        .await
    }

    async fn host(&self, name: &HostName) -> Result<Option<Host>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT document FROM hosts WHERE name = $1
             ORDER BY deregistered_at IS NOT NULL, deregistered_at DESC, row_id DESC LIMIT 1",
        )
        .bind(name.as_str())
        .fetch_optional(&mut *reader)
        .await
        .doing("read a host")?;
        row.map(|row| row.document(0, "host")).transpose()
    }

    async fn host_by_principal(&self, principal: &PrincipalArn) -> Result<Option<Host>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT document FROM hosts WHERE principal = $1 AND deregistered_at IS NULL")
            .bind(&principal.0)
            .fetch_optional(&mut *reader)
            .await
            .doing("read a host")?;
        row.map(|row| row.document(0, "host")).transpose()
    }

    async fn hosts(&self, filter: &HostFilter, page: &Page) -> Result<Vec<HostName>, StoreError> {
        // Of a name's rows the first is the one that `host` answers.
        let sql = match filter.is_registered {
            Some(true) => {
                "SELECT name, document FROM hosts WHERE name > $1 AND deregistered_at IS NULL ORDER BY name"
            }
            Some(false) => {
                "SELECT name, document FROM hosts WHERE name > $1 AND deregistered_at >= $2
                 ORDER BY name, deregistered_at DESC, row_id DESC"
            }
            None => {
                "SELECT name, document FROM hosts
                 WHERE name > $1 AND (deregistered_at IS NULL OR deregistered_at >= $2)
                 ORDER BY name, deregistered_at IS NOT NULL, deregistered_at DESC, row_id DESC"
            }
        };
        let mut reader = self.reader().await?;
        let query = sqlx::query(sql).bind(after_name(page));
        let query = match filter.is_registered {
            Some(true) => query,
            Some(false) | None => query.bind(filter.deregistered_from.map_or(i64::MIN, Timestamp::millis)),
        };
        let mut rows = query.fetch(&mut *reader);
        let mut names: Vec<HostName> = Vec::new();
        let mut last_name = String::new();
        while names.len() < page.limit {
            let Some(row) = rows.try_next().await.doing("list hosts")? else { break };
            let name = row.text(0)?;
            if name == last_name {
                continue;
            }
            last_name = name;
            let is_selected = match &filter.tags {
                None => true,
                Some(selector) => selector.selects(&row.document::<Host>(1, "host")?.tags),
            };
            if is_selected {
                names.push(row.word(0, "host name")?);
            }
        }
        Ok(names)
    }

    async fn select_hosts(&self, selector: &TagSelector) -> Result<Vec<Host>, StoreError> {
        let mut reader = self.reader().await?;
        let mut rows = sqlx::query("SELECT document FROM hosts WHERE deregistered_at IS NULL ORDER BY name")
            .fetch(&mut *reader);
        let mut hosts: Vec<Host> = Vec::new();
        while let Some(row) = rows.try_next().await.doing("select hosts")? {
            let host: Host = row.document(0, "host")?;
            if selector.selects(&host.tags) {
                hosts.push(host);
            }
        }
        Ok(hosts)
    }

    async fn add_host_tags(
        &self,
        names: &[HostName],
        tags: &[HostTag],
        max: usize,
    ) -> Result<(), StoreError> {
        let (names, tags) = (names.to_vec(), tags.to_vec());
        self.write(move |conn| {
            Box::pin(async move {
                change_tags(conn, &names, |known| {
                    for tag in &tags {
                        if !known.contains(tag) {
                            known.push(tag.clone());
                        }
                    }
                    if known.len() > max {
                        return Err(StoreError::LimitExceeded {
                            what: "the number of tags of a host",
                            limit: max,
                        });
                    }
                    Ok(())
                })
                .await
            })
        })
        .await
    }

    async fn remove_host_tags(&self, names: &[HostName], tags: &[HostTag]) -> Result<(), StoreError> {
        let (names, tags) = (names.to_vec(), tags.to_vec());
        self.write(move |conn| {
            Box::pin(async move {
                change_tags(conn, &names, |known| {
                    known.retain(|tag| !tags.contains(tag));
                    Ok(())
                })
                .await
            })
        })
        .await
    }

    async fn note_contact(&self, principal: &PrincipalArn, contact: &HostContact) -> Result<(), StoreError> {
        self.shared.contacts.note(principal, contact);
        Ok(())
    }

    async fn contact(&self, principal: &PrincipalArn) -> Result<Option<HostContact>, StoreError> {
        if let Some(contact) = self.shared.contacts.latest(principal) {
            return Ok(Some(contact));
        }
        contact::written(&mut *self.reader().await?, principal).await
    }

    async fn note_arrivals(&self, arrivals: &[Arrival]) -> Result<(), StoreError> {
        let arrivals = arrivals.to_vec();
        self.write(move |conn| Box::pin(async move { arrival::note(conn, arrivals).await })).await
    }

    async fn arrivals(&self) -> Result<Vec<Arrival>, StoreError> {
        arrival::all(&mut *self.reader().await?).await
    }

    async fn forget_arrivals(&self, arrivals: &[Arrival]) -> Result<(), StoreError> {
        let arrivals = arrivals.to_vec();
        self.write(move |conn| Box::pin(async move { arrival::forget(conn, arrivals).await })).await
    }
}

pub(super) async fn register(conn: &mut Connection, host: &Host) -> Result<(), StoreError> {
    let principal = host.identity.principal();
    let row = sqlx::query(
        "SELECT COUNT(*) FILTER (WHERE name = $1), COUNT(*) FILTER (WHERE principal = $2)
         FROM hosts WHERE deregistered_at IS NULL AND (name = $1 OR principal = $2)",
    )
    .bind(host.name.as_str())
    .bind(&principal.0)
    .fetch_one(&mut *conn)
    .await
    .doing("look up a host")?;
    if row.int(0)? > 0 {
        return Err(StoreError::AlreadyExists(host.name.to_string()));
    }
    if row.int(1)? > 0 {
        return Err(StoreError::AlreadyExists(principal.to_string()));
    }
    sqlx::query("INSERT INTO hosts (name, principal, deregistered_at, document) VALUES ($1, $2, $3, $4)")
        .bind(host.name.as_str())
        .bind(&principal.0)
        .bind(host.deregistered_at.map(Timestamp::millis))
        .bind(encode(host, "host")?)
        .execute(conn)
        .await
        .doing("register a host")?;
    Ok(())
}

/// Answers as whom the host signed, if it was registered.
async fn deregister(
    conn: &mut Connection,
    name: &HostName,
    now: Timestamp,
    forget_before: Timestamp,
) -> Result<Option<PrincipalArn>, StoreError> {
    sqlx::query("DELETE FROM hosts WHERE deregistered_at < $1")
        .bind(forget_before.millis())
        .execute(&mut *conn)
        .await
        .doing("forget old tombstones")?;
    let Some((row_id, mut host)) = registered(conn, name).await? else {
        return Ok(None);
    };
    host.deregistered_at = Some(now);
    sqlx::query("UPDATE hosts SET deregistered_at = $2, document = $3 WHERE row_id = $1")
        .bind(row_id)
        .bind(now.millis())
        .bind(encode(&host, "host")?)
        .execute(&mut *conn)
        .await
        .doing("deregister a host")?;
    let principal = host.identity.principal().clone();
    sqlx::query("DELETE FROM host_contacts WHERE principal = $1")
        .bind(&principal.0)
        .execute(conn)
        .await
        .doing("forget when a host polled")?;
    Ok(Some(principal))
}

/// The registered host called `name` and its row.
pub(super) async fn registered(
    conn: &mut Connection,
    name: &HostName,
) -> Result<Option<(i64, Host)>, StoreError> {
    let row = sqlx::query("SELECT row_id, document FROM hosts WHERE name = $1 AND deregistered_at IS NULL")
        .bind(name.as_str())
        .fetch_optional(conn)
        .await
        .doing("look up a host")?;
    row.map(|row| Ok((row.int(0)?, row.document(1, "host")?))).transpose()
}

async fn change_tags(
    conn: &mut Connection,
    names: &[HostName],
    change: impl Fn(&mut Vec<HostTag>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // Every name is looked up before the first change, so that a missing one is told first.
    let mut hosts = Vec::with_capacity(names.len());
    for name in names {
        match registered(conn, name).await? {
            Some(found) => hosts.push(found),
            None => return Err(StoreError::NotFound(name.to_string())),
        }
    }
    for (row_id, mut host) in hosts {
        change(&mut host.tags)?;
        sqlx::query("UPDATE hosts SET document = $2 WHERE row_id = $1")
            .bind(row_id)
            .bind(encode(&host, "host")?)
            .execute(&mut *conn)
            .await
            .doing("tag a host")?;
    }
    Ok(())
}
