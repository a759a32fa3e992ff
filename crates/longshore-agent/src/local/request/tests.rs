//! What a local deployment asks for, and why it is not begun. Source: agent.md §9.6, §11.

use clap::Parser;
use longshore_model::revision::BundleType;
use longshore_wire::host_command::specification::{LocalBundleType, RevisionSource};

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

/// The request of a command line on a host with a revision in `app`, another in `yaml`, none in `empty`,
/// and an archive `app.zip`.
fn request(line: &[&str]) -> (tempfile::TempDir, Result<Request, InvalidRequest>) {
    let host = tempfile::tempdir().expect("dir");
    for (folder, file) in [("app", "appspec.yml"), ("yaml", "appspec.yaml"), ("empty", "readme")] {
        std::fs::create_dir(host.path().join(folder)).expect("create");
        std::fs::write(host.path().join(folder).join(file), "version: 0.0\nos: linux\n").expect("write");
    }
    std::fs::write(host.path().join("app.zip"), "").expect("write");
    let line = Line::try_parse_from(["local"].iter().chain(line)).expect("a good command line");
    let request = Request::new(&line.options, host.path(), "d-ABCDEF123-local");
    (host, request)
}

#[track_caller]
fn check_refused(line: &[&str], expected: &str) {
    let (_host, request) = request(line);
    assert_eq!(request.expect_err("refused").to_string(), expected);
}

#[track_caller]
fn check_revision(line: &[&str], expected: &RevisionSource) {
    let (_host, request) = request(line);
    assert_eq!(&request.expect("a good request").spec.revision, expected);
}

#[test]
fn the_rules_are_checked_in_their_order() {
    // Each line breaks the rule before it no more, and all those after it.
    check_refused(
        &["-t", "x", "-l", "a b", "-e", "Install,DownloadBundle"],
        "type x is not a valid type. Must be one of tgz,tar,zip,directory",
    );
    check_refused(
        &["-l", "http://a b", "-e", "Install,DownloadBundle"],
        "location http://a b is not a valid uri",
    );
    let expecting = "is not found there. Please either run the CLI from within a directory containing the";
    check_refused(
        &["-l", "empty", "-e", "Install,DownloadBundle"],
        &format!(
            "Expecting appspec file at location empty/appspec.yml or empty/appspec.yaml but it {expecting} appspec.yml or appspec.yaml file or specify a bundle location containing an appspec.yml or appspec.yaml file in its root directory"
        ),
    );
    check_refused(
        &["-l", "app/", "-A", "other.yml", "-e", "Install,DownloadBundle"],
        &format!(
            "Expecting appspec file at location app/other.yml but it {expecting} other.yml file or specify a bundle location containing an other.yml file in its root directory"
        ),
    );
    check_refused(
        &["-t", "tgz", "-l", "s3://b", "-e", "Install,DownloadBundle"],
        "The only events that can be specified before DownloadBundle are BeforeBlockTraffic,AfterBlockTraffic,ApplicationStop. Please fix the order of your specified events: Install,DownloadBundle",
    );
    check_refused(
        &["-t", "tgz", "-l", "s3://b", "-e", "x"],
        "s3 location s3://b not in the expected format of 's3://bucket/key'",
    );
    check_refused(&["-l", "app", "-e", "x"], "Received command is not in PascalCase form: x");
    check_refused(&["-l", "s3://b/k"], "BundleType in S3Revision must be tar, tgz or zip");
    check_refused(&["-l", "app", "-g", "../x"], "DeploymentGroupId is not a valid path component: \"../x\"");
}

#[test]
fn names_have_defaults_and_overrides() {
    let (host, made) = request(&["-l", "app"]);
    let spec = made.expect("good").spec;
    assert_eq!(spec.deployment_id, "d-ABCDEF123-local");
    assert_eq!(spec.deployment_group_id, "default-local-deployment-group");
    assert_eq!(spec.deployment_group_name, "LocalFleet");
    assert_eq!(spec.application_name, host.path().join("app").to_str().expect("text"));
    assert_eq!(spec.app_spec_filename, "appspec.yml");
    assert_eq!(spec.file_exists_behavior, "DISALLOW");
    assert_eq!(spec.all_possible_lifecycle_events.len(), 11);
    assert_eq!(spec.git_hub_access_token, None);

    let line = [
        "-l",
        "yaml",
        "-g",
        "g-1",
        "-d",
        "Fleet",
        "-a",
        "App",
        "-b",
        "whatever",
        "-e",
        "WarmCaches",
        "-A",
        "appspec.yaml",
    ];
    let (_host, made) = request(&line);
    let made = made.expect("good");
    assert_eq!(made.events, ["DownloadBundle", "Install", "WarmCaches"]);
    let spec = made.spec;
    assert_eq!(spec.deployment_group_id, "g-1");
    assert_eq!(spec.deployment_group_name, "Fleet");
    assert_eq!(spec.application_name, "App");
    assert_eq!(spec.app_spec_filename, "appspec.yaml");
    assert_eq!(spec.file_exists_behavior, "WHATEVER");
    assert_eq!(spec.all_possible_lifecycle_events.last().map(String::as_str), Some("WarmCaches"));
}

#[test]
fn without_a_location_the_current_folder_is_deployed() {
    let (host, made) = request(&["-A", "app/appspec.yml"]);
    let made = made.expect("good");
    let here = host.path().to_str().expect("text");
    let expected =
        RevisionSource::Local { location: here.to_owned(), bundle_type: LocalBundleType::Directory };
    assert_eq!(made.spec.revision, expected);
    assert_eq!(made.spec.application_name, here);
    assert_eq!(made.directory.as_deref(), Some(host.path()));
}

#[test]
fn an_appspec_by_either_usual_name_makes_a_revision() {
    for folder in ["app", "yaml"] {
        let (_host, made) = request(&["-l", folder]);
        assert!(made.is_ok(), "{folder}");
    }
}

#[test]
fn an_archive_of_this_host_is_named_by_its_absolute_path() {
    let (host, made) = request(&["-l", "app.zip", "-t", "zip"]);
    let location = host.path().join("app.zip").to_str().expect("text").to_owned();
    let bundle_type = LocalBundleType::Archive(BundleType::Zip);
    assert_eq!(made.expect("good").spec.revision, RevisionSource::Local { location, bundle_type });
}

#[test]
fn an_object_is_named_with_version_and_etag() {
    let s3 = |version: Option<&str>, e_tag: Option<&str>| RevisionSource::S3 {
        bucket: "b".to_owned(),
        key: "k/l.tgz".to_owned(),
        bundle_type: BundleType::Tgz,
        version: version.map(str::to_owned),
        e_tag: e_tag.map(str::to_owned),
    };
    check_revision(&["-t", "tgz", "-l", "s3://b/k/l.tgz"], &s3(None, None));
    let location = "s3://b/k/l.tgz?versionId=v&etag=e";
    check_revision(&["-t", "tgz", "-l", location], &s3(Some("v"), Some("e")));
}

#[test]
fn a_repository_is_fetched_as_zip_unless_tar_is_asked_for() {
    let git_hub = |commit_id: &str, bundle_type: &str| RevisionSource::GitHub {
        account: "o".to_owned(),
        repository: "r".to_owned(),
        commit_id: commit_id.to_owned(),
        bundle_type: Some(bundle_type.to_owned()),
    };
    check_revision(&["-l", "https://github.com/o/r"], &git_hub("HEAD", "zip"));
    check_revision(&["-t", "tgz", "-l", "https://github.com/o/r"], &git_hub("HEAD", "zip"));
    let tarball = "https://api.github.com/repos/o/r/tarball/abc";
    check_revision(&["-t", "tar", "-l", tarball], &git_hub("abc", "tar"));
    let zipball = "https://api.github.com/repos/o/r/zipball/abc";
    check_revision(&["-t", "zip", "-l", zipball], &git_hub("abc", "zip"));

    let (_host, made) = request(&["-l", zipball, "--github-token", "secret"]);
    let spec = made.expect("good").spec;
    assert_eq!(spec.git_hub_access_token.as_ref().map(|token| token.0.as_str()), Some("secret"));
    assert!(!format!("{spec:?}").contains("secret"));
}
