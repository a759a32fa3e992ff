//! Ends what the tests started, should they end before they can: an interrupt at the terminal, a kill.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// The variable by which our processes, and what they started, are known.
const VARIABLE: &str = "LONGSHORE_TEST_RUN";

/// Reads what to remove, a line each, until standard input ends, which it does with the process that holds
/// the other end; then kills the processes that have `$1` in their environment and removes it.
const GUARD: &str = r#"
lines=
while IFS= read -r line; do lines="$lines$line
"; done
# More than once: what is killed may have been starting something.
for _ in 1 2 3; do
    for environ in /proc/[0-9]*/environ; do
        if tr '\0' '\n' <"$environ" 2>/dev/null | grep -qxF "$1"; then
            pid=${environ#/proc/}
            kill -9 "${pid%/environ}" 2>/dev/null
        fi
    done
done
printf %s "$lines" | while IFS=' ' read -r kind name; do
    case "$kind" in
    folder) rm -rf -- "$name" ;;
    link) ip link delete "$name" ;;
    esac
done
"#;

struct Guard {
    mark: String,
    lines: Mutex<ChildStdin>,
    /// Ends after us.
    _process: Child,
}

/// Marks a process that shall not outlive this one, nor what it starts with its environment.
pub(crate) fn mark(command: &mut Command) {
    command.env(VARIABLE, &guard().mark);
}

/// Has the folder removed when this process has ended, after what it started.
///
/// # Panics
/// When the guard does not listen.
pub fn remove_at_the_end(folder: &Path) {
    remember(&format!("folder {}", folder.display()));
}

/// The same for a network interface; one that is gone by then is no matter.
///
/// # Panics
/// When the guard does not listen.
pub fn remove_link_at_the_end(interface: &str) {
    remember(&format!("link {interface}"));
}

fn remember(line: &str) {
    let mut lines = guard().lines.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(lines, "{line}").expect("the guard listens");
}

fn guard() -> &'static Guard {
    static GUARDING: OnceLock<Guard> = OnceLock::new();
    GUARDING.get_or_init(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mark = format!("{}-{}", std::process::id(), now.as_nanos());
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "sh", &format!("{VARIABLE}={mark}")]).env_remove(VARIABLE);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        // Not to be ended by an interrupt at the terminal itself.
        let mut child = command.process_group(0).spawn().expect("sh runs");
        let lines = Mutex::new(child.stdin.take().expect("stdin is piped"));
        Guard { mark, lines, _process: child }
    })
}
