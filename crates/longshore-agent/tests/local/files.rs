//! Files that exist already, by option and by AppSpec.

use std::fs;

use crate::host::Host;

/// Deploys over a foreign file; `expected` is what the file says afterwards.
#[track_caller]
fn check(option: Option<&str>, of_appspec: &str, expected: &str) {
    let host = Host::new();
    host.revision("app", of_appspec, &[("content/file", "ours"), ("content/more", "ours")]);
    fs::create_dir_all(host.target("")).expect("create");
    fs::write(host.target("file"), "foreign").expect("write");
    let option: Vec<&str> = option.into_iter().flat_map(|option| ["-b", option]).collect();
    let ran = host.deploy(&[&["-l", "app"], option.as_slice()].concat());
    let target = host.target("file");
    let exists = format!(
        "ERROR: The deployment failed because a specified file already exists at this location: {}",
        target.display()
    );
    match expected {
        "refused" => {
            ran.check_failure(&[&exists]);
            assert_eq!((host.text("srv/file"), host.text("srv/more")), ("foreign".into(), "absent".into()));
        }
        text => {
            ran.check_success();
            assert_eq!((host.text("srv/file"), host.text("srv/more")), (text.into(), "ours".into()));
        }
    }
}

#[test]
fn an_existing_file_is_refused_replaced_or_kept() {
    check(None, "", "refused");
    check(Some("DISALLOW"), "", "refused");
    check(Some("OVERWRITE"), "", "ours");
    check(Some("overwrite"), "", "ours");
    check(Some("RETAIN"), "", "foreign");
}

#[test]
fn the_appspec_has_the_last_word_about_existing_files() {
    check(None, "file_exists_behavior: OVERWRITE\n", "ours");
    check(None, "file_exists_behavior: RETAIN\n", "foreign");
    check(Some("OVERWRITE"), "file_exists_behavior: DISALLOW\n", "refused");
    check(Some("RETAIN"), "file_exists_behavior: OVERWRITE\n", "ours");
}
