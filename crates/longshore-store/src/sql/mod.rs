//! What both databases share: all statements, rows and rules. This folder is compiled twice, once
//! inside [`sqlite`](crate::sqlite) and once inside [`postgres`](crate::postgres); what differs comes
//! from the `dialect` beside the module that includes it: the types, and the few words of SQL that
//! the two do not have in common.
//!
//! A statement here must mean the same to both: `$1` for parameters, `BIGINT` read as `i64`, lists
//! in JSON whose items are taken out with `->>`, numbers cast. A document in such a list is a text in it,
//! not a part of it: PostgreSQL would decode it, and refuse an escaped NUL.

mod application;
mod apply;
mod arrival;
mod audit;
mod bundle;
mod contact;
mod delivery;
mod deployment;
mod deployment_config;
mod deployment_group;
mod ec2;
mod enrollment;
mod git_hub;
mod group;
mod history;
mod host;
mod identity;
mod inline_policy;
mod polls;
mod revision;
mod role;
mod round;
pub(super) mod row;
pub(super) mod schema;
mod server_record;
mod tag;
mod target;
mod timeline;
mod upload;
pub(super) mod writer;

use std::sync::Arc;

use futures::future::BoxFuture;

use self::contact::Contacts;
use self::polls::Polls;
use self::writer::Writer;
use super::dialect::{
    self, Connection, Reader, Readers, Row, SqlStore, Writing, field, join_in_order, json_rows, json_texts,
    left_join_each,
};
use crate::StoreError;

pub(super) use self::target::ChangedRow;
#[cfg(test)]
pub(super) mod statements {
    //! Those whose plan is tested.

    pub(in super::super) use super::apply::READ;
    pub(in super::super) use super::deployment::{LIST, LIST_OF_GROUP};
    pub(in super::super) use super::history::FORGETTABLE;
    pub(in super::super) use super::polls::WAITING_OF_INSTANCES;
    pub(in super::super) use super::target::{PART_OF_INSTANCE, WAITING};
}

/// What all handles of a store share.
#[derive(Debug)]
pub(super) struct Shared {
    writer: Writer,
    readers: Arc<Readers>,
    polls: Polls,
    contacts: Arc<Contacts>,
}

impl Shared {
    /// Starts the writer.
    pub(super) fn new(writing: Writing, readers: Readers) -> Shared {
        let contacts = Arc::new(Contacts::default());
        let writer = Writer::start(writing, Arc::clone(&contacts));
        let readers = Arc::new(readers);
        let polls = Polls::start(Arc::clone(&readers));
        Shared { writer, readers, polls, contacts }
    }

    /// Finishes all queued writes and closes the connections.
    pub(super) async fn close(&self) {
        // The writer last: the last connection to close folds SQLite's log into its file.
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl SqlStore {
    /// A connection to read with. It sees every write that returned before.
    pub(super) async fn reader(&self) -> Result<Reader, StoreError> {
        self.shared.readers.acquire().await
    }

    /// Has the writer carry out `function` and answers when it is durable. All that the function
    /// changed is undone if it fails.
    pub(super) async fn write<T, F>(&self, function: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (job, answer) = writer::work(function);
        self.shared.writer.queue(job).await?;
        Writer::answer(answer).await
    }
}
