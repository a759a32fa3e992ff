//! Options by their long and short names, and what is said before any option counts.

use super::*;

#[track_caller]
fn check(line: &[&str], field: fn(&Options) -> String, expected: &str) {
    let line = ["codedeploy-local"].iter().chain(line);
    let parsed = Original::try_parse_from(line).expect("a good command line");
    assert_eq!(field(&parsed.options), expected);
}

#[test]
fn every_option_has_its_short_and_long_name_and_its_default() {
    type Field = fn(&Options) -> String;
    let table: [(&str, &str, Field, &str); 9] = [
        ("-l", "--bundle-location", |o| o.bundle_location.clone().unwrap_or_default(), ""),
        ("-t", "--type", |o| o.bundle_type.clone(), "directory"),
        ("-b", "--file-exists-behavior", |o| o.file_exists_behavior.clone(), "DISALLOW"),
        ("-g", "--deployment-group", |o| o.deployment_group.clone(), "default-local-deployment-group"),
        ("-d", "--deployment-group-name", |o| o.deployment_group_name.clone(), "LocalFleet"),
        ("-a", "--application-name", |o| o.application_name.clone().unwrap_or_default(), ""),
        ("-e", "--events", |o| o.events.clone().unwrap_or_default().join("|"), ""),
        (
            "-c",
            "--agent-configuration-file",
            |o| o.agent_configuration_file.clone().unwrap_or_default().display().to_string(),
            "",
        ),
        ("-A", "--appspec-filename", |o| o.appspec_filename.clone(), "appspec.yml"),
    ];
    for (short, long, field, default) in table {
        check(&[], field, default);
        check(&[short, "x"], field, "x");
        check(&[long, "x"], field, "x");
    }
    check(&["-e", "A,B"], |o| o.events.clone().unwrap_or_default().join("|"), "A|B");
    check(&["--github-token", "t"], |o| o.github_token.clone().unwrap_or_default(), "t");
}

#[test]
fn the_original_is_known_by_its_name_wherever_it_lies() {
    assert!(is_original(OsStr::new("codedeploy-local")));
    assert!(is_original(OsStr::new("/opt/codedeploy-agent/bin/codedeploy-local")));
    assert!(!is_original(OsStr::new("longshore-agent")));
}

#[test]
fn a_token_is_not_in_the_debug_text() {
    let parsed = Original::try_parse_from(["codedeploy-local", "--github-token", "hidden"]).expect("good");
    assert!(!format!("{:?}", parsed.options).contains("hidden"));
}

#[test]
fn a_deployment_id_is_local_and_its_own() {
    let (one, two) = (deployment_id(), deployment_id());
    assert_ne!(one, two);
    let middle = one.strip_prefix("d-").and_then(|rest| rest.strip_suffix("-local")).expect("its form");
    assert!(middle.len() == 9 && middle.bytes().all(|byte| ID_CHARACTERS.contains(&byte)), "{one}");
}
