//! Two engines on one PostgreSQL database: hosts and callers may use either, and either may go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_engine::EngineConfig;
use longshore_engine::host_command::{AckAnswer, Connection};
use longshore_model::deployment::DeploymentStatus;
use longshore_model::host::{HostIdentity, HostTag};
use longshore_store::cluster::Cluster;
use longshore_store::postgres::PostgresStore;
use longshore_store::{News, SharedStore as _, Store};
use tokio::sync::broadcast::Receiver;

use crate::late::{keep_up_to_date, update_among};
use crate::world::{World, name, principal};

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

async fn open(url: &str) -> Arc<PostgresStore> {
    let store = Arc::new(PostgresStore::open(url).await.unwrap());
    // From here on it hears of the other.
    heard(&mut store.others().unwrap().news(), &News::Missed).await;
    store
}

async fn heard(news: &mut Receiver<News>, wanted: &News) {
    let hearing = async { while news.recv().await.unwrap() != *wanted {} };
    tokio::time::timeout(DEADLINE, hearing).await.unwrap_or_else(|_| panic!("{wanted:?} never came"));
}

async fn two_worlds(hosts: &[&str]) -> (World, World) {
    let url = Cluster::shared().await.new_database().await;
    let (first, second): (Arc<dyn Store>, Arc<dyn Store>) = (open(&url).await, open(&url).await);
    let one = World::on(first, hosts, "CodeDeployDefault.AllAtOnce", EngineConfig::default()).await;
    let two = one.another(second).await;
    (one, two)
}

#[tokio::test]
async fn a_poll_at_one_gets_what_the_other_began() {
    let (one, two) = two_worlds(&["a"]).await;
    let connection = Connection::new();
    let (command, id) = tokio::join!(two.poll("a", &connection), one.deploy());
    assert_eq!(command.key.target.deployment, id);
    assert_eq!(two.ack("a", &command.key).await, AckAnswer::InProgress);
    two.report("a", &command.key, true).await;
    for event in 1..7 {
        let (here, there) = if event % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let command = here.poll("a", &Connection::new()).await;
        assert_eq!(there.ack("a", &command.key).await, AckAnswer::InProgress);
        here.report("a", &command.key, true).await;
    }
    one.reaches(&id, DeploymentStatus::Succeeded).await;
    two.reaches(&id, DeploymentStatus::Succeeded).await;
}

#[tokio::test]
async fn a_command_is_handed_out_by_one_of_them() {
    let (one, two) = two_worlds(&["a"]).await;
    one.deploy().await;
    let command = one.poll("a", &Connection::new()).await;
    assert!(two.is_parked("a").await);
    two.clock.advance(Duration::from_secs(60));
    assert_eq!(two.poll("a", &Connection::new()).await, command, "nobody acknowledged it for a minute");
    assert!(one.is_parked("a").await);
}

#[tokio::test]
async fn a_command_that_was_lost_at_one_is_handed_out_by_the_other_at_once() {
    let (one, two) = two_worlds(&["a"]).await;
    one.deploy().await;
    let cut = Connection::new();
    let command = one.poll("a", &cut).await;
    let connection = Connection::new();
    let (again, ()) = tokio::join!(two.poll("a", &connection), async { one.engine.connection_closed(&cut) });
    assert_eq!(again, command);
}

/// A poll may be dropped while its command is being handed out; the clock stands still, so nothing is
/// handed out again because of its age.
#[tokio::test]
async fn a_poll_that_is_dropped_at_any_moment_keeps_no_command() {
    let (one, two) = two_worlds(&["a"]).await;
    one.deploy().await;
    let first = Connection::new();
    let command = one.poll("a", &first).await;
    one.engine.connection_closed(&first);
    for step in 0..60 {
        let (dropped, kept) = (Connection::new(), Connection::new());
        let patience = Duration::from_micros(100) * step;
        let polled = tokio::time::timeout(patience, one.poll("a", &dropped)).await;
        if polled.is_ok() {
            // It was not dropped: the host that got it is gone.
            one.engine.connection_closed(&dropped);
        }
        let polled = tokio::time::timeout(DEADLINE, two.poll("a", &kept)).await;
        assert_eq!(polled.expect("nobody has it"), command, "dropped after {patience:?}");
        two.engine.connection_closed(&kept);
    }
}

#[tokio::test]
async fn the_second_copy_of_a_command_is_dropped_by_either() {
    let (one, two) = two_worlds(&["a"]).await;
    one.deploy().await;
    let cut = Connection::new();
    let first = one.copy("a", &cut).await;
    one.engine.connection_closed(&cut);
    let second = two.copy("a", &Connection::new()).await;
    assert_eq!(two.ack_copy("a", &second).await, AckAnswer::InProgress);
    assert_eq!(one.ack_copy("a", &second).await, AckAnswer::InProgress, "the first answer was lost");
    assert_eq!(one.ack_copy("a", &first).await, AckAnswer::Succeeded);
    assert_eq!(two.ack_copy("a", &first).await, AckAnswer::Succeeded);
}

#[tokio::test]
async fn what_one_leaves_undone_the_other_ends() {
    let (one, two) = two_worlds(&["a", "b"]).await;
    let id = one.deploy().await;
    one.run_all_events("a").await;
    // It stops planning, and takes what is reported all the same: as if killed right after each report.
    one.engine.shutdown().await;
    for _ in 0..7 {
        let command = two.poll("b", &Connection::new()).await;
        one.ack("b", &command.key).await;
        one.report("b", &command.key, true).await;
    }
    let began = Instant::now();
    while two.view(&id).await.deployment.status != DeploymentStatus::Succeeded {
        assert!(began.elapsed() < DEADLINE, "nobody ended it");
        two.clock.advance(Duration::from_secs(3));
        tokio::task::yield_now().await;
    }
}

/// It is tagged at one server, and has only ever polled the other.
#[tokio::test]
async fn a_late_host_is_updated_whichever_server_it_polls() {
    let (one, two) = two_worlds(&["a"]).await;
    keep_up_to_date(&one).await;
    let id = one.deploy().await;
    one.run_all_events("a").await;
    one.reaches(&id, DeploymentStatus::Succeeded).await;
    one.engine.register_host(name("b"), HostIdentity::IamUser(principal("b"))).await.unwrap();
    let polling = Connection::new();
    let parked = two.copy("b", &polling);
    let tagged = async {
        // What one notes of a host, others know within a second.
        let began = Instant::now();
        while one.store.contact(&principal("b")).await.unwrap().is_none() {
            assert!(began.elapsed() < DEADLINE, "nobody knows that b is there");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let tag = HostTag { key: String::from("Role"), value: String::from("web") };
        one.engine.add_host_tags(&[name("b")], &[tag]).await.unwrap();
    };
    let (got, ()) = tokio::join!(parked, tagged);
    assert_eq!(got.command.key.target.deployment, update_among(&one, 2).await);
}
