//! Finds the system calls that change something, and kills a process at one of them.

use std::collections::HashMap;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Calls that change what is on a disk, or say that it is there. Not every architecture has all of them.
const CALLS: &str = "open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,copy_file_range,sendfile,\
    splice,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,mknod,mknodat,unlink,unlinkat,\
    rmdir,chmod,fchmod,fchmodat,fchmodat2,chown,lchown,fchown,fchownat,utime,utimes,utimensat,futimesat,\
    setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,truncate,ftruncate,fallocate,\
    fsync,fdatasync,sync,syncfs";

/// Calls that only ask; one with the mark in its arguments may say where the work begins.
const QUESTIONS: &str = "stat,newfstatat,statx";

/// The `nth` call (from 1) of this name that a thread of the process makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) call: String,
    nth: usize,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.call, self.nth)
    }
}

/// All points of a command, in their order: those of the thread that first names `mark`, and after that.
/// The command runs to its end.
#[track_caller]
pub(crate) fn points(command: &Command, mark: &str) -> Vec<Point> {
    let trace = tempfile::NamedTempFile::new().expect("file");
    let filter = format!("trace={},{}", optional(CALLS), optional(QUESTIONS));
    let status = strace(command, &[&filter], trace.path());
    assert!(status.success(), "strace cannot trace here, or the command fails: {status}");
    let trace = std::fs::read(trace.path()).expect("trace");
    let points = read_trace(&String::from_utf8_lossy(&trace), mark);
    assert!(!points.is_empty(), "nothing is changed");
    points
}

/// Runs a command up to `point` and no further.
#[track_caller]
pub(crate) fn kill(command: &Command, point: &Point) {
    let status = run_with(command, point, "signal=KILL");
    // It dies of what its child died of.
    assert_eq!(status.signal(), Some(9), "not killed at {point}: {status}");
}

/// Runs a command to its end, with an error as the answer at `point`. Whether it ended well.
pub(crate) fn refuse(command: &Command, point: &Point) -> bool {
    run_with(command, point, "error=EIO").success()
}

fn run_with(command: &Command, point: &Point, injection: &str) -> ExitStatus {
    let Point { call, nth } = point;
    let injection = format!("inject={call}:{injection}:when={nth}");
    strace(command, &[&format!("trace={call}"), &injection], Path::new("/dev/null"))
}

fn strace(command: &Command, filters: &[&str], log: &Path) -> ExitStatus {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-s", "4096", "-o"]).arg(log);
    strace.args(filters.iter().flat_map(|filter| ["-e", filter]));
    strace.arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    strace.status().expect("strace starts: `tools/setup test` installs it")
}

/// With a question mark a name may be unknown.
fn optional(calls: &str) -> String {
    calls.split(',').map(|call| format!("?{}", call.trim())).collect::<Vec<_>>().join(",")
}

fn read_trace(trace: &str, mark: &str) -> Vec<Point> {
    let calls: Vec<(&str, &str, &str)> = trace.lines().filter_map(read_line).collect();
    let begin = calls.iter().position(|(_, _, arguments)| arguments.contains(mark)).expect("the beginning");
    let (thread, ..) = calls[begin];
    // Each thread counts its own calls.
    let mut n_calls: HashMap<&str, usize> = HashMap::new();
    let mut points = Vec::new();
    for (idx, (_, call, arguments)) in calls.iter().enumerate().filter(|(_, call)| call.0 == thread) {
        let nth = n_calls.entry(call).or_default();
        *nth += 1;
        if begin <= idx && changes_something(call, arguments) {
            points.push(Point { call: (*call).to_owned(), nth: *nth });
        }
    }
    points
}

/// Thread, call and arguments of a line.
fn read_line(line: &str) -> Option<(&str, &str, &str)> {
    let (thread, rest) = line.split_once(' ')?;
    let (call, arguments) = rest.trim_start().split_once('(')?;
    call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some((thread, call, arguments))
}

fn changes_something(call: &str, arguments: &str) -> bool {
    match call {
        "open" | "openat" | "openat2" => arguments.contains("O_CREAT") || arguments.contains("O_TRUNC"),
        // What the test program itself says.
        "write" => !arguments.starts_with("1,") && !arguments.starts_with("2,"),
        _ => !QUESTIONS.split(',').any(|question| question == call),
    }
}
