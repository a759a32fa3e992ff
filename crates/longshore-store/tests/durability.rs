//! What was answered stays, whatever happens to the process: handles dropped, closed in order, or
//! killed in the middle of writing.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use longshore_model::host::HostContact;
use longshore_model::lifecycle::{CommandCopy, EventState};
use longshore_model::target::{Clocks, TargetEvent};
use longshore_store::contract::fixture::{
    NO_LIMIT, add_running_deployment, application, at, deployment_id, host_name, key, principal, report,
    whole,
};
use longshore_store::sqlite::SqliteStore;
use longshore_store::{ApplicationStore, DeploymentStore, HostStore, ServerRecord, ServerRecordStore};
use tempfile::TempDir;

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

async fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("longshore.db")).await.expect("open")
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_drop() {
    let folder = folder();
    let store = open(folder.path()).await;
    let deployment = add_running_deployment(&store, 3).await;
    let event = TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) };
    let target_key = key(&deployment, "h1");
    let applied = store
        .apply(&target_key, &principal("h1"), event, &Clocks::default(), at(200))
        .await
        .expect("apply")
        .expect("the target exists");
    let snapshot = store.snapshot(&deployment.id).await.expect("read");
    drop(store);

    let store = open(folder.path()).await;
    assert_eq!(store.target(&target_key).await.expect("read"), Some(applied.target));
    assert_eq!(store.snapshot(&deployment.id).await.expect("read"), snapshot);
}

#[tokio::test]
async fn what_is_queued_is_written_after_the_last_handle_is_dropped() {
    let folder = folder();
    let store = open(folder.path()).await;
    for number in 0..100 {
        let application = application(&format!("a{number}"));
        // Polled once: it is queued, and nobody waits for the answer.
        let queued = futures::FutureExt::now_or_never(store.create_application(&application, NO_LIMIT));
        assert!(queued.is_none());
    }
    drop(store);
    let store = open(folder.path()).await;
    let deadline = Instant::now() + DEADLINE;
    while store.applications(&whole()).await.expect("list").len() < 100 {
        assert!(Instant::now() < deadline, "the queued writes never came");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn closing_writes_what_is_queued() {
    let folder = folder();
    let store = open(folder.path()).await;
    let contact = HostContact { last_poll_at: at(5), agent_version: Some(String::from("v")) };
    store.note_contact(&principal("h"), &contact).await.expect("note");
    let application = application("a");
    assert!(futures::FutureExt::now_or_never(store.create_application(&application, NO_LIMIT)).is_none());
    assert_eq!(store.contact(&principal("other")).await.expect("read"), None, "a reader is open too");
    store.close().await;
    assert!(!folder.path().join("longshore.db-wal").exists(), "the file is complete by itself");

    let store = open(folder.path()).await;
    assert_eq!(store.applications(&whole()).await.expect("list"), [application.name]);
    assert_eq!(store.contact(&principal("h")).await.expect("read"), Some(contact));
}

#[tokio::test]
async fn contacts_are_written_before_long() {
    let folder = folder();
    let store = open(folder.path()).await;
    let other = open(folder.path()).await;
    let deadline = Instant::now() + DEADLINE;
    for millis in [1, 2] {
        let contact = HostContact { last_poll_at: at(millis), agent_version: None };
        store.note_contact(&principal("h"), &contact).await.expect("note");
        while other.contact(&principal("h")).await.expect("read") != Some(contact.clone()) {
            assert!(Instant::now() < deadline, "the contact was never written");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn two_stores_on_one_file_take_turns() {
    let folder = folder();
    let (first, second) = (open(folder.path()).await, open(folder.path()).await);
    let record = |value: &str| ServerRecord { name: String::from("key"), value: value.to_owned() };
    let (one, two) = (record("1"), record("2"));
    let (a, b) = futures::join!(first.server_record(&one), second.server_record(&two));
    assert_eq!(a.expect("a value"), b.expect("a value"));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = folder();
    let store = open(folder.path()).await;
    store.create_application(&application("a"), NO_LIMIT).await.expect("create");
    for entry in std::fs::read_dir(folder.path()).expect("list") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("its mode").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    use sqlx::{ConnectOptions as _, Connection as _};

    let folder = folder();
    open(folder.path()).await.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("longshore.db"));
    let mut conn = options.connect().await.expect("connect");
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (999, 'from the future', true, x'00', 0)",
    )
    .execute(&mut conn)
    .await
    .expect("insert");
    conn.close().await.expect("close");
    let refused = SqliteStore::open(&folder.path().join("longshore.db")).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("longshore.db");
    std::fs::write(&path, "this is no database, but it is long enough to have a header").expect("write");
    assert!(SqliteStore::open(&path).await.is_err());
    let text = std::fs::read_to_string(&path).expect("read");
    assert!(text.starts_with("this is no database"));
}

/// Names the folder in which the killed process writes.
const CHILD_FOLDER: &str = "LONGSHORE_STORE_KILL_TEST_FOLDER";

/// How many targets the child's deployment has.
const N_TARGETS: u32 = 200;

/// Not a test of its own: the process that `acknowledged_writes_survive_kill_9` kills. Writes as fast
/// as it can and says on stdout what was acknowledged.
#[tokio::test]
async fn child_that_writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else { return };
    let store = open(Path::new(&folder)).await;
    let deployment = match store.deployment(&deployment_id(1)).await.expect("read") {
        Some(deployment) => deployment,
        None => add_running_deployment(&store, N_TARGETS).await,
    };
    let run = std::process::id();
    let records = (0..8).map(async |writer| {
        for number in 0.. {
            let name = format!("{run}-{writer}-{number}");
            let record = ServerRecord { name: name.clone(), value: name.clone() };
            store.server_record(&record).await.expect("write");
            say(&format!("record {name}"));
        }
    });
    let reports = (0..N_TARGETS).map(async |position| {
        let host = format!("h{position}");
        for event_idx in 0..7 {
            for event in
                [TargetEvent::Acknowledged { event_idx, copy: CommandCopy(1) }, report(event_idx, true)]
            {
                store
                    .apply(&key(&deployment, &host), &principal(&host), event, &Clocks::default(), at(200))
                    .await
                    .expect("apply");
            }
            say(&format!("report {position} {event_idx}"));
        }
    });
    futures::join!(futures::future::join_all(records), futures::future::join_all(reports));
}

/// One line past the test harness, in one piece.
fn say(line: &str) {
    let _ = std::io::stdout().lock().write_all(format!("{line}\n").as_bytes());
}

/// Starts the child, kills it after `n_lines` lines, and answers what it said was acknowledged.
fn run_and_kill(folder: &Path, n_lines: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child_that_writes_until_it_is_killed", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("start the child");
    let stdout = BufReader::new(child.stdout.take().expect("its stdout"));
    let mut said = Vec::new();
    for line in stdout.lines().map_while(Result::ok) {
        if line.starts_with("record ") || line.starts_with("report ") {
            said.push(line);
        }
        if said.len() == n_lines {
            // SIGKILL. What it says until it is dead is still read.
            child.kill().expect("kill the child");
        }
    }
    let status = child.wait().expect("its end");
    assert!(!status.success(), "it was killed");
    assert!(said.len() >= n_lines, "it ended by itself after {} lines", said.len());
    said
}

#[tokio::test]
async fn acknowledged_writes_survive_kill_9() {
    let folder = folder();
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    for n_lines in [1, 50, 233, 400] {
        acknowledged.extend(run_and_kill(folder.path(), n_lines));
        let store = open(folder.path()).await;
        for line in &acknowledged {
            check_kept(&store, line).await;
        }
    }
}

async fn check_kept(store: &SqliteStore, line: &str) {
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["record", name] => {
            let other = ServerRecord { name: name.to_owned(), value: String::from("lost") };
            assert_eq!(store.server_record(&other).await.expect("a value"), name);
        }
        ["report", position, event_idx] => {
            let deployment = store.deployment(&deployment_id(1)).await.expect("read").expect("it exists");
            let target_key = key(&deployment, host_name(&format!("h{position}")).as_str());
            let target = store.target(&target_key).await.expect("read").expect("it exists");
            let event_idx: usize = event_idx.parse().expect("an index");
            assert!(matches!(target.events[event_idx].state, EventState::Succeeded { .. }), "{line}");
        }
        _ => panic!("the child said `{line}`"),
    }
}
