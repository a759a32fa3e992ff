//! What `/proc` tells about processes. Whatever cannot be read counts as not there: a process may end at
//! any moment, and one of another user may not be looked at.

use std::fs;
use std::os::unix::ffi::OsStrExt;

/// The most characters of a command line that are shown.
const MAX_COMMAND_LINE_CHARS: usize = 256;

/// A process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// When it started, in clock ticks since boot: with the pid it names a process for good.
    pub(crate) start_ticks: u64,
    /// It only waits for its parent to look at it.
    pub(crate) has_ended: bool,
}

impl Process {
    /// The process `pid`, if there is one.
    pub(crate) fn of(pid: i32) -> Option<Process> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in brackets and may hold anything, brackets too.
        let name_end = stat.iter().rposition(|byte| *byte == b')')?;
        let mut fields = std::str::from_utf8(stat.get(name_end + 2..)?).ok()?.split(' ');
        Some(Process {
            pid,
            has_ended: matches!(fields.next()?, "Z" | "X"),
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            session: fields.next()?.parse().ok()?,
            start_ticks: fields.nth(15)?.parse().ok()?,
        })
    }

    /// Whether the number still belongs to this very process.
    pub(crate) fn is_still_there(&self) -> bool {
        Process::of(self.pid).is_some_and(|now| now.start_ticks == self.start_ticks)
    }
}

/// The time now as the start times of processes are given.
pub(crate) fn ticks_since_boot() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let ticks_per_sec = rustix::param::clock_ticks_per_second();
    let secs = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(now.tv_nsec).unwrap_or_default();
    secs * ticks_per_sec + nanos * ticks_per_sec / 1_000_000_000
}

/// Every process that can be seen.
pub(crate) fn all() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Process::of)
}

/// This process and its ancestors.
pub(crate) fn own_line() -> Vec<i32> {
    let mut line = Vec::new();
    let mut next = i32::try_from(std::process::id()).ok();
    while let Some(pid) = next.filter(|pid| !line.contains(pid)) {
        line.push(pid);
        next = Process::of(pid).map(|process| process.parent).filter(|parent| 0 < *parent);
    }
    line
}

/// Whether the environment with which a program was started holds each of these `NAME=value`.
pub(crate) fn has_in_environment(pid: i32, marks: &[String]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    let holds = |mark: &String| environment.split(|byte| *byte == 0).any(|item| item == mark.as_bytes());
    marks.iter().all(holds)
}

/// The command line of a process on one line; its short name in brackets when it has none.
pub(crate) fn command_line(pid: i32) -> String {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let words = read("cmdline");
    let text = match words.trim_ascii_end() {
        [] => format!("[{}]", String::from_utf8_lossy(read("comm").trim_ascii_end())),
        words => String::from_utf8_lossy(words.strip_suffix(b"\0").unwrap_or(words)).into_owned(),
    };
    text.chars().take(MAX_COMMAND_LINE_CHARS).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// The other processes that have this pipe open, by pid.
pub(crate) fn holders_of_pipe(inode: u64) -> Vec<i32> {
    let link = format!("pipe:[{inode}]");
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mut holders: Vec<i32> =
        all().map(|process| process.pid).filter(|pid| *pid != own && has_open(*pid, &link)).collect();
    holders.sort_unstable();
    holders
}

fn has_open(pid: i32, link: &str) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let mut targets = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    targets.any(|target| target.as_os_str().as_bytes() == link.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::process::{CommandExt, parent_id};
    use std::process::{Command, Stdio};

    use super::*;

    fn own_pid() -> i32 {
        std::process::id() as i32
    }

    #[test]
    fn the_own_process_is_seen_with_its_parents() {
        let own = Process::of(own_pid()).expect("this process");
        assert!(own.is_still_there() && !own.has_ended);
        assert_eq!(own.parent, parent_id() as i32);
        assert!(all().any(|process| process == own));
        let line = own_line();
        assert_eq!(line[..2], [own.pid, own.parent]);
        assert_eq!(line.last(), Some(&1));
    }

    #[test]
    fn a_number_that_came_to_another_process_is_told_apart() {
        let own = Process::of(own_pid()).expect("this process");
        assert!(!Process { start_ticks: own.start_ticks.wrapping_sub(1), ..own }.is_still_there());
    }

    #[test]
    fn a_command_line_is_one_line() {
        let mut child = Command::new("/bin/sleep").arg0("a\nb ").arg("600").spawn().expect("sleep");
        // The new program may not be in place yet.
        while command_line(child.id() as i32) != "a b  600" {
            assert_eq!(child.try_wait().expect("a child"), None);
            std::thread::yield_now();
        }
        child.kill().expect("it runs");
        // What has ended has a name only.
        while !command_line(child.id() as i32).starts_with("[sleep") {
            std::thread::yield_now();
        }
        child.wait().expect("wait");
    }

    #[test]
    fn the_process_that_holds_a_pipe_is_found() {
        let (reader, writer) = std::io::pipe().expect("pipe");
        let mut child =
            Command::new("/bin/sleep").arg("600").stdout(Stdio::from(writer)).spawn().expect("sleep");
        let inode = rustix::fs::fstat(&reader).expect("stat").st_ino;
        assert!(0 < reader.as_raw_fd());
        assert_eq!(holders_of_pipe(inode), [child.id() as i32]);
        child.kill().expect("it runs");
        child.wait().expect("wait");
    }

    #[test]
    fn an_environment_is_told_by_all_its_marks() {
        let mut command = Command::new("/bin/sleep");
        command.arg("600").env("MARK_A", "1").env("MARK_B", "2");
        let mut child = command.spawn().expect("sleep");
        let pid = child.id() as i32;
        let has = |marks: &[&str]| {
            has_in_environment(pid, &marks.iter().map(|mark| (*mark).to_owned()).collect::<Vec<_>>())
        };
        while !has(&["MARK_A=1"]) {
            assert_eq!(child.try_wait().expect("a child"), None);
        }
        assert!(has(&["MARK_B=2", "MARK_A=1"]));
        assert!(!has(&["MARK_A=1", "MARK_B=22"]) && !has(&["MARK_A=1", "ARK_B=2"]));
        child.kill().expect("it runs");
        child.wait().expect("wait");
    }
}
