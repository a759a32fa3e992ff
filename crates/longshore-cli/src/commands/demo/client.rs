//! The client that keeps asking all three hosts, and what it was answered.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::application::Version;
use super::stage::DemoHost;
use crate::output::line::{Line, Tone};

/// The pause between two questions to one host.
const PAUSE: Duration = Duration::from_millis(20);
/// A page on this machine that takes longer is as good as gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one host answered.
#[derive(Clone, Debug, Default)]
struct Answers {
    /// Good answers by version.
    by_version: BTreeMap<String, u64>,
    /// Nobody listened: the page was down between ApplicationStop and ApplicationStart.
    n_refused: u64,
    /// Connected, but no whole answer.
    n_cut: u64,
    /// The version in the last answer; none when the last question had no good answer.
    last: Option<String>,
}

/// The end of one question.
enum Answer {
    Version(String),
    Refused,
    Cut,
}

/// Asks until it is stopped.
#[derive(Debug)]
pub(super) struct Client {
    tally: Arc<Mutex<Tally>>,
    asking: Vec<JoinHandle<()>>,
}

/// All hosts' answers so far.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    hosts: Vec<(DemoHost, Answers)>,
    /// The most hosts that were down at the same time.
    most_down: usize,
}

/// One host's answers, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HostDocument {
    host: &'static str,
    url: String,
    answers: BTreeMap<String, u64>,
    n_refused: u64,
    n_cut: u64,
}

impl Client {
    /// Begins to ask the hosts' pages for their version.
    pub(super) fn start(hosts: &[DemoHost]) -> Client {
        let answers = hosts.iter().map(|host| (host.clone(), Answers::default())).collect();
        let tally = Arc::new(Mutex::new(Tally { hosts: answers, most_down: 0 }));
        let ask_host =
            |(idx, host): (usize, &DemoHost)| tokio::spawn(keep_asking(host.port, idx, Arc::clone(&tally)));
        let asking = hosts.iter().enumerate().map(ask_host).collect();
        Client { tally, asking }
    }

    /// The table as it is now.
    pub(super) fn table(&self) -> Vec<Line> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).table()
    }

    /// Stops asking.
    pub(super) async fn stop(mut self) -> Tally {
        for task in self.asking.drain(..) {
            task.abort();
            let _ = task.await;
        }
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        for task in &self.asking {
            task.abort();
        }
    }
}

async fn keep_asking(port: u16, host_idx: usize, tally: Arc<Mutex<Tally>>) {
    loop {
        let answer = match timeout(PATIENCE, ask(port)).await {
            Ok(Ok(version)) => Answer::Version(version),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Answer::Refused,
            Ok(Err(_)) | Err(_) => Answer::Cut,
        };
        tally.lock().unwrap_or_else(PoisonError::into_inner).count(host_idx, answer);
        sleep(PAUSE).await;
    }
}

/// One question over a connection of its own, as a new visitor would ask it; the version answered.
async fn ask(port: u16) -> io::Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
    connection.write_all(b"GET /version HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    version_in(&answer).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// The version in a whole answer with a good status.
fn version_in(answer: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        version: String,
    }
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?;
    let body: Body = serde_json::from_str(body).ok()?;
    (status == "200").then_some(body.version)
}

impl Answers {
    fn count(&mut self, answer: Answer) {
        self.last = None;
        match answer {
            Answer::Version(version) => {
                *self.by_version.entry(version.clone()).or_default() += 1;
                self.last = Some(version);
            }
            Answer::Refused => self.n_refused += 1,
            Answer::Cut => self.n_cut += 1,
        }
    }

    /// Whether it was asked and the last question had no good answer.
    fn is_down(&self) -> bool {
        self.last.is_none() && self.n_refused + self.n_cut > 0
    }

    fn of(&self, version: Version) -> u64 {
        self.by_version.get(version.as_str()).copied().unwrap_or(0)
    }
}

impl Tally {
    fn count(&mut self, host_idx: usize, answer: Answer) {
        self.hosts[host_idx].1.count(answer);
        let n_down = self.hosts.iter().filter(|(_, answers)| answers.is_down()).count();
        self.most_down = self.most_down.max(n_down);
    }

    /// The most hosts that were down at the same time.
    pub(super) fn most_down(&self) -> usize {
        self.most_down
    }

    /// Answers by host and version.
    pub(super) fn table(&self) -> Vec<Line> {
        let mut lines = vec![Line::of(Tone::Faint, "answers   version 1   version 2   refused   cut")];
        for (host, answers) in &self.hosts {
            let tone = |n: u64| if n == 0 { Tone::Faint } else { Tone::Bad };
            lines.push(
                Line::of(Tone::Strong, format!("{:7}", host.name))
                    .then(Tone::Plain, format!("   {:>9}", answers.of(Version::First)))
                    .then(Tone::Good, format!("   {:>9}", answers.of(Version::Second)))
                    .then(tone(answers.n_refused), format!("   {:>7}", answers.n_refused))
                    .then(tone(answers.n_cut), format!("   {:>3}", answers.n_cut)),
            );
        }
        lines
    }

    /// What the numbers mean.
    pub(super) fn remarks(&self) -> Vec<Line> {
        let n_good: u64 = self.hosts.iter().map(|(_, it)| it.by_version.values().sum::<u64>()).sum();
        let n_bad: u64 = self.hosts.iter().map(|(_, it)| it.n_refused + it.n_cut).sum();
        vec![
            Line::plain(format!(
                "{n_good} answers; {n_bad} questions met a page that was down for its update."
            )),
            Line::plain(format!(
                "At most {} of {} hosts was down at any time.",
                self.most_down,
                self.hosts.len()
            )),
        ]
    }

    /// For programs.
    pub(super) fn documents(&self) -> Vec<HostDocument> {
        self.hosts
            .iter()
            .map(|(host, answers)| HostDocument {
                host: host.name,
                url: host.url(),
                answers: answers.by_version.clone(),
                n_refused: answers.n_refused,
                n_cut: answers.n_cut,
            })
            .collect()
    }

    /// Whether every host's last answer was `version`.
    pub(super) fn all_end_with(&self, version: Version) -> bool {
        self.hosts.iter().all(|(_, answers)| answers.last.as_deref() == Some(version.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_are_down_at_once_are_counted() {
        let host = |port| (DemoHost { name: "web", port }, Answers::default());
        let mut tally = Tally { hosts: vec![host(1), host(2)], most_down: 0 };
        let version = || Answer::Version(String::from("1"));
        tally.count(0, Answer::Refused);
        tally.count(0, version());
        tally.count(1, Answer::Cut);
        assert_eq!(tally.most_down, 1);
        tally.count(0, Answer::Refused);
        tally.count(1, version());
        tally.count(0, version());
        assert_eq!(tally.most_down, 2);
        assert_eq!((tally.hosts[0].1.n_refused, tally.hosts[1].1.n_cut), (2, 1));
        assert!(!tally.all_end_with(Version::Second));
    }

    #[track_caller]
    fn check(answer: &str, expected: Option<&str>) {
        assert_eq!(version_in(answer).as_deref(), expected, "{answer}");
    }

    #[test]
    fn only_a_whole_good_answer_counts() {
        check("HTTP/1.0 200 OK\r\nA: b\r\n\r\n{\"version\": \"2\"}", Some("2"));
        check("HTTP/1.0 500 No\r\n\r\n{\"version\": \"2\"}", None);
        check("HTTP/1.0 200 OK\r\n\r\n{\"versi", None);
        check("", None);
    }
}
