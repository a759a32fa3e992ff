//! Finds the system calls that change something, and kills a process at one of them.

use std::collections::HashMap;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use super::host::{Host, MARK, Work};

/// Calls that change what is on a disk, or say that it is there. Not every architecture has all of them.
const CALLS: &str = "open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,copy_file_range,sendfile,\
    splice,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,mknod,mknodat,unlink,unlinkat,\
    rmdir,chmod,fchmod,fchmodat,fchmodat2,chown,lchown,fchown,fchownat,utime,utimes,utimensat,futimesat,\
    setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,truncate,ftruncate,fallocate,\
    fsync,fdatasync,sync,syncfs";

/// Asking for this file says where the work begins.
const MARK_CALLS: &str = "stat,newfstatat,statx";

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

/// All points of `work` on `host`, in their order. It is done to its end.
#[track_caller]
pub(crate) fn points(host: &Host, work: Work) -> Vec<Point> {
    let trace = tempfile::NamedTempFile::new().expect("file");
    let mut strace = strace(&format!("trace={},{}", optional(CALLS), optional(MARK_CALLS)));
    strace.arg("-o").arg(trace.path());
    let status = run(&mut strace, host, work);
    assert!(status.success(), "strace cannot trace here, or {work:?} fails: {status}");
    let trace = std::fs::read(trace.path()).expect("trace");
    let points = read_trace(&String::from_utf8_lossy(&trace));
    assert!(!points.is_empty(), "{work:?} changes nothing");
    points
}

/// Does `work` on `host` up to `point` and no further.
#[track_caller]
pub(crate) fn kill(host: &Host, work: Work, point: &Point) {
    let mut strace = strace(&format!("trace={}", point.call));
    strace.arg("-e").arg(format!("inject={}:signal=KILL:when={}", point.call, point.nth));
    let status = run(strace.args(["-o", "/dev/null"]), host, work);
    // It dies of what its child died of.
    assert_eq!(status.signal(), Some(9), "{work:?} was not killed at {point}: {status}");
}

fn strace(filter: &str) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-s", "256", "-e", filter]);
    command
}

fn run(strace: &mut Command, host: &Host, work: Work) -> std::process::ExitStatus {
    let command = host.command(work);
    strace.arg("--").arg(command.get_program()).args(command.get_args());
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace.stdin(Stdio::null()).stdout(Stdio::null());
    strace.status().expect("strace starts: `tools/setup test` installs it")
}

/// With a question mark a name may be unknown.
fn optional(calls: &str) -> String {
    calls.split(',').map(|call| format!("?{}", call.trim())).collect::<Vec<_>>().join(",")
}

/// The points after the mark, in the thread that made it: each thread counts its own calls.
fn read_trace(trace: &str) -> Vec<Point> {
    let calls: Vec<(&str, &str, &str)> = trace.lines().filter_map(read_line).collect();
    let is_mark = |(_, call, arguments): &(&str, &str, &str)| {
        MARK_CALLS.split(',').any(|mark| mark == *call) && arguments.contains(MARK)
    };
    let begin = calls.iter().position(is_mark).expect("the work's beginning");
    let (thread, ..) = calls[begin];
    let mut n_calls: HashMap<&str, usize> = HashMap::new();
    let mut points = Vec::new();
    for (idx, (_, call, arguments)) in calls.iter().enumerate().filter(|(_, call)| call.0 == thread) {
        let nth = n_calls.entry(call).or_default();
        *nth += 1;
        if begin < idx && changes_something(call, arguments) {
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
        _ => !MARK_CALLS.split(',').any(|mark| mark == call),
    }
}
