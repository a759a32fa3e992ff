//! The `longshore` CLI as a script uses it: exit codes, JSON, plain lines on a pipe.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use longshore_journey::{App, Host, PATIENCE, Server, program};

struct Cli {
    env: Vec<(String, String)>,
    folder: std::path::PathBuf,
}

impl Cli {
    fn new(server: &Server, folder: &Path) -> Cli {
        Cli { env: server.env(), folder: folder.to_owned() }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(program("longshore"))
            .args(arguments)
            .envs(self.env.iter().cloned())
            .current_dir(&self.folder)
            .output()
            .unwrap()
    }

    /// Runs with `input` on stdin; everything that was written, and how it ended.
    fn feed(&self, arguments: &[&str], input: &str) -> (String, Option<i32>) {
        let mut child = Command::new(program("longshore"))
            .args(arguments)
            .envs(self.env.iter().cloned())
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (String::from_utf8(said).unwrap(), output.status.code())
    }

    #[track_caller]
    fn check(&self, arguments: &[&str], exit_code: i32) -> (String, String) {
        let output = self.run(arguments);
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit_code), "longshore {arguments:?}\n{stdout}{stderr}");
        (stdout, stderr)
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let (stdout, _) = self.check(&[arguments, &["--output", "json"]].concat(), 0);
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
    }
}

#[test]
fn deploy_a_folder_and_read_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let cli = Cli::new(&server, folder.path());
    let hosts: Vec<Host> = ["h1", "h2"].iter().map(|name| Host::add(&server, folder.path(), name)).collect();
    let app = App::write(&folder.path().join("source"), "one\n");
    let source = app.folder().to_str().unwrap();

    let deploy =
        ["deploy", source, "--application", "web", "--group", "all", "--create", "--tag", "Role=web"];
    let (stdout, stderr) = cli.check(&deploy, 0);
    for host in &hosts {
        assert_eq!(host.lines("app/version.txt"), ["one"]);
        assert!(stdout.contains(host.name()), "{stdout}");
    }
    assert!(
        !stdout.contains('\u{1b}') && !stderr.contains('\u{1b}'),
        "no colour on a pipe: {stdout}{stderr}"
    );

    let known = cli.json(&["hosts"]);
    let names: Vec<&str> =
        known["hosts"].as_array().unwrap().iter().map(|host| host["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["h1", "h2"]);

    // A failure is told by the exit code and named on the terminal.
    std::fs::write(hosts[0].work().join("do-ValidateService"), "echo broken page; exit 9\n").unwrap();
    std::fs::write(hosts[1].work().join("do-ValidateService"), "echo broken page; exit 9\n").unwrap();
    let (stdout, stderr) = cli.check(&deploy, 1);
    let said = format!("{stdout}{stderr}");
    for word in ["ValidateService", "scripts/trace.sh", "exit code 9", "broken page"] {
        assert!(said.contains(word), "{word} is missing in: {said}");
    }

    let (_, stderr) = cli.check(&["watch", "d-NOTTHERE1"], 2);
    assert!(stderr.contains("d-NOTTHERE1"), "{stderr}");
}

/// Hooks with two scripts and with one.
const TWO_SCRIPTS: &str = "version: 0.0
os: linux
files:
  - source: content
    destination: app
hooks:
  AfterInstall:
    - location: scripts/migrate.sh
    - location: scripts/warm.sh
  ApplicationStart:
    - location: scripts/trace.sh
";

#[test]
fn a_deployments_timeline_and_events_tell_how_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let cli = Cli::new(&server, folder.path());
    let _hosts: Vec<Host> = ["h1", "h2"].iter().map(|name| Host::add(&server, folder.path(), name)).collect();
    let app = App::write(&folder.path().join("source"), "one\n");
    app.file("appspec.yml", TWO_SCRIPTS, 0o644);
    app.file("scripts/migrate.sh", "#!/bin/sh\nsleep 0.2\n", 0o755);
    app.file("scripts/warm.sh", "#!/bin/sh\n", 0o755);
    let source = app.folder().to_str().unwrap();
    cli.check(
        &["deploy", source, "--application", "web", "--group", "all", "--create", "--tag", "Role=web"],
        0,
    );
    let latest = cli.json(&["status"]);
    let id = latest["deployments"][0]["deploymentId"].as_str().unwrap();
    let (board, _) = cli.check(&["deployment", id], 0);
    assert!(board.contains("2 succeeded"), "{board}");

    // One at a time: the second host waits for the first, which the time went by.
    let (text, _) = cli.check(&["deployment", id, "--timeline"], 0);
    let told =
        ["waits: 1 of 2 is down, the minimum is 1", "What took the time: h1 (", ", then h2 (", "spent on: "];
    for line in told {
        assert!(text.contains(line), "{line} is missing in: {text}");
    }
    let document = cli.json(&["deployment", id, "--timeline"]);
    assert_eq!(document["criticalPath"], serde_json::json!(["h1", "h2"]));
    assert!(document["criticalPathSeconds"]["events"]["Install"].as_f64().unwrap() > 0.0, "{document}");
    let waits =
        |entry: &&serde_json::Value| entry["text"].as_str().is_some_and(|text| text.starts_with("waits"));
    let entries = document["entries"].as_array().unwrap();
    assert_eq!(entries.iter().filter(waits).count(), 1, "{document}");
    assert!(document["hosts"][0]["events"]["Install"].as_f64().unwrap() > 0.0, "{document}");

    // The scripts of an event that has several, as the real agents measured them.
    for host in document["hosts"].as_array().unwrap() {
        let scripts = host["scripts"].as_array().unwrap();
        let named = |script: &serde_json::Value| format!("{} {}", script["event"], script["location"]);
        let expected = [
            r#""AfterInstall" "scripts/migrate.sh""#,
            r#""AfterInstall" "scripts/warm.sh""#,
            r#""ApplicationStart" "scripts/trace.sh""#,
        ];
        assert_eq!(scripts.iter().map(named).collect::<Vec<_>>(), expected, "{document}");
        let seconds: Vec<f64> = scripts.iter().map(|script| script["seconds"].as_f64().unwrap()).collect();
        let event = host["events"]["AfterInstall"].as_f64().unwrap();
        assert!(0.2 <= seconds[0] && seconds[0] + seconds[1] <= event + 0.1, "{document}");
    }
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("AfterInstall ")).collect();
    let is_split = |row: &&str| row.contains(" (scripts/migrate.sh ") && row.contains(", scripts/warm.sh ");
    assert_eq!(rows.iter().filter(|row| is_split(row)).count(), 2, "{text}");

    let (lines, _) = cli.check(&["events", "--after", "0", "--output", "json"], 0);
    let states: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| {
            let detail = &event["detail"];
            format!("{} {}", detail["instanceId"].as_str().unwrap_or("-"), detail["state"].as_str().unwrap())
        })
        .collect();
    assert_eq!(states, ["- START", "h1 START", "h1 SUCCESS", "h2 START", "h2 SUCCESS", "- SUCCESS"]);
    cli.check(&["notifications", "undelivered"], 0);
    assert_eq!(cli.json(&["notifications", "resend"])["resent"], 0);
}

/// From the moment on at which it is asked for, each as it happens.
#[test]
fn events_are_followed_as_they_happen() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let cli = Cli::new(&server, folder.path());
    let _host = Host::add(&server, folder.path(), "h1");
    let app = App::write(&folder.path().join("source"), "one\n");
    let source = app.folder().to_str().unwrap();
    let deploy =
        ["deploy", source, "--application", "web", "--group", "all", "--create", "--tag", "Role=web"];
    cli.check(&deploy, 0);
    // What is there already is told where it goes on from, which is the same place for both.
    let (end, _) = cli.check(&["events"], 0);
    let place = end.trim().rsplit_once(' ').unwrap().1;
    let mut following = Command::new(program("longshore"))
        .args(["events", "--follow", "--after", place, "--output", "json"])
        .envs(server.env())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let (told, hears) = std::sync::mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(told.send(line))));
    assert!(hears.recv_timeout(Duration::from_millis(300)).is_err(), "nothing has happened since");
    cli.check(&deploy, 0);
    let states: Vec<String> = (0..4)
        .map(|_| {
            let line = hears.recv_timeout(PATIENCE).expect("an event in time");
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            let detail = &event["detail"];
            format!("{} {}", detail["instanceId"].as_str().unwrap_or("-"), detail["state"].as_str().unwrap())
        })
        .collect();
    assert_eq!(states, ["- START", "h1 START", "h1 SUCCESS", "- SUCCESS"]);
    assert_eq!(following.try_wait().unwrap(), None, "it goes on");
    following.kill().unwrap();
    following.wait().unwrap();
}

#[test]
fn a_bad_appspec_is_refused_before_anything_is_uploaded() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let cli = Cli::new(&server, folder.path());
    let app = App::write(&folder.path().join("source"), "one\n");
    app.file("appspec.yml", "version: 1.0\nos: linux\n", 0o644);
    let source = app.folder().to_str().unwrap();
    let (_, stderr) = cli.check(&["push", source, "--application", "web"], 2);
    assert!(stderr.contains("appspec.yml") && stderr.contains("1.0"), "{stderr}");
    let output = cli.run(&["status"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn tokens_for_git_hub_are_kept_linked_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let mut cli = Cli::new(&server, folder.path());
    let (said, code) = cli.feed(&["github", "add", "acme"], "ghp_from_stdin\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("ghp_from_stdin"), "{said}");
    let (said, code) = cli.feed(&["github", "add", "empty"], "\n");
    assert_eq!(code, Some(2), "{said}");
    let (said, code) = cli.feed(&["github", "add", "bad"], "ghp_two words\n");
    assert_eq!(code, Some(2), "{said}");
    assert!(!said.contains("ghp_two"), "{said}");
    cli.env.push((String::from("LONGSHORE_GITHUB_TOKEN"), String::from("ghp_from_env")));
    cli.check(&["github", "add", "other"], 0);
    assert_eq!(cli.json(&["github", "list"])["tokens"], serde_json::json!(["acme", "other"]));

    let aws = longshore_journey::Aws::new(&server, folder.path());
    aws.ok("deploy create-application --application-name web");
    cli.check(&["github", "link", "web", "acme"], 0);
    let query = "deploy get-application --application-name web";
    assert_eq!(aws.value(query, "application.gitHubAccountName"), "acme");
    cli.check(&["github", "link", "web"], 0);
    assert_eq!(aws.value(query, "application.linkedToGitHub"), "False");
    cli.check(&["github", "remove", "acme"], 0);
    let (_, said) = cli.check(&["github", "remove", "acme"], 2);
    assert!(said.contains("longshore github list"), "{said}");
    let (stdout, _) = cli.check(&["github", "list"], 0);
    assert_eq!(stdout, "other\n");
    assert_eq!(aws.value("deploy list-git-hub-account-token-names", "tokenNameList[0]"), "other");
}
