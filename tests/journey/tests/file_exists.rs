//! A file that is in the way: every known cause leaves the host byte for byte as it was and is said with
//! what is known of the file, and every known remedy works. Source: failures.md §2.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use longshore_journey::{Aws, Host, PATIENCE, Server, wait_for};
use serde_json::Value;

/// Puts `index.html` where all of these tests want it.
const APPSPEC: &str = "version: 0.0\nos: linux\nfiles:\n  - source: index.html\n    destination: site\n";
/// Removes what the last deployment installed, and installs nothing.
const EMPTY: &str = "version: 0.0\nos: linux\n";

/// A server and one host.
struct Site {
    folder: tempfile::TempDir,
    #[expect(dead_code, reason = "owned so that it lives as long as the site")]
    server: Server,
    aws: Aws,
    host: Host,
}

/// What must not change: each path with its owner, mode, inode, time and content.
type Snapshot = BTreeMap<PathBuf, (u32, u32, u32, u64, i64, i64, Vec<u8>)>;

fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path());
    let host = Host::add(&server, folder.path(), "h1");
    aws.ok("s3 mb s3://bundles");
    Site { folder, server, aws, host }
}

impl Site {
    fn application(&self, application: &str) {
        self.aws.ok(&format!("deploy create-application --application-name {application}"));
    }

    /// Makes a group that has the host in it, and answers its id.
    fn group(&self, application: &str, group: &str) -> String {
        self.aws.value(
            &format!(
                "deploy create-deployment-group --application-name {application} \
                 --deployment-group-name {group} \
                 --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
                 --on-premises-instance-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE"
            ),
            "deploymentGroupId",
        )
    }

    fn delete_group(&self, application: &str, group: &str) {
        self.aws.ok(&format!(
            "deploy delete-deployment-group --application-name {application} --deployment-group-name {group}"
        ));
    }

    /// Uploads a revision under `key`.
    fn push(&self, application: &str, key: &str, appspec: &str, files: &[(&str, &str)]) {
        let source = self.folder.path().join("sources").join(key);
        for (name, content) in [("appspec.yml", appspec)].iter().chain(files) {
            let path = source.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        self.aws.ok(&format!(
            "deploy push --application-name {application} --s3-location s3://bundles/{key} --source {}",
            source.display()
        ));
    }

    /// Deploys and waits for the end: the deployment's id and status.
    fn deploy(&self, application: &str, group: &str, key: &str, options: &str) -> (String, String) {
        let id = self.aws.value(
            &format!(
                "deploy create-deployment --application-name {application} --deployment-group-name {group} \
                 --s3-location bucket=bundles,key={key},bundleType=zip {options}"
            ),
            "deploymentId",
        );
        let query = format!("deploy get-deployment --deployment-id {id}");
        let status = wait_for("the deployment's end", PATIENCE, || {
            let status = self.aws.value(&query, "deploymentInfo.status");
            ["Succeeded", "Failed", "Stopped"].contains(&status.as_str()).then_some(status)
        });
        (id, status)
    }

    #[track_caller]
    fn succeeds(&self, application: &str, group: &str, key: &str, options: &str) {
        let (id, status) = self.deploy(application, group, key, options);
        assert_eq!(status, "Succeeded", "{id}: {}", self.failed_event(&id));
    }

    fn failed_event(&self, id: &str) -> Value {
        let target = format!("deploy get-deployment-target --deployment-id {id} --target-id h1");
        let answer: Value = serde_json::from_str(&self.aws.ok(&format!("{target} --output json"))).unwrap();
        let events = answer["deploymentTarget"]["instanceTarget"]["lifecycleEvents"].as_array().unwrap();
        events.iter().find(|event| event["status"] == "Failed").cloned().unwrap_or_default()
    }

    /// Deploys, which must be refused because of `path`, which the groups `recorded_by` have put there.
    #[track_caller]
    fn is_refused(&self, names: (&str, &str), group_id: &str, key: &str, path: &Path, recorded_by: &[&str]) {
        let before = self.snapshot();
        let (id, status) = self.deploy(names.0, names.1, key, "");
        assert_eq!(status, "Failed");
        let event = self.failed_event(&id);
        assert_eq!(event["lifecycleEventName"], "Install", "{event}");
        assert_eq!(event["diagnostics"]["errorCode"], "UnknownError");
        let message = format!(
            "The deployment failed because a specified file already exists at this location: {}",
            path.display()
        );
        assert_eq!(event["diagnostics"]["message"], message);
        assert_eq!(self.snapshot(), before, "the host is as it was");
        let kept = self.root().join(group_id).join(&id).join("logs/failure.json");
        let kept: Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
        assert_eq!(kept["message"], message);
        let meta = fs::metadata(path).unwrap();
        let evidence = &kept["evidence"][0];
        assert_eq!(evidence["kind"], "path_occupied", "{kept}");
        assert_eq!(evidence["path"], path.to_str().unwrap());
        assert_eq!(evidence["recorded_by"], serde_json::json!(recorded_by));
        assert_eq!(evidence["found"]["entry_kind"], "file");
        assert_eq!(evidence["found"]["uid"], meta.uid());
        assert_eq!(evidence["found"]["size_bytes"], meta.len());
    }

    fn root(&self) -> PathBuf {
        self.host.folder().join("conf/deployment-root")
    }

    /// Where the agent puts what an AppSpec calls `path`.
    fn installed(&self, path: &str) -> PathBuf {
        self.host.work().canonicalize().unwrap().join(path)
    }

    #[track_caller]
    fn shows(&self, path: &str, content: &str) {
        assert_eq!(fs::read_to_string(self.installed(path)).unwrap(), content);
    }

    /// The destination tree, and the files by which groups know what is theirs.
    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        take(&self.host.work().join("site"), &mut snapshot);
        let known = ["-cleanup", "-install.json", "_last_successful_install"];
        for entry in fs::read_dir(self.root().join("deployment-instructions")).into_iter().flatten() {
            let path = entry.unwrap().path();
            if known.iter().any(|end| path.to_str().unwrap().ends_with(end)) {
                take(&path, &mut snapshot);
            }
        }
        snapshot
    }
}

fn take(path: &Path, snapshot: &mut Snapshot) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    let content = if meta.is_file() { fs::read(path).unwrap() } else { Vec::new() };
    let facts = (meta.uid(), meta.gid(), meta.mode(), meta.ino(), meta.mtime(), meta.mtime_nsec(), content);
    snapshot.insert(path.to_owned(), facts);
    if meta.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| take(&entry.unwrap().path(), snapshot));
    }
}

#[test]
fn another_application_with_a_group_of_the_same_name() {
    let site = site();
    site.application("app1");
    site.application("app2");
    let (first, second) = (site.group("app1", "web"), site.group("app2", "web"));
    site.push("app1", "a.zip", APPSPEC, &[("index.html", "one\n")]);
    site.succeeds("app1", "web", "a.zip", "");
    let path = site.installed("site/index.html");
    site.is_refused(("app2", "web"), &second, "a.zip", &path, &[&first]);
    // The remedy: through the application that put it there.
    site.succeeds("app1", "web", "a.zip", "");
    site.shows("site/index.html", "one\n");
}

#[test]
fn a_group_that_was_deleted_and_made_again() {
    let site = site();
    site.application("app");
    let first = site.group("app", "web");
    site.push("app", "a.zip", APPSPEC, &[("index.html", "one\n")]);
    site.push("app", "empty.zip", EMPTY, &[]);
    site.succeeds("app", "web", "a.zip", "");
    site.delete_group("app", "web");
    let second = site.group("app", "web");
    let path = site.installed("site/index.html");
    site.is_refused(("app", "web"), &second, "a.zip", &path, &[&first]);
    site.succeeds("app", "web", "a.zip", "--file-exists-behavior OVERWRITE");

    // R4: an empty revision to the same group before it is deleted.
    site.succeeds("app", "web", "empty.zip", "");
    assert!(!path.exists(), "what was installed is gone");
    site.delete_group("app", "web");
    site.group("app", "web");
    site.succeeds("app", "web", "a.zip", "");
    site.shows("site/index.html", "one\n");
}

#[test]
fn an_application_that_was_deleted_and_made_again() {
    let site = site();
    site.application("app");
    let first = site.group("app", "web");
    site.push("app", "a.zip", APPSPEC, &[("index.html", "one\n")]);
    site.succeeds("app", "web", "a.zip", "");
    site.aws.ok("deploy delete-application --application-name app");
    site.application("app");
    let second = site.group("app", "web");
    let path = site.installed("site/index.html");
    site.is_refused(("app", "web"), &second, "a.zip", &path, &[&first]);
    // R1: the file is removed by hand.
    fs::remove_file(&path).unwrap();
    site.succeeds("app", "web", "a.zip", "");
    site.shows("site/index.html", "one\n");
}

#[test]
fn two_groups_that_share_a_host() {
    let site = site();
    site.application("app");
    let (first, second) = (site.group("app", "g1"), site.group("app", "g2"));
    site.push("app", "a.zip", APPSPEC, &[("index.html", "one\n")]);
    site.succeeds("app", "g1", "a.zip", "");
    let path = site.installed("site/index.html");
    // The same revision.
    site.is_refused(("app", "g2"), &second, "a.zip", &path, &[&first]);
    // R3: somewhere else.
    let elsewhere = APPSPEC.replace("destination: site", "destination: other");
    site.push("app", "b.zip", &elsewhere, &[("index.html", "two\n")]);
    site.succeeds("app", "g2", "b.zip", "");
    site.shows("other/index.html", "two\n");

    // Another revision that shares one of its files; nothing of it is installed.
    let overlap = format!("{APPSPEC}  - source: more.html\n    destination: site\n");
    let files = [("index.html", "three\n"), ("more.html", "more\n")];
    site.push("app", "c.zip", &overlap, &files);
    site.is_refused(("app", "g2"), &second, "c.zip", &path, &[&first]);
    assert!(!site.installed("site/more.html").exists());
    site.shows("other/index.html", "two\n");
    // The choice of the revision itself.
    site.push("app", "d.zip", &format!("{overlap}file_exists_behavior: OVERWRITE\n"), &files);
    site.succeeds("app", "g2", "d.zip", "");
    site.shows("site/index.html", "three\n");
    site.shows("site/more.html", "more\n");
}

#[test]
fn a_file_that_somebody_or_a_script_put_there() {
    let site = site();
    site.application("app");
    let group = site.group("app", "web");
    let path = site.installed("site/index.html");
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "somebody's\n").unwrap();
    site.push("app", "a.zip", APPSPEC, &[("index.html", "one\n")]);
    site.is_refused(("app", "web"), &group, "a.zip", &path, &[]);
    // RETAIN keeps it, and leaves it somebody's: the next deployment is refused again.
    site.succeeds("app", "web", "a.zip", "--file-exists-behavior RETAIN");
    site.shows("site/index.html", "somebody's\n");
    site.is_refused(("app", "web"), &group, "a.zip", &path, &[]);
    // OVERWRITE takes it over. This revision's script makes a file.
    let made = "version: 0.0\nos: linux\nfiles:\n  - source: index.html\n    destination: site\n\
                hooks:\n  AfterInstall:\n    - location: make.sh\n";
    let files = [("index.html", "two\n"), ("make.sh", "#!/bin/sh\necho made > site/made.html\n")];
    site.push("app", "b.zip", made, &files);
    site.succeeds("app", "web", "b.zip", "--file-exists-behavior OVERWRITE");
    site.shows("site/index.html", "two\n");
    site.shows("site/made.html", "made\n");

    // What scripts make is nobody's, so a revision that brings the same file is refused.
    let brings = format!("{APPSPEC}  - source: made.html\n    destination: site\n");
    let files = [("index.html", "three\n"), ("made.html", "brought\n")];
    site.push("app", "c.zip", &brings, &files);
    site.is_refused(("app", "web"), &group, "c.zip", &site.installed("site/made.html"), &[]);
    // R2: a hook that removes it.
    let cleans = format!("{brings}hooks:\n  BeforeInstall:\n    - location: clean.sh\n");
    let clean = ("clean.sh", "#!/bin/sh\nrm -f site/made.html\n");
    site.push("app", "d.zip", &cleans, &[&files[..], &[clean]].concat());
    site.succeeds("app", "web", "d.zip", "");
    site.shows("site/made.html", "brought\n");
}

/// Source: service.md §6.5.
#[test]
fn a_retained_file_is_lost_when_a_deployment_in_between_overwrote_it() {
    let site = site();
    site.application("app");
    site.group("app", "web");
    let path = site.installed("site/index.html");
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "somebody's\n").unwrap();
    site.push("app", "a.zip", APPSPEC, &[("index.html", "one\n")]);
    site.succeeds("app", "web", "a.zip", "--file-exists-behavior RETAIN");
    site.shows("site/index.html", "somebody's\n");
    let fails = format!("{APPSPEC}hooks:\n  AfterInstall:\n    - location: fail.sh\n");
    site.push("app", "b.zip", &fails, &[("index.html", "two\n"), ("fail.sh", "#!/bin/sh\nexit 1\n")]);
    let (_, status) = site.deploy("app", "web", "b.zip", "--file-exists-behavior OVERWRITE");
    assert_eq!(status, "Failed");
    site.succeeds("app", "web", "a.zip", "--file-exists-behavior RETAIN");
    site.shows("site/index.html", "one\n");
}
