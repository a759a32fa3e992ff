//! The demo for programs, and cut short at its beginning; `tests/journey` runs it as people do.

mod programs;

use programs::{Running, check_nothing_left};
use serde_json::Value;

#[test]
fn a_program_gets_the_counts_of_every_host() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("demo");
    let mut demo = Running::start(&["demo", "--dir", dir.to_str().unwrap()]);
    let mut last = Value::Null;
    while let Some(line) = demo.next_line() {
        last = line;
    }
    assert_eq!(demo.wait().code(), Some(0), "{last}");
    assert_eq!(last["type"], "answers", "{last}");
    assert!(last["mostDown"].as_u64().unwrap() <= 1, "one host at a time: {last}");
    let hosts = last["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), 3);
    for host in hosts {
        assert!(host["answers"]["1"].as_u64() > Some(0) && host["answers"]["2"].as_u64() > Some(0), "{host}");
    }
    check_nothing_left(&dir);
}

#[test]
fn ctrl_c_at_the_beginning_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("demo");
    // Before the first deployment, and in it.
    for moment in ["pushed", "event"] {
        let mut demo = Running::start(&["demo", "--dir", dir.to_str().unwrap()]);
        while demo.next_line().expect("the moment comes")["type"] != moment {}
        demo.interrupt();
        while demo.next_line().is_some() {}
        assert_eq!(demo.wait().code(), Some(130), "interrupted at {moment}");
        check_nothing_left(&dir);
    }
}
