//! News between servers, by `NOTIFY` in the transaction that writes and `LISTEN` here.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_model::id::{DeploymentId, PrincipalArn};
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgNotification};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::News;

/// Where servers hear of each other. Channels belong to one database.
pub(super) const CHANNEL: &str = "longshore";

/// News that nobody here has read yet. A fleet's worth; whoever lags more looks everywhere.
const MAX_UNREAD: usize = 4096;

/// How long after the connection was lost it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// PostgreSQL takes less than 8,000 bytes in one notification.
const MAX_PAYLOAD: usize = 7000;

/// Hears of what other servers wrote.
#[derive(Debug)]
pub(super) struct Hearing {
    sender: broadcast::Sender<News>,
    /// For whoever asks first: all that was heard since the start.
    first: Mutex<Option<broadcast::Receiver<News>>>,
    task: JoinHandle<()>,
}

impl Hearing {
    /// Listens on a connection of `pool` until this is dropped. What the connection with the process
    /// id `own_writer` told is our own.
    pub(super) fn start(pool: PgPool, own_writer: Arc<AtomicU32>) -> Hearing {
        let (sender, first) = broadcast::channel(MAX_UNREAD);
        let task = tokio::spawn(listen(pool, own_writer, sender.clone()));
        Hearing { sender, first: Mutex::new(Some(first)), task }
    }

    /// What is heard from now on; whoever asks first hears from the start.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<News> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.unwrap_or_else(|| self.sender.subscribe())
    }

    /// Hears no more.
    pub(super) fn end(&self) {
        self.task.abort();
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.end();
    }
}

async fn listen(pool: PgPool, own_writer: Arc<AtomicU32>, sender: broadcast::Sender<News>) {
    loop {
        if let Err(error) = listen_once(&pool, &own_writer, &sender).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot hear of other servers; trying again"
            );
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Returns when the connection is lost.
async fn listen_once(
    pool: &PgPool,
    own_writer: &AtomicU32,
    sender: &broadcast::Sender<News>,
) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    // What was told before nobody heard. That nobody reads it is no error: nobody waits.
    let _ = sender.send(News::Missed);
    while let Some(notification) = listener.try_recv().await? {
        if notification.process_id() != own_writer.load(Ordering::Relaxed) {
            for news in read(&notification) {
                let _ = sender.send(news);
            }
        }
    }
    Ok(())
}

fn read(notification: &PgNotification) -> Vec<News> {
    // A line that we do not know is of a newer server: something has changed somewhere.
    notification.payload().lines().map(|line| news_of_line(line).unwrap_or(News::Missed)).collect()
}

fn news_of_line(line: &str) -> Option<News> {
    match line.split_once(' ')? {
        ("deployment", id) => DeploymentId::parse(id).ok().map(News::Deployment),
        ("commands", principal) => Some(News::Commands(PrincipalArn(principal.to_owned()))),
        _ => None,
    }
}

/// As it is told.
pub(super) fn line(news: &News) -> String {
    match news {
        News::Deployment(id) => format!("deployment {id}\n"),
        News::Commands(principal) => format!("commands {principal}\n"),
        News::Missed => String::from("missed\n"),
    }
}

/// One line each, as many as go into one notification.
pub(super) fn payloads(told: &BTreeSet<News>) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for news in told {
        let line = line(news);
        match payloads.last_mut() {
            Some(payload) if payload.len() + line.len() <= MAX_PAYLOAD => payload.push_str(&line),
            _ => payloads.push(line),
        }
    }
    payloads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_come_back_from_their_payloads() {
        let id = DeploymentId::parse("d-000000001").expect("a valid id");
        let mut told: BTreeSet<News> = (0..500)
            .map(|number| {
                News::Commands(PrincipalArn(format!("arn:aws:iam::000000000000:user/x/host {number}")))
            })
            .collect();
        told.insert(News::Deployment(id));
        let payloads = payloads(&told);
        assert!(payloads.len() > 1 && payloads.iter().all(|payload| payload.len() < 8000));
        let heard: BTreeSet<News> =
            payloads.iter().flat_map(|payload| payload.lines()).filter_map(news_of_line).collect();
        assert_eq!(heard, told);
    }
}
