//! When hosts were last heard of: noted in memory, written about once a second for all hosts
//! together. A fleet polls far more often than it is worth a durable commit, and after a crash the
//! next poll brings the news again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_model::host::HostContact;
use longshore_model::id::PrincipalArn;
use longshore_model::time::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::row::{Columns as _, Doing as _};
use super::writer::{self, Access};
use super::{Connection, Writing, json_rows};
use crate::StoreError;

/// How long a contact may be in memory only.
const WRITE_DELAY: Duration = Duration::from_secs(1);

/// Contacts that are not written yet.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    state: Mutex<State>,
    became_dirty: Notify,
}

#[derive(Debug, Default)]
struct State {
    noted: HashMap<PrincipalArn, HostContact>,
    /// Being written: still answered from here until they are committed.
    in_writing: HashMap<PrincipalArn, HostContact>,
    due_at: Option<Instant>,
}

impl Contacts {
    /// Notes a contact, unless a later one is known.
    pub(super) fn note(&self, principal: &PrincipalArn, contact: &HostContact) {
        let mut state = self.lock();
        state.note(principal, contact);
        if state.due_at.is_none() {
            state.due_at = Some(Instant::now() + WRITE_DELAY);
            self.became_dirty.notify_one();
        }
    }

    /// The contact noted last, if it is still in memory.
    pub(super) fn latest(&self, principal: &PrincipalArn) -> Option<HostContact> {
        let state = self.lock();
        state.noted.get(principal).or_else(|| state.in_writing.get(principal)).cloned()
    }

    /// Forgets what is noted of `principal`.
    pub(super) fn forget(&self, principal: &PrincipalArn) {
        let mut state = self.lock();
        state.noted.remove(principal);
        state.in_writing.remove(principal);
    }

    /// Waits until contacts are to be written.
    pub(super) async fn due(&self) {
        loop {
            let due_at = self.lock().due_at;
            match due_at {
                Some(due_at) => return tokio::time::sleep_until(due_at).await,
                None => self.became_dirty.notified().await,
            }
        }
    }

    /// Writes all that is noted. A failure keeps it for the next time.
    pub(super) async fn write(&self, writing: &Writing) {
        let rows: Vec<(PrincipalArn, HostContact)> = {
            let mut state = self.lock();
            state.due_at = None;
            state.in_writing = std::mem::take(&mut state.noted);
            let rows = state.in_writing.iter();
            rows.map(|(principal, contact)| (principal.clone(), contact.clone())).collect()
        };
        if rows.is_empty() {
            return;
        }
        let result = writer::transact(writing, Access::Shared, async |conn| insert(conn, rows).await).await;
        let mut state = self.lock();
        let written = std::mem::take(&mut state.in_writing);
        if let Err(error) = result {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot write when hosts polled");
            for (principal, contact) in written {
                state.noted.entry(principal).or_insert(contact);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is a single insertion or removal: a panic leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, principal: &PrincipalArn, contact: &HostContact) {
        match self.noted.get_mut(principal) {
            Some(known) if known.last_poll_at > contact.last_poll_at => {}
            Some(known) => known.clone_from(contact),
            None => {
                self.noted.insert(principal.clone(), contact.clone());
            }
        }
    }
}

async fn insert(
    conn: &mut Connection,
    mut rows: Vec<(PrincipalArn, HostContact)>,
) -> Result<(), sqlx::Error> {
    // In one order, so that two servers do not wait for each other.
    rows.sort_by(|(principal, _), (other, _)| principal.cmp(other));
    let rows: Vec<(&str, i64, Option<&str>)> = rows
        .iter()
        .map(|(principal, contact)| {
            (principal.0.as_str(), contact.last_poll_at.millis(), contact.agent_version.as_deref())
        })
        .collect();
    sqlx::query(concat!(
        "INSERT INTO host_contacts (principal, last_poll_at, agent_version)
         SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), value ->> 2 FROM ",
        json_rows!("$1", "contact"),
        " WHERE true
         ON CONFLICT (principal) DO UPDATE
         SET last_poll_at = excluded.last_poll_at, agent_version = excluded.agent_version
         WHERE excluded.last_poll_at >= host_contacts.last_poll_at"
    ))
    .bind(serde_json::to_string(&rows).map_err(|error| sqlx::Error::Encode(error.into()))?)
    .execute(conn)
    .await?;
    Ok(())
}

/// The contact as it was written last.
pub(super) async fn written(
    conn: &mut Connection,
    principal: &PrincipalArn,
) -> Result<Option<HostContact>, StoreError> {
    let row = sqlx::query("SELECT last_poll_at, agent_version FROM host_contacts WHERE principal = $1")
        .bind(&principal.0)
        .fetch_optional(conn)
        .await
        .doing("read when a host polled")?;
    row.map(|row| {
        Ok(HostContact {
            last_poll_at: Timestamp::from_millis(row.int(0)?),
            agent_version: row.maybe_text(1)?,
        })
    })
    .transpose()
}
