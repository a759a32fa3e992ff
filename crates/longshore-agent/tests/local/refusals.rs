//! What is said before anything is done, and errors of the revision itself.

use std::fs;

use crate::host::{Host, ran};

#[test]
fn a_missing_configuration_file_is_named() {
    let host = Host::new();
    let path = host.path("nowhere.yml");
    let mut command = host.command(&[]);
    let ran = ran(command.arg("-c").arg(&path).output());
    assert_eq!(ran.code, Some(1));
    // Given twice: that is a mistake of its own.
    assert!(ran.stdout.is_empty());

    fs::remove_file(host.path("agent.yml")).expect("remove");
    let expected = format!(
        "ERROR: configuration file {} does not exist or is not readable",
        host.path("agent.yml").display()
    );
    host.deploy(&[]).check_failure(&[&expected]);
}

#[test]
fn the_log_directory_is_made() {
    let host = Host::new();
    host.deploy(&["-l", "nowhere"])
        .check_failure(&["ERROR: location nowhere is specified as a file or directory which does not exist"]);
    assert!(host.path("log/codedeploy-local.log").exists());
    assert!(!host.root().exists(), "nothing was begun");
}

#[test]
fn help_and_version_are_no_failures() {
    let host = Host::new();
    for option in ["-h", "--help"] {
        let ran = host.deploy(&[option]);
        assert_eq!(ran.code, Some(0));
        for known in ["--bundle-location", "--type", "--events", "--appspec-filename", "--github-token"] {
            assert!(ran.stdout.contains(known), "{}", ran.stdout);
        }
    }
    for option in ["-v", "--version"] {
        let ran = host.deploy(&[option]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "1.0\n"));
    }
    let ran = ran(host.agent(&["local", "deploy", "--help"]).output());
    assert_eq!(ran.code, Some(0));
    assert!(ran.stdout.contains("Exit code 0 when all went well"), "{}", ran.stdout);
}

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let host = Host::new();
    for line in [&["--help"][..], &["local", "deploy", "--help"], &["--version"], &["stop"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let status = host.agent(line).stdout(writer).status().expect("the program runs");
        assert_eq!(status.code(), Some(0), "{line:?}");
    }
}

#[test]
fn enroll_says_why_not_to_programs_too() {
    let host = Host::new();
    let line = ["enroll", "--server", "http://127.0.0.1:9", "--output", "json"];
    let refused = ran(host.agent(&line).output());
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(64), ""), "{}", refused.stderr);
    assert!(refused.stderr.contains("--config-dir"), "{}", refused.stderr);

    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_longshore-agent"));
    command.args(line).arg("--config-dir").arg(host.path("conf")).env_remove("LONGSHORE_ENROLL_TOKEN");
    let refused = ran(command.output());
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    let document: serde_json::Value = serde_json::from_str(&refused.stdout).expect("one document");
    assert_eq!(document["error"]["message"], "no enrollment token is given");
    assert!(document["error"]["hint"].is_string(), "{document}");
}

#[test]
fn an_unknown_option_is_named_and_the_usage_shown() {
    let ran = Host::new().deploy(&["--application-folder", "x"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.starts_with("--application-folder is not recognized\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("Usage: codedeploy-local"), "{}", ran.stderr);
}

#[test]
fn a_bucket_without_keys_is_refused_before_anything_is_done() {
    let host = Host::new();
    let ran = host.deploy(&["-l", "s3://bucket/key.tgz", "-t", "tgz"]);
    ran.check_failure(&["ERROR: We were unable to download content from the Amazon S3 bucket due to missing or invalid credentials. For information about specifying your AWS credentials, see https://aws.amazon.com/blogs/security/a-new-and-standardized-way-to-manage-credentials-in-the-aws-sdks"]);
    assert!(!host.root().exists());
}

#[test]
fn errors_of_the_appspec_are_said_in_its_own_words() {
    let host = Host::new();
    host.raw_revision("version", "version: 1.0\nos: linux\n", &[]);
    host.deploy(&["-l", "version"]).check_failure(&["ERROR: The deployment failed because an invalid version value (1.0) was entered in the application specification file. Make sure your AppSpec file specifies \"0.0\" as the version, and then try again."]);
    host.raw_revision("empty", "", &[]);
    host.deploy(&["-l", "empty"]).check_failure(&["ERROR: The deployment failed because the application specification file was empty. Make sure your AppSpec file defines at minimum the 'version' and 'os' properties."]);
}

#[test]
fn an_archive_that_is_none_is_said() {
    let host = Host::new();
    fs::write(host.path("b"), "no archive").expect("write");
    let ran = host.deploy(&["-l", "b", "-t", "zip"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.lines().any(|line| line.starts_with("ERROR: ")), "{}", ran.stdout);
}

#[test]
fn an_appspec_error_shows_the_lines_with_a_marker() {
    let host = Host::new();
    host.raw_revision("app", "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - timeout: 5\n", &[]);
    let ran = host.deploy(&["-l", "app"]);
    ran.check_failure(&["  > 5 |     - timeout: 5", "      |       ^"]);
}
