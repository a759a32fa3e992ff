//! What facts mean. Pure, so that every edge is a line of a table.

use std::path::Path;

use super::facts::{Agents, Answer, DirectoryFact, Leftovers, Permissions};
use super::finding::{Finding, Level};

/// Signatures are refused from here on.
const MAX_SKEW_SECS: i64 = 300;

/// More than clocks that are kept in time differ by.
const NOTABLE_SKEW_SECS: i64 = 60;

/// Less is not enough for anything.
const MIN_FREE_BYTES: u64 = 64 << 20;

/// Less is soon not enough.
const NOTABLE_FREE_BYTES: u64 = 1 << 30;

/// Fewer are soon not enough: a revision may have thousands of files.
const NOTABLE_FREE_INODES: u64 = 10_000;

/// A certificate that ends sooner is to be renewed.
const NOTABLE_DAYS: i64 = 30;

const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;
const OTHERS: u32 = 0o007;
const GROUP: u32 = 0o070;

/// A configuration that was read, with the keys that have no effect here.
pub(super) fn configuration(path: &Path, ignored_keys: &[String]) -> Finding {
    if ignored_keys.is_empty() {
        return Finding::ok("configuration", path.display().to_string());
    }
    let detail = format!("{}: keys without effect here: {}", path.display(), ignored_keys.join(", "));
    Finding::warning("configuration", detail, "take them out, or mend their spelling")
}

/// How far this host's clock is ahead of the service's; `None` when the service says no time.
pub(super) fn clock(ahead_secs: Option<i64>) -> Finding {
    let Some(ahead_secs) = ahead_secs else {
        return Finding::warning("clock", "the service says no time to compare with", "look at the endpoint");
    };
    let skew_secs = ahead_secs.abs();
    let direction = if ahead_secs < 0 { "behind" } else { "ahead of" };
    let detail = format!("{skew_secs} s {direction} the service's clock");
    let remedy = "set the clock and keep it in time (chrony, systemd-timesyncd)";
    match skew_secs {
        0..=NOTABLE_SKEW_SECS => Finding::ok("clock", detail),
        ..=MAX_SKEW_SECS => Finding::warning("clock", detail, remedy),
        _ => Finding::error("clock", format!("{detail}: signatures are refused"), remedy),
    }
}

/// A file with keys in it: nobody else may read it.
pub(super) fn secret_file(subject: &'static str, path: &Path, found: Permissions, our_uid: u32) -> Finding {
    let shown = format!("{} (mode {:04o})", path.display(), found.mode);
    let remedy = format!("chmod 600 {}", path.display());
    if found.mode & OTHERS != 0 {
        return Finding::error(subject, format!("{shown}: everybody on this host can use its keys"), remedy);
    }
    if found.mode & GROUP != 0 {
        return Finding::warning(subject, format!("{shown}: its group can use its keys"), remedy);
    }
    if found.uid != our_uid && found.uid != 0 {
        let detail = format!("{shown}: belongs to user {}", found.uid);
        return Finding::warning(subject, detail, format!("chown root {}", path.display()));
    }
    Finding::ok(subject, shown)
}

/// An endpoint, called without signature: any answer shows that it is there.
pub(super) fn reached(subject: &'static str, endpoint: &str, answer: &Answer) -> Finding {
    match answer {
        Answer::Good | Answer::Refused { .. } | Answer::NoKeys(_) => Finding::ok(subject, endpoint),
        Answer::Certificate(detail) => Finding::error(
            subject,
            format!("{endpoint}: its certificate is not believed: {detail}"),
            "install the certificate authority on this host, or name it in AWS_SSL_CA_BUNDLE",
        ),
        Answer::Unreachable(detail) => Finding::error(
            subject,
            format!("{endpoint}: {detail}"),
            "look at the address, the name server, the firewall and proxy_uri",
        ),
    }
}

/// A signed call for a deployment that cannot exist: the service refuses the deployment, not the host.
pub(super) fn signed_call(answer: &Answer) -> Finding {
    let subject = "signed call";
    let good = || Finding::ok(subject, "the service knows this host and its keys");
    match answer {
        Answer::Good => good(),
        Answer::Refused { status, code, message, is_about_credentials } => {
            let detail = format!("{status} {code}: {message}");
            if *is_about_credentials {
                Finding::error(subject, detail, "register the host again, or mend its keys and clock")
            } else if matches!(status, 401 | 403) {
                Finding::error(subject, detail, "allow the host's identity to call the command service")
            } else if 500 <= *status {
                let remedy =
                    "register the host: AWS answers like this when it does not know it; or try again";
                Finding::error(subject, detail, remedy)
            } else {
                good()
            }
        }
        Answer::NoKeys(detail) => {
            Finding::error(subject, detail, "give the host keys: an on-premises file or an instance profile")
        }
        Answer::Certificate(detail) | Answer::Unreachable(detail) => {
            Finding::error(subject, detail, "see the command endpoint above")
        }
    }
}

/// A directory of the agent: there, of the right owner, and not everybody's.
pub(super) fn directory(subject: &'static str, fact: &DirectoryFact, our_uid: u32) -> Finding {
    let path = fact.path.display();
    let Some(found) = fact.found else {
        if fact.is_writable {
            return Finding::ok(subject, format!("{path} (made when it is needed)"));
        }
        return Finding::error(subject, format!("{path} cannot be made"), format!("mkdir -p {path}"));
    };
    let shown = format!("{path} (mode {:04o})", found.mode);
    if !found.is_directory {
        return Finding::error(subject, format!("{path} is no directory"), "name another one, or remove it");
    }
    if !fact.is_writable {
        let remedy = "run as the user of the agent, or change the directory's owner";
        return Finding::error(subject, format!("{shown} cannot be written to"), remedy);
    }
    if found.mode & OTHERS_WRITE != 0 && found.mode & STICKY == 0 {
        let detail = format!("{shown}: everybody on this host can replace what the agent runs");
        return Finding::error(subject, detail, format!("chmod o-w {path}"));
    }
    if found.uid != our_uid && found.uid != 0 {
        let detail = format!("{shown}: belongs to user {}", found.uid);
        return Finding::warning(subject, detail, format!("chown root {path}"));
    }
    Finding::ok(subject, shown)
}

/// Room for revisions and logs.
pub(super) fn space(subject: &'static str, fact: &DirectoryFact) -> Finding {
    let path = fact.path.display();
    let remedy = "remove what is not needed, or lower max_revisions";
    let Some(free_bytes) = fact.free_bytes else {
        let detail = format!("{path}: the file system does not say how much is free");
        return Finding::warning(subject, detail, remedy);
    };
    let detail = format!("{} MiB free for {path}", free_bytes >> 20);
    if free_bytes < MIN_FREE_BYTES || fact.free_inodes == Some(0) {
        return Finding::error(subject, detail, remedy);
    }
    match fact.free_inodes.filter(|free| *free < NOTABLE_FREE_INODES) {
        Some(free) => Finding::warning(subject, format!("{detail}, and only {free} files more"), remedy),
        None if free_bytes < NOTABLE_FREE_BYTES => Finding::warning(subject, detail, remedy),
        None => Finding::ok(subject, detail),
    }
}

/// The certificates that specifications must be signed below: how many days they have left.
pub(super) fn signer(path: &Path, days_left: &Result<i64, String>) -> Finding {
    let subject = "signer file";
    let path = path.display();
    let remedy = "fetch the server's present certificate: longshore-agent enroll";
    match days_left {
        Err(problem) => Finding::error(subject, format!("{path}: {problem}"), remedy),
        Ok(days) if *days < 0 => Finding::error(subject, format!("{path} has expired"), remedy),
        Ok(days) if *days < NOTABLE_DAYS => {
            Finding::warning(subject, format!("{path} expires in {days} days"), remedy)
        }
        Ok(days) => Finding::ok(subject, format!("{path}, for {days} days more")),
    }
}

/// Which agents run.
pub(super) fn agents(agents: &Agents) -> Finding {
    let subject = "running agent";
    if let Some(other) = agents.others.first() {
        // It may be another host's, as on a machine that tries a fleet out.
        let detail =
            format!("another agent runs as PID {other}: if it is the same host's, both take its commands");
        return Finding::warning(
            subject,
            detail,
            "stop one of them: systemctl disable --now codedeploy-agent",
        );
    }
    match agents.running {
        Some(pid) => Finding::ok(subject, format!("PID {pid}")),
        None => Finding::warning(subject, "none runs", "longshore-agent start, or enable its service"),
    }
}

/// What earlier runs left. While an agent runs, all but the oldest is its daily work.
pub(super) fn leftovers(left: &Leftovers, is_running: bool) -> Finding {
    let subject = "leftovers";
    let Leftovers { n_journals, n_reports, n_tracked, n_stale } = left;
    let mut parts = Vec::new();
    let mut part = |number: &usize, what: &str, is_notable: bool| {
        if 0 < *number {
            parts.push((format!("{number} {what}"), is_notable));
        }
    };
    part(n_journals, "interrupted or running Installs", !is_running);
    part(n_tracked, "commands that run, or ran when the agent died", !is_running);
    part(n_reports, "reports that the service has not taken", true);
    part(n_stale, "tracking files older than a day", true);
    let detail = parts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("; ");
    if parts.is_empty() {
        return Finding::ok(subject, "none");
    }
    if !parts.iter().any(|(_, is_notable)| *is_notable) {
        return Finding::ok(subject, detail);
    }
    Finding::warning(subject, detail, "start the agent: it settles and reports what was interrupted")
}

/// The worst of all.
pub(super) fn worst(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
}

#[cfg(test)]
mod tests;
