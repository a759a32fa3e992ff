//! What was seen when a command failed on a host: typed, so that rules can read it and nothing has to be
//! guessed from a sentence. Source: design.md §6.
//!
//! Written by the agent beside its report, in the order in which it was seen. Paths and names are shown
//! with U+FFFD where they are not UTF-8.

use serde::{Deserialize, Serialize};

/// One observation. The names of kinds and members are read by programs: add, never rename.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// Something is where the revision wants to put a file.
    PathOccupied {
        /// Where.
        path: String,
        /// What is there.
        found: FoundEntry,
        /// The deployment groups whose cleanup or install list names the path; empty when no deployment
        /// put it there.
        recorded_by: Vec<String>,
    },
    /// The system refused a call.
    SystemRefusal {
        /// What it was about, if it was about a file.
        path: Option<String>,
        /// The number of the error.
        errno: i32,
        /// Its name, e.g. `EACCES`.
        name: String,
    },
    /// A file system has no room for what is to be written; nothing was touched.
    NoSpace {
        /// Where it is mounted.
        file_system: String,
        /// What is to be written.
        needed_bytes: u64,
        /// What is free for the agent.
        available_bytes: u64,
    },
    /// A program that the agent needs failed, or cannot be started.
    ProgramFailed {
        /// The program and its arguments.
        command: Vec<String>,
        /// Its exit code, unless a signal ended it or it did not start.
        exit_code: Option<i32>,
        /// The number of the system's error, when it did not start.
        errno: Option<i32>,
        /// The end of what it said.
        output: String,
    },
    /// A rule of ours refused; nothing was touched.
    RuleBroken {
        /// The rule's short name, e.g. `two_sources`, `unsafe_entry`.
        rule: String,
        /// The paths, names or values it is about.
        subjects: Vec<String>,
    },
    /// A file of the revision cannot be read as an AppSpec.
    AppSpecInvalid {
        /// The file.
        path: String,
        /// Counted from 1; absent when the rule is about the whole file.
        line: Option<u64>,
        /// Counted from 1.
        column: Option<u64>,
        /// The sentence.
        detail: String,
    },
    /// A user or group that the host does not know.
    UnknownAccount {
        /// Its name.
        name: String,
        /// `user` or `group`.
        account_kind: String,
    },
    /// A hook script cannot be started.
    ScriptNotStarted {
        /// As in the AppSpec.
        location: String,
        /// Where that is on this host.
        path: String,
        /// The number of the system's error, when it was the system.
        errno: Option<i32>,
    },
    /// A hook script ended badly, or was ended.
    ScriptEnded {
        /// As in the AppSpec.
        location: String,
        /// The user it ran as, when it was not the agent's.
        run_as: Option<String>,
        /// Its exit code, unless a signal ended it.
        exit_code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
        /// Set when it was ended because it outlived this many seconds.
        timeout_secs: Option<u64>,
        /// Where its output is.
        output: Option<OutputSlice>,
    },
    /// A process that keeps a hook's output open after the script has ended.
    OutputHeld {
        /// The script.
        location: String,
        /// `stdout` or `stderr`.
        stream: String,
        /// The process.
        pid: i32,
        /// Its command line, words separated by blanks.
        command_line: String,
    },
    /// A service answered with an error.
    HttpRefusal {
        /// What was asked, without secrets: e.g. `s3://bucket/key`, a URL without its query.
        subject: String,
        /// The HTTP status.
        status: u16,
        /// The service's name for the error, if it gave one.
        code: Option<String>,
        /// For the operator of the service.
        request_id: Option<String>,
    },
    /// A service cannot be reached, or the connection broke.
    Unreachable {
        /// What was asked, without secrets.
        subject: String,
        /// What the network says.
        detail: String,
    },
    /// The bundle is not the one that the revision names, or not all of it.
    BundleDiffers {
        /// `etag`, `length` or `digest`.
        property: String,
        /// Of the revision or the answer's headers.
        expected: String,
        /// Of what came.
        actual: String,
    },
    /// An archive cannot be read.
    ArchiveDamaged {
        /// `tar` or `zip`.
        format: String,
        /// The member at which that was seen, if it was at one.
        member: Option<String>,
        /// What is wrong.
        detail: String,
    },
    /// There was no room for what was to be written.
    DiskFull {
        /// Where.
        path: String,
        /// What was to be written has at least so many bytes.
        needed_bytes: u64,
        /// What the file system has without what was written; absent when it did not say.
        available_bytes: Option<u64>,
        /// How many files can still be made there; absent when it did not say.
        available_files: Option<u64>,
    },
    /// The agent ended while the command ran.
    AgentRestarted {
        /// The process group of the script that was running, if one was.
        process_group: Option<i32>,
    },
}

/// What a path is, as far as it tells whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundEntry {
    /// `file`, `directory`, `symlink` or `special`.
    pub entry_kind: String,
    /// The owner's number.
    pub uid: u32,
    /// The owner's name, if the number has one here.
    pub owner: Option<String>,
    /// The group's number.
    pub gid: u32,
    /// The group's name, if the number has one here.
    pub group: Option<String>,
    /// Permission bits, octal: `0644`.
    pub mode: String,
    /// Bytes.
    pub size_bytes: u64,
    /// When its content last changed: seconds since 1970, UTC.
    pub modified_epoch_secs: i64,
}

/// A part of a file that a hook's output went to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSlice {
    /// The file.
    pub path: String,
    /// The first byte, counted over all rotations of the file since it was begun.
    pub begin_byte: u64,
    /// The byte after the last.
    pub end_byte: u64,
}
