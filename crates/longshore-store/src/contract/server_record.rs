//! Promises of [`ServerRecordStore`](crate::ServerRecordStore).

use futures::future::join_all;

use crate::{ServerRecord, Store};

/// Whoever asks first decides; everybody gets the same answer.
pub async fn the_first_value_stays(store: &dyn Store) {
    let record = |name: &str, value: String| ServerRecord { name: name.to_owned(), value };
    let records: Vec<ServerRecord> =
        (0..20).map(|number| record("signer", format!("key {number}"))).collect();
    let answers = join_all(records.iter().map(|record| store.server_record(record))).await;
    let first = answers[0].as_ref().expect("a value").clone();
    for answer in answers {
        assert_eq!(answer.expect("a value"), first);
    }
    let other = store.server_record(&record("token", String::from("t"))).await.expect("a value");
    assert_eq!(other, "t");
    let again = store.server_record(&record("signer", String::new())).await.expect("a value");
    assert_eq!(again, first);
}
