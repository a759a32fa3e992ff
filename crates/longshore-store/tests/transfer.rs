//! Backups, and the move from SQLite to PostgreSQL: nothing is lost, and nothing is overwritten.

use std::path::{Path, PathBuf};

use longshore_model::lifecycle::CommandCopy;
use longshore_model::target::{Clocks, TargetEvent};
use longshore_store::cluster::Cluster;
use longshore_store::contract::fixture::{
    NO_LIMIT, add_running_deployment, application, at, host, key, principal, registered, report, tag, whole,
};
use longshore_store::sqlite::SqliteStore;
use longshore_store::transfer::{Copied, Place, TransferError, back_up, move_to_postgres, restore};
use longshore_store::{
    AnyStore, ApplicationStore, BundleIndex, DeploymentStore, HostStore, ObjectRow, RevisionStore,
    ServerRecord, Store,
};

/// Some rows of every kind that matters, odd texts among them; the last object is gone again, and its
/// number must not come back.
async fn fill(path: &Path) {
    let store = SqliteStore::open(path).await.expect("open");
    let deployment = add_running_deployment(&store, 300).await;
    for number in 0..50 {
        let host_name = format!("h{number}");
        let target = key(&deployment, &host_name);
        for event in
            [TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) }, report(0, number % 2 == 0)]
        {
            let signs_as = principal(&host_name);
            store.apply(&target, &signs_as, event, &Clocks::default(), at(200)).await.expect("apply");
        }
    }
    let mut odd = host("odd");
    odd.tags = vec![tag("ключ", "a \"quoted\" \\ \u{1F680} value")];
    store.register_host(&odd).await.expect("register");
    store.create_application(&application("Zoe"), NO_LIMIT).await.expect("create");
    store.register_revision(&registered("Zoe", "c1", at(3))).await.expect("register");
    store.create_bucket("b", at(1)).await.expect("create");
    for version in ["1", "2", "3"] {
        store.put_object(&object(version)).await.expect("put");
    }
    store.remove_object("b", "k", "3").await.expect("remove");
    store.close().await;
}

fn object(version: &str) -> ObjectRow {
    ObjectRow {
        bucket: String::from("b"),
        key: String::from("k"),
        version: version.to_owned(),
        sequence: 0,
        is_delete_marker: false,
        size_bytes: 5,
        e_tag: String::from("\"e\""),
        modified_at: at(4),
        files: vec![format!("content/{version}")],
        headers: Default::default(),
    }
}

/// What a few questions are answered.
async fn answers(store: &dyn Store) -> String {
    let ids = store.unfinished_deployments().await.expect("list");
    let mut text = format!("{:?}", store.applications(&whole()).await.expect("list"));
    for id in &ids {
        text.push_str(&format!("{:?}", store.snapshot(id).await.expect("read")));
        for number in [0, 1, 49, 299] {
            let target = longshore_model::target::TargetKey {
                deployment: id.clone(),
                host: longshore_store::contract::fixture::new_target(
                    &store.deployment(id).await.expect("read").expect("it is there"),
                    number,
                )
                .key
                .host,
            };
            text.push_str(&format!("{:?}", store.target(&target).await.expect("read")));
        }
    }
    text.push_str(&format!("{:?}", store.object_versions("b", "", &whole()).await.expect("list")));
    let odd = longshore_store::contract::fixture::host_name("odd");
    text.push_str(&format!("{:?}", store.host(&odd).await.expect("read")));
    text
}

async fn answers_of_file(path: &Path) -> String {
    let store = AnyStore::open_file(path).await.expect("open");
    let text = answers(&*store.shared()).await;
    store.close().await;
    text
}

fn rows(copied: &[Copied], table: &str) -> u64 {
    copied.iter().find(|copied| copied.table == table).expect("the table is there").rows
}

struct Filled {
    folder: tempfile::TempDir,
    file: PathBuf,
    answers: String,
}

async fn filled() -> Filled {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("longshore.db");
    fill(&file).await;
    let answers = answers_of_file(&file).await;
    Filled { folder, file, answers }
}

#[tokio::test]
async fn everything_moves_to_postgresql() {
    let filled = filled().await;
    let url = Cluster::shared().await.new_database().await;
    let copied = move_to_postgres(&filled.file, &url).await.expect("it moves");
    assert_eq!((rows(&copied, "targets"), rows(&copied, "hosts")), (300, 1));

    let store = AnyStore::open_url(&url).await.expect("open");
    let shared = store.shared();
    assert_eq!(answers(&*shared).await, filled.answers);
    shared.put_object(&object("4")).await.expect("put");
    let newest = shared.object("b", "k", None).await.expect("read").expect("it is there");
    assert_eq!(newest.sequence, 4, "the number of a removed row is not drawn again");
    shared.register_host(&host("new")).await.expect("numbers go on");
    assert_eq!(answers_of_file(&filled.file).await, filled.answers, "the file is as it was");
}

#[tokio::test]
async fn a_database_that_holds_something_is_left_alone() {
    let filled = filled().await;
    let url = Cluster::shared().await.new_database().await;
    let store = AnyStore::open_url(&url).await.expect("open");
    let record = ServerRecord { name: String::from("a"), value: String::from("b") };
    store.shared().server_record(&record).await.expect("write");
    let refused = move_to_postgres(&filled.file, &url).await;
    assert!(
        matches!(&refused, Err(TransferError::NotEmpty(table)) if table == "server_records"),
        "{refused:?}"
    );
    assert!(store.shared().applications(&whole()).await.expect("list").is_empty());
}

#[tokio::test]
async fn a_backup_of_either_is_restored_in_either() {
    let filled = filled().await;
    let path = |name: &str| filled.folder.path().join(name);
    let (of_file, of_database) = (path("of-file"), path("of-database"));
    // While somebody has it open.
    let open = AnyStore::open_file(&filled.file).await.expect("open");
    back_up(&Place::File(filled.file.clone()), &of_file).await.expect("a backup");
    open.close().await;

    let url = Cluster::shared().await.new_database().await;
    restore(&of_file, &Place::Url(url.clone())).await.expect("it is restored");
    let open = AnyStore::open_url(&url).await.expect("open");
    let copied = back_up(&Place::Url(url), &of_database).await.expect("a backup");
    assert_eq!(rows(&copied, "targets"), 300);
    open.close().await;

    let restored = path("restored.db");
    restore(&of_database, &Place::File(restored.clone())).await.expect("it is restored");
    assert_eq!(answers_of_file(&restored).await, filled.answers);
    let store = SqliteStore::open(&restored).await.expect("open");
    store.put_object(&object("4")).await.expect("put");
    let newest = store.object("b", "k", None).await.expect("read").expect("it is there");
    assert_eq!(newest.sequence, 4, "the number of a removed row is not drawn again");
}

#[tokio::test]
async fn nothing_is_written_over() {
    let filled = filled().await;
    let place = Place::File(filled.file.clone());
    let there = filled.folder.path().join("there");
    std::fs::write(&there, "mine").expect("write");
    assert!(matches!(back_up(&place, &there).await, Err(TransferError::Exists(_))));
    assert!(matches!(restore(&there, &place).await, Err(TransferError::Exists(_))));
    assert_eq!(std::fs::read_to_string(&there).expect("read"), "mine");
    let new = filled.folder.path().join("new");
    assert!(back_up(&Place::File(there), &new).await.is_err(), "that is no database");
    assert!(!new.exists(), "nothing is left of a backup that failed");
    let missing = filled.folder.path().join("missing");
    assert!(matches!(restore(&missing, &Place::File(new)).await, Err(TransferError::Missing(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn a_backup_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let filled = filled().await;
    let backup = filled.folder.path().join("backup");
    back_up(&Place::File(filled.file.clone()), &backup).await.expect("a backup");
    let mode = std::fs::metadata(&backup).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
