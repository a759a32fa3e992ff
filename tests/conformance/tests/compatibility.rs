//! `docs/compatibility.md` says of each operation what the running server does.

use std::collections::BTreeMap;

use longshore_conformance::data::Data;
use longshore_conformance::fixture::Fixture;
use longshore_conformance::inputs::VALID;
use longshore_conformance::model::{Model, repository};
use longshore_wire::codec::Codec;

/// What the page may say of an operation over a protocol.
const AVAILABLE: &str = "yes";
const NOT_YET: &str = "not yet";

/// Operation, over JSON, over CBOR: the rows of the page's table of operations.
fn rows() -> BTreeMap<String, (String, String)> {
    let page =
        std::fs::read_to_string(repository().join("docs/compatibility.md")).expect("the page is there");
    let (_, table) = page.split_once("| Operation | JSON | CBOR |").expect("the page has the table");
    let mut rows = BTreeMap::new();
    for line in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [operation, json, cbor, ..] = cells.as_slice() else { panic!("not a row: {line}") };
        let row = ((*json).to_owned(), (*cbor).to_owned());
        assert!(rows.insert((*operation).to_owned(), row).is_none(), "{operation} has two rows");
    }
    rows
}

/// What the server does with a valid call.
async fn status(fixture: &Fixture, codec: Codec, operation: &str, input: &str) -> &'static str {
    let input = Data::parse(&fixture.fill(codec, input));
    let (code, _) = fixture.answer(codec, operation, &input).await.expect("an answer");
    match code.as_str() {
        "NotImplementedException" | "UnknownOperationException" => NOT_YET,
        _ => AVAILABLE,
    }
}

#[test]
fn the_page_has_a_row_for_each_operation_of_the_model() {
    let (rows, model) = (rows(), Model::read());
    let (on_page, in_model): (Vec<_>, Vec<_>) = (rows.keys().collect(), model.operations.keys().collect());
    assert_eq!(on_page, in_model);
    assert_eq!(on_page.len(), 47);
}

#[tokio::test]
async fn the_page_says_what_the_server_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fixture = Fixture::start(folder.path()).await;
    let rows = rows();
    let mut differences = Vec::new();
    for (operation, input, _) in VALID {
        let json = status(&fixture, Codec::Json, operation, input).await;
        let cbor = status(&fixture, Codec::Cbor, operation, input).await;
        let row = rows.get(operation).expect("another test says which are missing");
        if (row.0.as_str(), row.1.as_str()) != (json, cbor) {
            differences.push(format!("{operation}: the page says {row:?}, the server ({json}, {cbor})"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
