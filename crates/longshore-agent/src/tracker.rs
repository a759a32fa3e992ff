//! What was running when the agent died: one file per running command. Source: agent.md §4.5, §1.8.
//!
//! A file is written before a command is executed and removed once its report is on disk, so after
//! a crash each file names a command that nobody has reported.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::layout::Layout;
use crate::process_group::ProcessGroup;
use crate::state_file;

/// Files older than this are leftovers: no command runs for a day.
const MAX_AGE: Duration = Duration::from_secs(86_400);

/// A command that was running when the agent died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedCommand {
    /// The deployment; also the file's name.
    pub deployment_id: String,
    /// The command.
    pub host_command_identifier: String,
    /// The hook process it had started last, if any.
    pub process_group: Option<ProcessGroup>,
}

/// The tracking files of the running commands.
#[derive(Clone, Debug)]
pub struct Tracker {
    commands: PathBuf,
    processes: PathBuf,
}

impl Tracker {
    /// The tracking files in `layout`.
    pub fn new(layout: &Layout) -> Tracker {
        Tracker { commands: layout.tracking(), processes: layout.processes() }
    }

    /// Where a deployment's running command is noted.
    pub fn file(&self, deployment_id: &str) -> PathBuf {
        self.commands.join(deployment_id)
    }

    /// Notes that a command is about to be executed.
    ///
    /// # Errors
    /// Whatever the file system says; the command must then not be executed.
    pub fn track(&self, deployment_id: &str, host_command_identifier: &str) -> io::Result<()> {
        std::fs::create_dir_all(&self.commands)?;
        state_file::remove(&self.processes.join(deployment_id))?;
        state_file::write(&self.file(deployment_id), host_command_identifier.as_bytes())
    }

    /// Notes which process group a running command has started.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn record_process_group(&self, deployment_id: &str, group: &ProcessGroup) -> io::Result<()> {
        std::fs::create_dir_all(&self.processes)?;
        let content = serde_json::to_vec(group).map_err(io::Error::other)?;
        // A power cut ends the processes too. A script that runs must be known at once, however slow the
        // disk is, or an agent that is killed now leaves it running.
        state_file::write_unsynced(&self.processes.join(deployment_id), &content)
    }

    /// Notes that the process group of a running command is gone.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn forget_process_group(&self, deployment_id: &str) -> io::Result<()> {
        state_file::remove(&self.processes.join(deployment_id))
    }

    /// Notes that a command is over and its report on disk.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn untrack(&self, deployment_id: &str) -> io::Result<()> {
        state_file::remove(&self.file(deployment_id))?;
        state_file::remove(&self.processes.join(deployment_id))
    }

    /// The commands that were running, most recent first. Files older than a day are removed.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn tracked(&self, now: SystemTime) -> io::Result<Vec<TrackedCommand>> {
        let mut found = self.fresh_files(now)?;
        found.sort_by_key(|(modified, _)| std::cmp::Reverse(*modified));
        Ok(found.into_iter().filter_map(|(_, path)| self.read(&path)).collect())
    }

    /// Whether any command is tracked, which is what `stop` asks.
    ///
    /// # Errors
    /// As [`Self::tracked`].
    pub fn is_busy(&self, now: SystemTime) -> io::Result<bool> {
        Ok(!self.fresh_files(now)?.is_empty())
    }

    /// The deployments whose directories must stay.
    pub fn deployment_ids(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.commands) else { return Vec::new() };
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    fn fresh_files(&self, now: SystemTime) -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let entries = match std::fs::read_dir(&self.commands) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut fresh = Vec::new();
        for entry in entries {
            let entry = entry?;
            let modified = entry.metadata()?.modified()?;
            let is_stale = now.duration_since(modified).is_ok_and(|age| MAX_AGE < age);
            if is_stale {
                state_file::remove(&entry.path())?;
            } else if !state_file::is_unfinished(&entry.file_name().to_string_lossy()) {
                fresh.push((modified, entry.path()));
            }
        }
        Ok(fresh)
    }

    fn read(&self, path: &Path) -> Option<TrackedCommand> {
        let deployment_id = path.file_name()?.to_str()?.to_owned();
        let content = std::fs::read_to_string(path).ok()?;
        let host_command_identifier = content.trim_end_matches('\n').to_owned();
        let process_group = std::fs::read(self.processes.join(&deployment_id))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Some(TrackedCommand { deployment_id, host_command_identifier, process_group })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracker(dir: &tempfile::TempDir) -> Tracker {
        Tracker::new(&Layout::new(dir.path(), "ongoing-deployment"))
    }

    fn identifiers(tracker: &Tracker) -> Vec<String> {
        let tracked = tracker.tracked(SystemTime::now()).expect("list");
        tracked.into_iter().map(|command| command.host_command_identifier).collect()
    }

    fn age(dir: &tempfile::TempDir, deployment_id: &str, secs: u64) {
        let path = dir.path().join("ongoing-deployment").join(deployment_id);
        let file = std::fs::File::options().write(true).open(path).expect("file");
        file.set_modified(SystemTime::now() - Duration::from_secs(secs)).expect("mtime");
    }

    #[test]
    fn a_running_command_is_in_progress_until_it_is_reported() {
        let dir = tempfile::tempdir().expect("dir");
        let tracker = tracker(&dir);
        assert!(!tracker.is_busy(SystemTime::now()).expect("busy"));

        tracker.track("d-1", "command-1").expect("track");
        let content = std::fs::read(dir.path().join("ongoing-deployment/d-1")).expect("file");
        assert_eq!(content, b"command-1");
        assert!(tracker.is_busy(SystemTime::now()).expect("busy"));

        tracker.untrack("d-1").expect("untrack");
        assert!(!tracker.is_busy(SystemTime::now()).expect("busy"));
    }

    #[test]
    fn all_tracked_commands_are_found_newest_first() {
        let dir = tempfile::tempdir().expect("dir");
        let tracker = tracker(&dir);
        for (number, secs) in [(1, 30), (2, 10), (3, 20)] {
            tracker.track(&format!("d-{number}"), &format!("command-{number}")).expect("track");
            age(&dir, &format!("d-{number}"), secs);
        }
        assert_eq!(identifiers(&tracker), ["command-2", "command-3", "command-1"]);
    }

    #[test]
    fn a_file_older_than_a_day_is_removed_and_counts_for_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let tracker = tracker(&dir);
        tracker.track("d-1", "command-1").expect("track");
        age(&dir, "d-1", 86_500);
        assert_eq!(identifiers(&tracker), [""; 0]);
        assert!(!dir.path().join("ongoing-deployment/d-1").exists());
    }

    #[test]
    fn the_process_group_of_a_command_is_remembered_and_a_new_command_forgets_it() {
        let dir = tempfile::tempdir().expect("dir");
        let tracker = tracker(&dir);
        let group =
            ProcessGroup { id: 4711, leader_start_ticks: 7, boot_id: "b".into(), marks: vec!["A=1".into()] };
        tracker.track("d-1", "command-1").expect("track");
        tracker.record_process_group("d-1", &group).expect("record");
        let tracked = tracker.tracked(SystemTime::now()).expect("list");
        assert_eq!(tracked[0].process_group, Some(group));

        tracker.track("d-1", "command-2").expect("track");
        assert_eq!(tracker.tracked(SystemTime::now()).expect("list")[0].process_group, None);
    }
}
