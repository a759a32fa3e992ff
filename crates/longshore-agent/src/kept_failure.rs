//! The file that is left of a failed command, for whoever has to explain it. Source: design.md §6.
//!
//! A deployment that has a folder keeps its last failure there, beside its scripts' output. Of the others
//! nothing was carried out on this host (their specification cannot be had or believed, the service took no
//! acknowledgement), and a folder would look like a revision: they share one, which keeps the newest.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use longshore_model::evidence::Evidence;
use longshore_wire::sigv4::payload_sha256_hex;
use serde::Serialize;

use crate::failure::{self, CommandFailure};
use crate::layout::Layout;
use crate::state_file;

/// How many failures of deployments without a folder are kept: the last days of a host whose every
/// deployment is refused.
const MAX_KEPT: usize = 64;

/// Which command failed.
#[derive(Clone, Copy, Debug)]
pub struct FailedCommand<'a> {
    /// The deployment's id; where that is not known, what its specification is asked with.
    pub deployment: &'a str,
    /// The command's name; not known of one that died with the agent.
    pub name: Option<&'a str>,
    /// Everything of the deployment, if it is known where that is.
    pub deployment_dir: Option<&'a Path>,
}

/// The content of the file.
#[derive(Serialize)]
struct Content<'a> {
    deployment: &'a str,
    command: Option<&'a str>,
    error_code: i64,
    script_name: &'a str,
    message: &'a str,
    evidence: &'a [Evidence],
}

/// Keeps what is known of a failure. A disk that does not take it is logged: the report has the sentence.
pub fn keep(layout: &Layout, command: FailedCommand<'_>, failure: &CommandFailure) {
    if let Err(error) = write(layout, command, failure) {
        tracing::warn!("Cannot keep the evidence of a failed command: {error}");
    }
}

fn write(layout: &Layout, command: FailedCommand<'_>, failure: &CommandFailure) -> io::Result<()> {
    let CommandFailure { report, evidence } = failure;
    let name = command.name.map(failure::cut);
    let content = Content {
        deployment: &failure::cut(command.deployment),
        command: name.as_deref(),
        error_code: report.error_code.number(),
        script_name: &report.script_name,
        message: &failure::cut(&report.message),
        evidence,
    };
    let content = serde_json::to_vec_pretty(&content).map_err(io::Error::other)?;
    match command.deployment_dir.filter(|directory| is_folder(directory)) {
        Some(deployment_dir) => {
            let path = file(deployment_dir);
            std::fs::create_dir_all(deployment_dir.join("logs"))?;
            state_file::write(&path, &content)
        }
        None => {
            let directory = layout.failed_commands();
            std::fs::create_dir_all(&directory)?;
            state_file::write(&directory.join(file_name(&command)), &content)?;
            forget_old(&directory)
        }
    }
}

/// Where a deployment's last failed command is kept.
pub fn file(deployment_dir: &Path) -> PathBuf {
    deployment_dir.join("logs/failure.json")
}

fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

/// One file for each command of a deployment: what identifies it is long and opaque, its digest is a name.
fn file_name(command: &FailedCommand<'_>) -> String {
    let identity = format!("{}\n{}", command.deployment, command.name.unwrap_or_default());
    format!("{}.json", &payload_sha256_hex(identity.as_bytes())[..32])
}

/// Removes all but the newest, and what an agent that died had not finished.
fn forget_old(directory: &Path) -> io::Result<()> {
    let mut kept: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        // Another command's may be gone by now.
        let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
        kept.push((modified, entry.path()));
    }
    kept.sort_by(|one, other| other.cmp(one));
    for (_, path) in kept.iter().skip(MAX_KEPT) {
        state_file::remove(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use longshore_wire::host_command::diagnostics::CompletionReport;
    use serde_json::{Value, json};

    use super::*;

    fn failure(message: &str) -> CommandFailure {
        let evidence = vec![Evidence::AgentRestarted { process_group: Some(7) }];
        CommandFailure { evidence, ..CompletionReport::failed(message.to_owned()).into() }
    }

    fn read(path: &Path) -> Value {
        serde_json::from_slice(&std::fs::read(path).expect("kept")).expect("JSON")
    }

    #[test]
    fn a_deployment_with_a_folder_keeps_its_failure_there_and_others_share_one() {
        let root = tempfile::tempdir().expect("a folder");
        let layout = Layout::new(root.path(), "ongoing-deployment");
        let deployment_dir = layout.deployment("g", "d-1");
        let command =
            FailedCommand { deployment: "d-1", name: Some("Install"), deployment_dir: Some(&deployment_dir) };
        keep(&layout, command, &failure("m"));
        assert!(!deployment_dir.exists());
        let shared = layout.failed_commands().join(file_name(&command));
        let expected = json!({
            "deployment": "d-1", "command": "Install", "error_code": 5, "script_name": "", "message": "m",
            "evidence": [{"kind": "agent_restarted", "process_group": 7}],
        });
        assert_eq!(read(&shared), expected);

        std::fs::remove_file(&shared).expect("removed");
        std::fs::create_dir_all(&deployment_dir).expect("created");
        keep(&layout, command, &failure("m"));
        assert_eq!(read(&file(&deployment_dir)), expected);
        assert!(!shared.exists());
    }

    #[test]
    fn only_the_newest_are_kept_without_a_folder() {
        let root = tempfile::tempdir().expect("a folder");
        let layout = Layout::new(root.path(), "ongoing-deployment");
        let keep_one = |number: usize| {
            let deployment = format!("d-{number}");
            let command = FailedCommand { deployment: &deployment, name: None, deployment_dir: None };
            keep(&layout, command, &failure("m"));
            layout.failed_commands().join(file_name(&command))
        };
        let mut paths: Vec<PathBuf> = (0..MAX_KEPT).map(keep_one).collect();
        for (number, path) in paths.iter().enumerate() {
            let age = Duration::from_secs(1000 - u64::try_from(number).expect("few"));
            let file = std::fs::File::options().write(true).open(path).expect("kept");
            file.set_modified(SystemTime::now() - age).expect("a time");
        }
        paths.push(keep_one(MAX_KEPT));
        assert!(!paths[0].exists());
        assert!(paths[1..].iter().all(|path| path.exists()));
    }

    #[test]
    fn a_text_from_outside_is_cut() {
        let root = tempfile::tempdir().expect("a folder");
        let layout = Layout::new(root.path(), "ongoing-deployment");
        let deployment = "ü".repeat(1_000_000);
        let command =
            FailedCommand { deployment: &deployment, name: Some(&deployment), deployment_dir: None };
        keep(&layout, command, &failure(&deployment));
        let kept = std::fs::read(layout.failed_commands().join(file_name(&command))).expect("kept");
        assert!((60_000..70_000).contains(&kept.len()), "{}", kept.len());
    }
}
