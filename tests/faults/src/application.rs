//! What is deployed: for each group a few revisions, whose every file names its revision.

use std::path::Path;
use std::process::Command;

use longshore_journey::{App, Server, program};

/// The bucket that `longshore push` makes and takes unless told otherwise.
pub(crate) const BUCKET: &str = "longshore-bundles-us-east-1";
/// The one application.
pub(crate) const APPLICATION: &str = "web";
/// Revisions of a group that work.
pub(crate) const REVISIONS: usize = 4;
/// The name of the revision whose scripts fail after its Install.
pub(crate) const BROKEN: &str = "broken";

/// Files of a revision.
const PARTS: usize = 12;
/// Lines of a file.
const LINES: usize = 800;

/// Which events have a script.
pub(crate) const SCRIPTED: [&str; 5] =
    ["ApplicationStop", "BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"];

/// The names of the group's revisions; the last one is broken.
pub(crate) fn revisions(group: &str) -> Vec<String> {
    let good = (0..REVISIONS).map(|idx| format!("{group}-{idx}"));
    good.chain([format!("{group}-{BROKEN}")]).collect()
}

/// The group's folder on a host, relative to the agent's working folder.
pub(crate) fn destination(group: &str) -> String {
    format!("app-{group}")
}

/// The files of a revision, as they are on a host that has it; in the order of their names.
pub(crate) fn files(revision: &str) -> Vec<(String, Vec<u8>)> {
    (0..PARTS).map(|idx| (format!("part-{idx:02}"), content(revision, idx).into_bytes())).collect()
}

fn content(revision: &str, part: usize) -> String {
    format!("{revision}\n").repeat(LINES + part)
}

/// Packs and uploads the group's revisions. Answers their S3 keys' common form: `<revision>.zip`.
///
/// # Panics
/// When one cannot be pushed.
pub(crate) fn push(server: &Server, folder: &Path, group: &str) {
    for revision in revisions(group) {
        let app = App::write(&folder.join("source").join(&revision), "");
        std::fs::remove_dir_all(app.folder().join("content")).expect("our own folder");
        app.file("appspec.yml", &appspec(group), 0o644);
        app.file("scripts/note.sh", &script(group, &revision), 0o755);
        for (name, bytes) in files(&revision) {
            app.file(&format!("content/{name}"), &String::from_utf8_lossy(&bytes), 0o644);
        }
        let mut command = Command::new(program("longshore"));
        command.arg("push").arg(app.folder()).args(["--application", APPLICATION]);
        command.args(["--key", &format!("{revision}.zip")]).envs(server.env());
        let output = command.output().expect("longshore runs");
        assert!(output.status.success(), "push: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn appspec(group: &str) -> String {
    let hooks: String = SCRIPTED
        .iter()
        .map(|event| format!("  {event}:\n    - location: scripts/note.sh\n      timeout: 30\n"))
        .collect();
    let destination = destination(group);
    format!(
        "version: 0.0\nos: linux\nfiles:\n  - source: content\n    destination: {destination}\nhooks:\n{hooks}"
    )
}

/// Notes that it ran, and once the files should be there, which revisions' they are.
fn script(group: &str, revision: &str) -> String {
    let destination = destination(group);
    let fail = if revision.ends_with(BROKEN) { "exit 1" } else { "exit 0" };
    format!(
        r#"#!/bin/sh
seen=
if [ "$LIFECYCLE_EVENT" = AfterInstall ] || [ "$LIFECYCLE_EVENT" = ValidateService ]; then
    seen=$(cat {destination}/part-* | sort -u | tr '\n' ' ')
fi
echo "$DEPLOYMENT_ID $LIFECYCLE_EVENT $seen" >>"$LONGSHORE_FAULTS_NOTES"
sleep 0.2
if [ "$LIFECYCLE_EVENT" = ApplicationStart ]; then {fail}; fi
"#
    )
}
