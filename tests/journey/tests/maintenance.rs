//! `longshore-server migrate`, `backup`, `restore` and `move`, with the real program: what was deployed
//! before is known after.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use longshore_journey::{Aws, Server, new_database, program};

/// Runs a task on the data folder; `database` is LONGSHORE_STORE_URL.
fn run(words: &[&str], data_dir: &Path, database: Option<&str>) -> Output {
    let mut command = Command::new(program("longshore-server"));
    command.args(words).arg("--data-dir").arg(data_dir).env_remove("LONGSHORE_STORE_URL");
    command.envs(database.map(|url| ("LONGSHORE_STORE_URL", url)));
    command.output().unwrap()
}

#[track_caller]
fn check_done(output: &Output, expected: &str) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains(expected), "{stdout}{stderr}");
}

#[track_caller]
fn check_refused(output: &Output, expected: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && stderr.contains(expected), "{stderr}");
}

#[test]
fn a_server_moves_to_postgresql_and_is_backed_up_and_restored() {
    let folder = tempfile::tempdir().unwrap();
    let control = folder.path().join("control");
    let mut server = Server::start_on_file(&control, "");
    let data_dir = server.data_dir().to_owned();
    let aws = Aws::new(&server, folder.path());
    aws.ok("deploy create-application --application-name web");
    let user = "iam create-user --user-name ada";
    aws.ok(user);
    let backup = folder.path().join("backup.db").display().to_string();
    check_done(&run(&["backup", &backup], &data_dir, None), "rows of");
    let database = new_database();
    check_refused(&run(&["move", "--to", &database], &data_dir, None), "another longshore-server uses");
    server.kill_9();
    check_refused(&run(&["move"], &data_dir, None), "where to?");
    check_done(&run(&["move", "--to", &database], &data_dir, None), "all of them compared");
    check_refused(&run(&["move", "--to", &database], &data_dir, None), "the database is not empty");
    check_refused(&run(&["restore", &backup], &data_dir, None), "exists already");
    drop(server);

    // The same data folder, whose root key it still has.
    let server = Server::start_on(&database, &control, "");
    let aws = Aws::new(&server, folder.path());
    assert_eq!(aws.value("deploy list-applications", "applications"), "web");
    assert!(aws.fails(user).contains("EntityAlreadyExists"));
    let second = folder.path().join("second.db").display().to_string();
    check_done(&run(&["backup", &second], &data_dir, Some(&database)), "rows of");
    drop(server);

    let other = new_database();
    check_done(&run(&["migrate"], &data_dir, Some(&other)), "up to date");
    check_done(&run(&["restore", &second], &data_dir, Some(&other)), "restored");
    let server = Server::start_on(&other, &control, "");
    assert_eq!(Aws::new(&server, folder.path()).value("deploy list-applications", "applications"), "web");
    drop(server);

    let fresh = folder.path().join("fresh");
    let restored = fresh.join("server");
    check_done(&run(&["restore", &second], &restored, None), "restored");
    let server = Server::start_on_file(&fresh, "");
    assert_eq!(Aws::new(&server, folder.path()).value("deploy list-applications", "applications"), "web");
}
