//! Two stores on one PostgreSQL database, as two servers have them: they keep the rules together, and
//! hear of each other.

use std::time::{Duration, Instant};

use futures::future::join_all;
use longshore_model::host::HostContact;
use longshore_model::lifecycle::CommandCopy;
use longshore_model::target::{Clocks, NoChange, TargetEvent};
use longshore_model::time::Timestamp;
use longshore_store::cluster::Cluster;
use longshore_store::contract::fixture::{
    NO_LIMIT, add_group, add_running_deployment, application, at, commit, deployment, deployment_id,
    generation, key, outcome, principal, revision_use, started, whole,
};
use longshore_store::postgres::PostgresStore;
use longshore_store::{
    ApplicationStore, Applied, DeploymentGroupStore, DeploymentStore, HandOut, HandOutOutcome, HostStore,
    News, Others, ServerRecord, ServerRecordStore, SharedStore, StoreError,
};
use sqlx::{Connection as _, PgConnection};

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url).await.expect("open")
}

async fn two_stores() -> [PostgresStore; 2] {
    let url = Cluster::shared().await.new_database().await;
    // At the same time: one makes the tables, the other waits.
    let (first, second) = futures::join!(open(&url), open(&url));
    [first, second]
}

fn others(store: &PostgresStore) -> &dyn Others {
    store.others().expect("there may be others")
}

#[tokio::test]
async fn a_group_has_one_active_deployment() {
    let stores = two_stores().await;
    let group = add_group(&stores[0], "a", "g").await;
    let made = (0..40).map(|number| {
        let deployment = deployment(number, &group, at(10));
        let store = &stores[number as usize % 2];
        async move { store.create_deployment(&deployment, &revision_use(&deployment)).await }
    });
    let answers = join_all(made).await;
    let n_made = answers.iter().filter(|answer| answer.is_ok()).count();
    let n_busy = answers.iter().filter(|answer| matches!(answer, Err(StoreError::GroupBusy(_)))).count();
    assert_eq!((n_made, n_busy), (1, 39), "{answers:?}");
}

#[tokio::test]
async fn quotas_and_unique_names_hold() {
    let stores = two_stores().await;
    // Twenty names, each wanted on both.
    let applications: Vec<_> = (0..20).map(|number| application(&format!("a{number}"))).collect();
    let made = applications.iter().flat_map(|a| stores.iter().map(|store| store.create_application(a, 5)));
    let answers = join_all(made).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5, "{answers:?}");
    for answer in answers {
        assert!(
            matches!(answer, Ok(()) | Err(StoreError::AlreadyExists(_) | StoreError::LimitExceeded { .. })),
            "{answer:?}"
        );
    }
    assert_eq!(stores[1].applications(&whole()).await.expect("list").len(), 5);
}

#[tokio::test]
async fn an_event_happens_once() {
    let stores = two_stores().await;
    let deployment = add_running_deployment(&stores[0], 30).await;
    let wanted: Vec<_> = (0..30)
        .map(|host| format!("h{host}"))
        .map(|host| (key(&deployment, &host), principal(&host)))
        .collect();
    // From both ends, so that the two lock the same rows in opposite orders if they do not mind.
    let (there, back) = (wanted.iter(), wanted.iter().rev());
    let apply = |store: usize, (key, principal)| {
        let event = TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) };
        stores[store].apply(key, principal, event, &CLOCKS, at(200))
    };
    let calls = there.zip(back).flat_map(|((a, b), (c, d))| [apply(0, (a, b)), apply(1, (c, d))]);
    let answers: Vec<Applied> = join_all(calls)
        .await
        .into_iter()
        .map(|answer| answer.expect("apply").expect("the target exists"))
        .collect();
    let n_changes = answers.iter().filter(|applied| applied.change.is_ok()).count();
    let n_late =
        answers.iter().filter(|applied| applied.change == Err(NoChange::AlreadyAcknowledged)).count();
    assert_eq!((n_changes, n_late), (30, 30));
}

const CLOCKS: Clocks = Clocks {
    pickup: Duration::from_secs(300),
    event: Duration::from_secs(3600),
    deployment: Duration::from_secs(43_200),
};

#[tokio::test]
async fn one_of_two_rounds_is_stale() {
    let stores = two_stores().await;
    let deployment = add_running_deployment(&stores[0], 3).await;
    for _ in 0..20 {
        let seen = generation(&stores[0], &deployment).await;
        let round = outcome(&deployment);
        let (a, b) = futures::join!(
            stores[0].commit(seen, &round, &CLOCKS, at(200)),
            stores[1].commit(seen, &round, &CLOCKS, at(200))
        );
        match (&a, &b) {
            (Ok(_), Err(StoreError::Stale)) | (Err(StoreError::Stale), Ok(_)) => {}
            _ => panic!("{a:?} {b:?}"),
        }
    }
}

#[tokio::test]
async fn the_first_value_of_a_record_stays() {
    let stores = two_stores().await;
    let record = |value: &str| ServerRecord { name: String::from("key"), value: value.to_owned() };
    let (one, two) = (record("1"), record("2"));
    let (a, b) = futures::join!(stores[0].server_record(&one), stores[1].server_record(&two));
    assert_eq!(a.expect("a value"), b.expect("a value"));
}

#[tokio::test]
async fn names_are_listed_by_their_bytes_whatever_the_language() {
    let [store, _] = two_stores().await;
    let names = ["B", "Z", "_x", "a", "a-b", "aB", "ab"];
    for name in names {
        store.create_application(&application(name), NO_LIMIT).await.expect("create");
    }
    let listed = store.applications(&whole()).await.expect("list");
    assert_eq!(listed.iter().map(|name| name.as_str()).collect::<Vec<_>>(), names);
}

#[tokio::test]
async fn a_contact_is_seen_by_the_other_before_long() {
    let stores = two_stores().await;
    let deadline = Instant::now() + DEADLINE;
    for (millis, from, to) in [(1, 0, 1), (2, 1, 0), (3, 0, 1)] {
        let contact = HostContact { last_poll_at: at(millis), agent_version: None };
        stores[from].note_contact(&principal("h"), &contact).await.expect("note");
        while stores[to].contact(&principal("h")).await.expect("read") != Some(contact.clone()) {
            assert!(Instant::now() < deadline, "the contact was never written");
            tokio::task::yield_now().await;
        }
    }
}

/// Reads news until `wanted` comes.
async fn hear(news: &mut tokio::sync::broadcast::Receiver<News>, wanted: &News) -> Vec<News> {
    let mut heard = Vec::new();
    let reading = async {
        while heard.last() != Some(wanted) {
            heard.push(news.recv().await.expect("the store is open"));
        }
    };
    tokio::time::timeout(DEADLINE, reading).await.unwrap_or_else(|_| panic!("{wanted:?} never came"));
    heard
}

#[tokio::test]
async fn a_server_hears_of_what_the_other_wrote_and_not_of_its_own() {
    let stores = two_stores().await;
    let mut of_first = others(&stores[0]).news();
    let mut of_second = others(&stores[1]).news();
    hear(&mut of_first, &News::Missed).await;
    hear(&mut of_second, &News::Missed).await;

    let running = add_running_deployment(&stores[0], 2).await;
    hear(&mut of_second, &News::Deployment(running.id.clone())).await;
    hear(&mut of_second, &News::Commands(principal("h1"))).await;
    let acknowledged = TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) };
    let target = key(&running, "h0");
    stores[1].apply(&target, &principal("h0"), acknowledged, &CLOCKS, at(200)).await.expect("apply");
    // The first thing that the first one hears is of the second.
    assert_eq!(
        hear(&mut of_first, &News::Deployment(running.id.clone())).await,
        [News::Deployment(running.id)]
    );
    assert_eq!(others(&stores[1]).waiting_principals().await.expect("list"), [principal("h1")]);
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_said() {
    let url = Cluster::shared().await.new_database().await;
    let store = open(&url).await;
    let mut news = others(&store).news();
    hear(&mut news, &News::Missed).await;
    store.create_application(&application("a"), NO_LIMIT).await.expect("create");

    let mut other = PgConnection::connect(&url).await.expect("connect");
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&mut other)
    .await
    .expect("the connections end");
    hear(&mut news, &News::Missed).await;
    store.create_application(&application("b"), NO_LIMIT).await.expect("the writer has a new connection");
    assert_eq!(store.applications(&whole()).await.expect("list").len(), 2);
}

#[tokio::test]
async fn what_is_queued_is_written_when_the_store_closes() {
    let url = Cluster::shared().await.new_database().await;
    let store = open(&url).await;
    let contact = HostContact { last_poll_at: at(5), agent_version: Some(String::from("v")) };
    store.note_contact(&principal("h"), &contact).await.expect("note");
    let application = application("a");
    assert!(futures::FutureExt::now_or_never(store.create_application(&application, NO_LIMIT)).is_none());
    store.close().await;
    let refused = store.create_application(&application, NO_LIMIT).await;
    assert!(matches!(refused, Err(StoreError::Database { .. })), "{refused:?}");

    let store = open(&url).await;
    assert_eq!(store.applications(&whole()).await.expect("list"), [application.name]);
    assert_eq!(store.contact(&principal("h")).await.expect("read"), Some(contact));
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let url = Cluster::shared().await.new_database().await;
    open(&url).await.close().await;
    let mut conn = PgConnection::connect(&url).await.expect("connect");
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (999, 'from the future', true, ''::bytea, 0)",
    )
    .execute(&mut conn)
    .await
    .expect("insert");
    assert!(PostgresStore::open(&url).await.is_err());
}

#[tokio::test]
async fn an_error_tells_no_password() {
    for url in ["postgres://u:s3cret@127.0.0.1:1/db", "postgres://u:s3cret@[bad", "u:s3cret"] {
        let error = PostgresStore::open(url).await.expect_err("nobody answers there");
        let mut text = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text.push_str(&format!("{cause} {cause:?}"));
            source = cause.source();
        }
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn text_that_a_document_may_hold_does_no_harm() {
    let [store, _] = two_stores().await;
    let group = add_group(&store, "a", "g").await;
    let mut odd = deployment(1, &group, at(10));
    odd.description = Some(String::from("a NUL \u{0} and a \u{1F680}"));
    store.create_deployment(&odd, &revision_use(&odd)).await.expect("create");
    assert_eq!(store.deployment(&odd.id).await.expect("read"), Some(odd.clone()));
    commit(&store, &outcome(&started(&odd))).await;
    assert_eq!(store.load().await.expect("its fields can be read").deployments, 1);
    store.delete_deployment_group(&group.application, &group.name).await.expect("delete");
    assert_eq!(store.orphaned_deployments().await.expect("list"), [(deployment_id(1), true)]);
    let before = Timestamp::from_millis(0);
    let forget = longshore_store::Forget { created_before: before, keep_newest: 0, limit: 5 };
    assert_eq!(store.forget_deployments(&forget).await.expect("list"), []);
}

#[tokio::test]
async fn a_command_is_handed_out_by_one_server() {
    let stores = two_stores().await;
    let deployment = add_running_deployment(&stores[0], 1).await;
    let hand_out = |server: &str, event_idx| HandOut {
        target: key(&deployment, "h0"),
        event_idx,
        principal: principal("h0"),
        server: server.to_owned(),
    };
    let (one, two) = (hand_out("one", 0), hand_out("two", 0));
    let take = async |store: usize, hand_out: &HandOut, now| {
        others(&stores[store]).hand_out(hand_out, at(now), at(now - 60)).await.expect("write")
    };
    let mut heard = others(&stores[1]).news();
    hear(&mut heard, &News::Missed).await;

    assert_eq!(take(0, &one, 100).await, HandOutOutcome::Ours);
    assert_eq!(take(0, &one, 110).await, HandOutOutcome::Ours, "its own books decide");
    assert_eq!(take(1, &two, 120).await, HandOutOutcome::Elsewhere(at(110)));
    others(&stores[0]).take_back(&one).await.expect("write");
    hear(&mut heard, &News::Commands(principal("h0"))).await;
    assert_eq!(take(1, &two, 130).await, HandOutOutcome::Ours);
    others(&stores[0]).take_back(&one).await.expect("it is not its own any more");
    assert_eq!(take(0, &one, 189).await, HandOutOutcome::Elsewhere(at(130)));
    assert_eq!(take(0, &one, 190).await, HandOutOutcome::Ours, "nobody acknowledged for a minute");

    assert_eq!(take(1, &hand_out("two", 1), 200).await, HandOutOutcome::Ours, "the next command");
    others(&stores[0]).forget_hand_outs(&deployment.id).await.expect("write");
    assert_eq!(take(0, &one, 201).await, HandOutOutcome::Ours);
}

#[tokio::test]
async fn a_fleet_s_commands_are_handed_out_by_one_server_each() {
    let stores = two_stores().await;
    let deployment = add_running_deployment(&stores[0], 40).await;
    let server = ["one", "two"];
    // Of each command four, in opposite orders, so that the two would wait for each other if they could.
    let wanted: Vec<(usize, HandOut)> = (0..160_usize)
        .map(|number| {
            let store = number % 2;
            let host = if store == 0 { number / 2 % 40 } else { 39 - number / 2 % 40 };
            let name = format!("h{host}");
            let target = key(&deployment, &name);
            (
                store,
                HandOut { target, event_idx: 0, principal: principal(&name), server: server[store].into() },
            )
        })
        .collect();
    let asked =
        wanted.iter().map(|(store, hand_out)| others(&stores[*store]).hand_out(hand_out, at(100), at(40)));
    let outcomes = join_all(asked).await;
    for host in 0..40 {
        let target = key(&deployment, &format!("h{host}"));
        let of_host = wanted.iter().zip(&outcomes).filter(|((_, hand_out), _)| hand_out.target == target);
        let holders: Vec<usize> = of_host
            .filter(|(_, outcome)| matches!(outcome, Ok(HandOutOutcome::Ours)))
            .map(|((store, _), _)| *store)
            .collect();
        assert!(!holders.is_empty() && holders.iter().all(|store| *store == holders[0]), "{holders:?}");
    }
    // One that cannot be does not take others with it.
    let mut nowhere = wanted[0].1.clone();
    nowhere.target.deployment = deployment_id(99);
    let next = HandOut { event_idx: 1, ..wanted[2].1.clone() };
    let store = others(&stores[wanted[2].0]);
    let (nowhere, next) =
        futures::join!(store.hand_out(&nowhere, at(200), at(140)), store.hand_out(&next, at(200), at(140)));
    assert!(matches!(nowhere, Ok(HandOutOutcome::Elsewhere(_))), "{nowhere:?}");
    assert!(matches!(next, Ok(HandOutOutcome::Ours)), "{next:?}");
}
