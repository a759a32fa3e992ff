//! A running hook's processes: recorded, recognised after a restart, and ended.
//!
//! A process group id is only a number that the system uses again. Before anything is signalled after a
//! restart, the leader must be the very process that was recorded: same boot, same start time.

mod ending;
pub(crate) mod proc_fs;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use proc_fs::Process;

/// The start time of a leader that `/proc` does not show: nothing started after it.
const UNSEEN: u64 = u64::MAX;

/// The number of a group that has none yet.
const NOT_STARTED: i32 = 0;

/// The process group and session of a hook's script, and what tells them from later ones of that number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessGroup {
    /// The group, and the process id of its leader; greater than 1, or 0 if it was not known yet.
    pub id: i32,
    /// When the leader started, in clock ticks since boot; it started no earlier, if it was not known yet.
    pub leader_start_ticks: u64,
    /// Which boot.
    pub boot_id: String,
    /// `NAME=value` of the environment, which together only this hook's processes have; by these they are
    /// found when they leave the session. Empty when only the session counts.
    #[serde(default)]
    pub marks: Vec<String>,
}

impl ProcessGroup {
    /// Describes the group whose leader is the process `id`; `None` when there is none.
    pub fn observe(id: i32, marks: Vec<String>) -> Option<ProcessGroup> {
        // 0 would be our own group and 1 the system's first process.
        if id <= 1 {
            return None;
        }
        let leader = leader(id)?;
        Some(ProcessGroup { id, leader_start_ticks: leader.start_ticks, boot_id: boot_id(), marks })
    }

    /// Describes the group of a script that is about to be started. An agent that is killed between the
    /// start and the record of it finds the script by its marks.
    pub(crate) fn about_to_start(marks: Vec<String>) -> ProcessGroup {
        let leader_start_ticks = proc_fs::ticks_since_boot();
        ProcessGroup { id: NOT_STARTED, leader_start_ticks, boot_id: boot_id(), marks }
    }

    /// Describes the group of a child of this process that nobody has waited for yet, so that its number
    /// is certainly its own.
    pub(crate) fn of_child(id: i32, marks: Vec<String>) -> ProcessGroup {
        let start_ticks = Process::of(id).map(|leader| leader.start_ticks);
        ProcessGroup { id, leader_start_ticks: start_ticks.unwrap_or(UNSEEN), boot_id: boot_id(), marks }
    }

    /// Whether something of a hook may still run that its agent, which died, has to answer for: the
    /// recorded leader, or what was started with the marks before its leader could be recorded.
    pub fn may_be_running(&self) -> bool {
        self.was_about_to_start() || self.is_running()
    }

    fn was_about_to_start(&self) -> bool {
        self.id == NOT_STARTED && !self.marks.is_empty() && self.is_of_this_boot()
    }

    /// Unknown boots are not the same one: numbers and times come again after each.
    fn is_of_this_boot(&self) -> bool {
        !self.boot_id.is_empty() && self.boot_id == boot_id()
    }

    /// Whether the recorded leader still runs.
    ///
    /// Once it has ended the script is over: what is left of its group is a service that the script
    /// started, which is not ours to end.
    pub fn is_running(&self) -> bool {
        self.is_of_this_boot()
            && leader(self.id).is_some_and(|leader| leader.start_ticks == self.leader_start_ticks)
    }

    /// Ends the hook of an agent that died, if its script may still run: SIGTERM to all its processes, and
    /// SIGKILL to what still runs after `grace`.
    pub async fn terminate(&self, grace: Duration) {
        if self.was_about_to_start() || (1 < self.id && self.is_running()) {
            self.end_everything(grace).await;
        }
    }

    /// Ends whatever this agent's own script has started and left, whether or not it still runs itself.
    pub(crate) async fn terminate_child(&self, grace: Duration) {
        if 1 < self.id {
            self.end_everything(grace).await;
        }
    }
}

/// The process `id` if it leads its group and has not ended.
fn leader(id: i32) -> Option<Process> {
    Process::of(id).filter(|process| process.group == id && !process.has_ended)
}

fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    use super::*;

    fn start(script: &str) -> (Child, ProcessGroup) {
        let child = Command::new("/bin/sh").args(["-c", script]).process_group(0).spawn().expect("sh");
        let group = ProcessGroup::observe(child.id() as i32, Vec::new()).expect("leads a group");
        (child, group)
    }

    #[tokio::test]
    async fn a_recorded_group_is_ended() {
        let (mut child, group) = start("sleep 600 & wait");
        assert!(group.is_running());
        group.terminate(Duration::from_secs(30)).await;
        assert!(!child.wait().expect("wait").success());
        assert!(!group.is_running());
    }

    #[tokio::test]
    async fn a_group_that_ignores_sigterm_is_killed() {
        let (mut child, group) = start("trap '' TERM; while :; do sleep 0.1; done");
        group.terminate(Duration::from_millis(100)).await;
        assert!(!child.wait().expect("wait").success());
    }

    #[tokio::test]
    async fn a_group_with_a_reused_number_is_left_alone() {
        let (mut child, group) = start("sleep 600");
        let earlier =
            ProcessGroup { leader_start_ticks: group.leader_start_ticks.wrapping_sub(1), ..group.clone() };
        let other_boot = ProcessGroup { boot_id: "another".into(), ..group.clone() };
        for stranger in [earlier, other_boot] {
            assert!(!stranger.is_running());
            stranger.terminate(Duration::ZERO).await;
        }
        assert!(group.is_running());
        group.terminate(Duration::ZERO).await;
        child.wait().expect("wait");
    }

    fn start_marked(mark: &str) -> Child {
        let mut command = Command::new("/bin/sleep");
        let (name, value) = mark.split_once('=').expect("NAME=value");
        let child = command.arg("600").env(name, value).process_group(0).spawn().expect("sleep");
        // The new program, with its environment, may not be in place yet.
        while !proc_fs::has_in_environment(child.id() as i32, &[mark.to_owned()]) {
            std::thread::yield_now();
        }
        child
    }

    /// What ran before has the same marks if it is of an earlier script of the event.
    #[tokio::test]
    async fn a_script_that_started_before_it_was_recorded_is_found_by_its_marks() {
        let mark = format!("LONGSHORE_TEST_MARK={}", std::process::id());
        let mut earlier = start_marked(&mark);
        let begin = Process::of(earlier.id() as i32).expect("it runs").start_ticks;
        while proc_fs::ticks_since_boot() <= begin {
            std::thread::yield_now();
        }
        let group = ProcessGroup::about_to_start(vec![mark.clone()]);
        let mut script = start_marked(&mark);
        assert!(group.may_be_running() && !group.is_running());
        for nothing in [
            ProcessGroup { boot_id: "another".into(), ..group.clone() },
            ProcessGroup { marks: Vec::new(), ..group.clone() },
        ] {
            assert!(!nothing.may_be_running());
            nothing.terminate(Duration::ZERO).await;
        }
        assert_eq!(script.try_wait().expect("a child"), None);
        group.terminate(Duration::from_secs(30)).await;
        assert!(!script.wait().expect("wait").success());
        assert_eq!(earlier.try_wait().expect("a child"), None);
        earlier.kill().expect("it runs");
        earlier.wait().expect("wait");
    }

    #[tokio::test]
    async fn nothing_is_known_to_run_of_an_unknown_boot() {
        let (mut child, group) = start("sleep 600");
        assert!(group.is_running());
        assert!(!ProcessGroup { boot_id: String::new(), ..group.clone() }.is_running());
        // With the shell alone, what it runs would be left, and hold the test's output open.
        group.terminate(Duration::ZERO).await;
        child.wait().expect("wait");
    }

    #[test]
    fn the_own_group_and_the_first_process_are_never_observed() {
        assert_eq!(ProcessGroup::observe(0, Vec::new()), None);
        assert_eq!(ProcessGroup::observe(1, Vec::new()), None);
    }
}
