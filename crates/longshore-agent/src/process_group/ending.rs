//! Ends everything that a hook's script started, wherever it went.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use super::ProcessGroup;
use super::proc_fs::{self, Process};

/// How soon a process that was told to end is looked at again; doubled each time.
const FIRST_LOOK: Duration = Duration::from_millis(10);

/// How long the looks get apart: a walk over all processes is not free.
const MAX_LOOK: Duration = Duration::from_millis(200);

/// How long processes that were killed may take to go, and new ones may appear meanwhile.
const LAST_WAIT: Duration = Duration::from_secs(2);

impl ProcessGroup {
    /// Ends all that is left of the hook: SIGTERM to everything, SIGKILL after `grace` to what still runs.
    /// Returns at the latest a little after `grace`, whatever the processes do.
    pub(super) async fn end_everything(&self, grace: Duration) {
        let deadline = Instant::now() + grace;
        let mut told: Vec<Process> = Vec::new();
        let mut pause = FIRST_LOOK;
        self.signal_group(Signal::SIGTERM);
        loop {
            let found = self.members().await;
            if found.is_empty() && !self.is_unseen_group_left() {
                return;
            }
            for process in found.iter().filter(|process| !told.contains(process)) {
                // The group was told as a whole, which nothing that it forks meanwhile escapes.
                let has_been_told = told.is_empty() && process.group == self.id;
                if !has_been_told {
                    signal(process, Signal::SIGTERM);
                }
                // A stopped process hears nothing else.
                signal(process, Signal::SIGCONT);
            }
            told.extend(found);
            if deadline <= Instant::now() {
                break;
            }
            sleep(pause.min(deadline - Instant::now())).await;
            pause = MAX_LOOK.min(pause * 2);
        }
        self.kill_everything().await;
    }

    async fn kill_everything(&self) {
        tracing::warn!("Killing what process group {} left running after its time to end", self.id);
        let deadline = Instant::now() + LAST_WAIT;
        loop {
            self.signal_group(Signal::SIGKILL);
            let found = self.members().await;
            if found.is_empty() && !self.is_unseen_group_left() {
                return;
            }
            found.iter().for_each(|process| signal(process, Signal::SIGKILL));
            if deadline <= Instant::now() {
                // In an uninterruptible wait, or not ours to kill.
                let pids: Vec<i32> = found.iter().map(|process| process.pid).take(10).collect();
                tracing::warn!("{} processes of a hook do not end, among them {pids:?}", found.len());
                return;
            }
            sleep(FIRST_LOOK).await;
        }
    }

    /// What still runs of the hook.
    ///
    /// Found are: its group and its session; and, wherever they went, processes whose program was started
    /// with the hook's marks in its environment. Not found is a process that left the session and was given
    /// another environment (`env -i`, `sudo` that resets it), and one whose environment this agent may not
    /// read. What a service manager starts on a hook's request has neither its session nor its environment,
    /// and so is rightly spared. So is everything that ran before the hook.
    async fn members(&self) -> Vec<Process> {
        let group = self.clone();
        tokio::task::spawn_blocking(move || group.look_for_members()).await.unwrap_or_default()
    }

    fn look_for_members(&self) -> Vec<Process> {
        let is_number_ours = self.is_number_ours();
        let own_line = proc_fs::own_line();
        let is_member = |process: &Process| {
            let is_in_session = is_number_ours && (process.group == self.id || process.session == self.id);
            let is_marked =
                || !self.marks.is_empty() && proc_fs::has_in_environment(process.pid, &self.marks);
            1 < process.pid
                && !process.has_ended
                && self.leader_start_ticks <= process.start_ticks
                && !own_line.contains(&process.pid)
                && (is_in_session || is_marked())
        };
        proc_fs::all().filter(is_member).collect()
    }

    /// Whether the group's number is that of the hook: it is not given to another process while anything
    /// is left of the group or the session, so a stranger under it means that nothing is.
    fn is_number_ours(&self) -> bool {
        1 < self.id && Process::of(self.id).is_none_or(|leader| leader.start_ticks == self.leader_start_ticks)
    }

    fn signal_group(&self, signal: Signal) {
        if !self.is_number_ours() {
            return;
        }
        match killpg(Pid::from_raw(self.id), signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => tracing::warn!("Cannot send {signal} to process group {}: {error}", self.id),
        }
    }

    /// Whether there is a group to wait for although `/proc` shows nothing, because there is none.
    fn is_unseen_group_left(&self) -> bool {
        self.leader_start_ticks == super::UNSEEN && killpg(Pid::from_raw(self.id), None).is_ok()
    }
}

/// Signals a process that was found a moment ago, unless its number has come to another since.
fn signal(process: &Process, signal: Signal) {
    if !process.is_still_there() {
        return;
    }
    match kill(Pid::from_raw(process.pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => tracing::warn!("Cannot send {signal} to process {} of a hook: {error}", process.pid),
    }
}
