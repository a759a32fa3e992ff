//! The process group of a running hook: recorded, recognised after a restart, and ended.
//!
//! A process group id is only a number that the system uses again. Before it is signalled after a
//! restart, the leader must be the very process that was recorded: same boot, same start time.

use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// How often a group that was told to end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A process group and what tells it from a later one of the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessGroup {
    /// The group, and the process id of its leader; greater than 1.
    pub id: i32,
    /// When the leader started, in clock ticks since boot.
    pub leader_start_ticks: u64,
    /// Which boot.
    pub boot_id: String,
}

impl ProcessGroup {
    /// Describes the group whose leader is running as process `id`; `None` when there is none.
    pub fn observe(id: i32) -> Option<ProcessGroup> {
        // 0 would be our own group and 1 the system's first process.
        if id <= 1 {
            return None;
        }
        Some(ProcessGroup { id, leader_start_ticks: leader(id)?.start_ticks, boot_id: boot_id() })
    }

    /// Whether the recorded leader still runs.
    ///
    /// Once it has ended the script is over: what is left of its group is a service that the script
    /// started, which is not ours to end.
    pub fn is_running(&self) -> bool {
        self.boot_id == boot_id()
            && leader(self.id).is_some_and(|leader| leader.start_ticks == self.leader_start_ticks)
    }

    /// Ends the group: SIGTERM, and SIGKILL if the leader still runs after `grace`.
    pub async fn terminate(&self, grace: Duration) {
        if self.id <= 1 || !self.is_running() {
            return;
        }
        self.signal(Signal::SIGTERM);
        let deadline = tokio::time::Instant::now() + grace;
        while self.is_running() {
            if deadline <= tokio::time::Instant::now() {
                self.signal(Signal::SIGKILL);
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn signal(&self, signal: Signal) {
        if let Err(error) = killpg(Pid::from_raw(self.id), signal) {
            tracing::warn!("Cannot send {signal} to process group {}: {error}", self.id);
        }
    }
}

struct Leader {
    start_ticks: u64,
}

/// The process `id` if it leads its group and has not ended.
fn leader(id: i32) -> Option<Leader> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is the program's name in brackets and may hold anything, brackets too.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let group: i32 = fields.nth(1)?.parse().ok()?;
    let start_ticks = fields.nth(16)?.parse().ok()?;
    (group == id && !matches!(state, "Z" | "X")).then_some(Leader { start_ticks })
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
        let group = ProcessGroup::observe(child.id() as i32).expect("leads a group");
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

    #[test]
    fn the_own_group_and_the_first_process_are_never_observed() {
        assert_eq!(ProcessGroup::observe(0), None);
        assert_eq!(ProcessGroup::observe(1), None);
    }
}
