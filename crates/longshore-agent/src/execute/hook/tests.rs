//! One test per rule of agent.md §8.3, with real scripts.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Instant;

use super::*;

/// A revision with scripts, and the logs of a deployment.
struct Place {
    folder: tempfile::TempDir,
    scripts: Vec<Script>,
    environment: Vec<(String, Option<String>)>,
    grace: Duration,
    groups: Arc<Mutex<Vec<ProcessGroupEvent>>>,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("folder");
        fs::create_dir(folder.path().join("archive")).expect("archive");
        Place {
            folder,
            scripts: Vec::new(),
            environment: Vec::new(),
            grace: Duration::from_secs(5),
            groups: Arc::default(),
        }
    }

    /// A place with one script that is run.
    fn with_script(content: &str) -> Place {
        let mut place = Place::new();
        place.script("s.sh", content);
        place
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(&format!("archive/{name}"));
        fs::create_dir_all(path.parent().expect("parent")).expect("dirs");
        fs::write(&path, content).expect("script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
    }

    fn script(&mut self, name: &str, content: &str) {
        self.write(name, content);
        self.run(name);
    }

    fn run(&mut self, location: &str) -> &mut Script {
        let timeout = Duration::from_secs(20);
        self.scripts.push(Script { location: location.to_owned(), timeout, run_as: None, sudo: false });
        self.scripts.last_mut().expect("just pushed")
    }

    fn timeout(mut self, timeout: Duration) -> Place {
        self.scripts.iter_mut().for_each(|script| script.timeout = timeout);
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn event(&self) -> Result<HookReport, HookFailure> {
        let groups = Arc::clone(&self.groups);
        let request = HookRequest {
            event: "AfterInstall".to_owned(),
            deployment_id: "d-1".to_owned(),
            archive_dir: self.path("archive"),
            scripts: self.scripts.clone(),
            environment: self.environment.clone(),
            logs: HookLogs {
                scripts_log: self.path("logs/scripts.log"),
                deployments_log: Some(self.path("all/agent-deployments.log")),
            },
            kill_grace: self.grace,
            on_process_group: Some(OnProcessGroup(Box::new(move |event| {
                groups.lock().expect("lock").push(event);
            }))),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(run_event(request))
    }

    /// The code and the message, without the folder's name.
    fn outcome(&self) -> String {
        match self.event() {
            Ok(report) => format!("ran {}", report.n_scripts),
            Err(failure) => {
                let archive = self.path("archive");
                format!(
                    "{} {}",
                    failure.code,
                    failure.message.replace(&*archive.to_string_lossy(), "ARCHIVE")
                )
            }
        }
    }

    /// The lines of scripts.log without their times.
    fn logged(&self) -> String {
        let bytes = fs::read(self.path("logs/scripts.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.lines().map(|line| line.get(20..).unwrap_or(line)).collect::<Vec<_>>().join("|")
    }
}

#[track_caller]
fn check(content: &str, expected: &str) {
    assert_eq!(Place::with_script(content).outcome(), expected, "{content}");
}

#[test]
fn an_event_without_scripts_leaves_no_trace() {
    let place = Place::new();
    assert_eq!(place.outcome(), "ran 0");
    assert!(!place.path("logs").exists());
}

#[test]
fn scripts_run_in_order_up_to_the_first_failure() {
    let mut place = Place::new();
    place.script("a.sh", "#!/bin/sh\necho one\n");
    place.script("b.sh", "#!/bin/sh\nexit 3\n");
    place.script("c.sh", "#!/bin/sh\necho never\n");
    assert_eq!(place.outcome(), "4 Script at specified location: b.sh failed with exit code 3");
    assert_eq!(place.logged(), "LifecycleEvent - AfterInstall|Script - a.sh|[stdout]one|Script - b.sh");
}

#[test]
fn the_failure_carries_the_end_of_the_log() {
    let failure = Place::with_script("#!/bin/sh\necho out\nexit 1\n").event().expect_err("exit 1");
    assert_eq!(failure.script_name, "s.sh");
    assert_eq!(failure.log, "LifecycleEvent - AfterInstall\nScript - s.sh\n[stdout]out\n");
}

#[test]
fn a_user_that_su_would_take_for_an_option_is_refused() {
    for user in ["--help", "-", "-c"] {
        let mut place = Place::with_script("#!/bin/sh\n");
        place.scripts[0].run_as = Some(user.to_owned());
        let expected = format!(
            "4 Script at specified location: s.sh run as user {user} failed with error ArgumentError \
             with message can't find user for {user}"
        );
        assert_eq!(place.outcome(), expected);
    }
}

#[test]
fn exit_codes_are_those_of_the_system() {
    check("#!/bin/sh\nexit 0\n", "ran 1");
    check("#!/bin/sh\nexit 255\n", "4 Script at specified location: s.sh failed with exit code 255");
    check("#!/bin/bash\nexit 300\n", "4 Script at specified location: s.sh failed with exit code 44");
}

#[test]
fn a_signal_is_named() {
    let expected = "4 Script at specified location: s.sh failed with exit code 137 (signal 9)";
    check("#!/bin/sh\nkill -9 $$\n", expected);
}

#[test]
fn a_script_without_interpreter_line_is_run_by_the_shell_and_an_empty_one_succeeds() {
    check("exit 7\n", "4 Script at specified location: s.sh failed with exit code 7");
    check("", "ran 1");
}

#[test]
fn an_interpreter_that_does_not_exist_is_an_error_of_the_system() {
    let expected = "4 Script at specified location: s.sh failed with error Errno::ENOENT with message No such file or directory - ARCHIVE/s.sh";
    check("#!/no/such/interpreter\n", expected);
    check("#!/bin/sh\r\nexit 0\r\n", expected);
}

#[test]
fn a_missing_script_is_named_with_its_absolute_path() {
    let mut place = Place::new();
    place.run("scripts/no.sh");
    assert_eq!(place.outcome(), "1 Script does not exist at specified location: ARCHIVE/scripts/no.sh");
    let mut place = Place::new();
    place.run("/no.sh");
    assert_eq!(place.outcome(), "1 Script does not exist at specified location: ARCHIVE/no.sh");
}

#[test]
fn a_script_outside_the_revision_is_refused() {
    let expected = "resolves outside the revision";
    let mut place = Place::new();
    fs::write(place.path("evil.sh"), "#!/bin/sh\n").expect("script");
    place.run("../evil.sh");
    assert_eq!(place.outcome(), format!("4 Script at specified location: ../evil.sh {expected}"));
    let mut place = Place::new();
    symlink("/bin/true", place.path("archive/link")).expect("link");
    place.run("link");
    assert_eq!(place.outcome(), format!("4 Script at specified location: link {expected}"));
}

#[test]
fn links_and_detours_inside_the_revision_work() {
    let mut place = Place::new();
    place.write("bin/real.sh", "#!/bin/sh\n");
    symlink("bin/real.sh", place.path("archive/link")).expect("link");
    place.run("link");
    place.run("bin/../bin/real.sh");
    place.run("/bin/real.sh");
    assert_eq!(place.outcome(), "ran 3");
}

#[test]
fn only_regular_files_run() {
    let mut place = Place::new();
    fs::create_dir(place.path("archive/dir")).expect("dir");
    place.run("dir");
    assert_eq!(
        place.outcome(),
        "4 Script at specified location: dir failed with error Errno::EACCES with message Permission denied - ARCHIVE/dir"
    );
}

#[test]
fn a_script_that_is_not_executable_is_made_so() {
    let place = Place::with_script("#!/bin/sh\nexit 0\n");
    let path = place.path("archive/s.sh");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("mode");
    assert_eq!(place.outcome(), "ran 1");
    assert_eq!(fs::metadata(&path).expect("stat").permissions().mode() & 0o777, 0o751);
}

#[test]
fn names_with_blanks_and_shell_characters_are_no_problem() {
    let mut place = Place::new();
    place.script("a b; $(touch x).sh", "#!/bin/sh\nexit 5\n");
    assert!(place.outcome().ends_with("failed with exit code 5"));
}

#[test]
fn the_environment_is_added_to_and_taken_from() {
    let mut place = Place::with_script("#!/bin/sh\necho \"${ADDED-no} ${CARGO_PKG_NAME-no}\"\n");
    place.environment =
        vec![("ADDED".to_owned(), Some("a b".to_owned())), ("CARGO_PKG_NAME".to_owned(), None)];
    assert_eq!(place.outcome(), "ran 1");
    assert!(place.logged().ends_with("[stdout]a b no"), "{}", place.logged());
}

#[test]
fn standard_input_is_at_its_end_and_the_script_leads_its_group() {
    let place =
        Place::with_script("#!/bin/sh\ncat\nread -r _ _ _ _ group _ < /proc/$$/stat\necho $$ $group\n");
    assert_eq!(place.outcome(), "ran 1");
    let groups = place.groups.lock().expect("lock").clone();
    let [ProcessGroupEvent::Started(id), ProcessGroupEvent::Ended(ended)] = groups[..] else {
        panic!("{groups:?}");
    };
    assert_eq!(id, ended);
    assert!(place.logged().ends_with(&format!("[stdout]{id} {id}")), "{}", place.logged());
}

#[test]
fn output_is_written_as_it_comes() {
    let place = Place::with_script("#!/bin/sh\nprintf 'a\\rb\\n\\377\\nlast'\necho err >&2\n");
    assert_eq!(place.outcome(), "ran 1");
    let bytes = fs::read(place.path("logs/scripts.log")).expect("log");
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(
        has(b"[stdout]a\rb\n") && has(b"[stdout]\xff\n") && has(b"[stdout]last") && has(b"[stderr]err\n")
    );
    assert!(!has(b"[stdout]last\n"));
}

#[test]
fn the_combined_log_names_the_deployment() {
    let place = Place::with_script("#!/bin/sh\necho '  padded  '\n");
    assert_eq!(place.outcome(), "ran 1");
    let text = fs::read_to_string(place.path("all/agent-deployments.log")).expect("log");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("# Logfile created on 2") && lines[0].ends_with(" by longshore-agent"));
    assert_eq!(&lines[1][25..], " [d-1]LifecycleEvent - AfterInstall");
    assert_eq!(&lines[3][25..], " [d-1][stdout]  padded");
}

#[test]
fn logs_that_cannot_be_written_do_not_fail_a_script() {
    let place = Place::with_script("#!/bin/sh\necho x\n");
    fs::write(place.path("logs"), "in the way").expect("file");
    fs::write(place.path("all"), "in the way").expect("file");
    assert_eq!(place.outcome(), "ran 1");
}

#[test]
fn a_script_that_outlives_its_timeout_is_ended_with_its_group() {
    let place = Place::with_script("#!/bin/sh\necho begun\nsleep 100 &\necho $! > \"${0%/*}/child\"\nwait\n")
        .timeout(Duration::from_secs(1));
    let started = Instant::now();
    assert_eq!(place.outcome(), "3 Script at specified location: s.sh failed to complete in 1 seconds");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(place.logged().ends_with("[stdout]begun"));
    let child = fs::read_to_string(place.path("archive/child")).expect("pid");
    wait_until_gone(child.trim());
}

/// A process that has ended may still be a zombie of whoever adopted it.
fn wait_until_gone(pid: &str) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
        if stat.is_empty() || stat.contains(") Z") {
            return;
        }
        assert!(Instant::now() < deadline, "process {pid} still runs: {stat}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_script_that_ignores_the_first_signal_is_killed_after_the_grace() {
    let mut place = Place::with_script("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.1; done\n")
        .timeout(Duration::from_millis(300));
    place.grace = Duration::from_millis(300);
    let started = Instant::now();
    assert_eq!(place.outcome(), "3 Script at specified location: s.sh failed to complete in 0 seconds");
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_child_that_keeps_an_output_open_is_found_and_left_alive() {
    let stdout = "#!/bin/sh\nsleep 30 2>/dev/null &\necho $! > \"${0%/*}/child\"\n";
    let stderr = "#!/bin/sh\nsleep 30 >/dev/null &\necho $! > \"${0%/*}/child\"\n";
    for (content, name) in [(stdout, "STDOUT"), (stderr, "STDERR")] {
        let place = Place::with_script(content).timeout(Duration::from_millis(500));
        assert_eq!(place.outcome(), format!("6 Script at specified location: s.sh failed to close {name}"));
        let child = fs::read_to_string(place.path("archive/child")).expect("pid");
        let pid: i32 = child.trim().parse().expect("number");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)
            .expect("it runs");
    }
}

#[test]
fn a_service_that_closes_its_streams_does_not_hold_the_hook() {
    let place = Place::with_script("#!/bin/sh\nsleep 2 >/dev/null 2>&1 </dev/null &\n");
    let started = Instant::now();
    assert_eq!(place.outcome(), "ran 1");
    assert!(started.elapsed() < Duration::from_millis(1500));
}

#[test]
fn another_user_goes_through_su_and_is_named_in_failures() {
    let mut place = Place::with_script("#!/bin/sh\nexit 0\n");
    place.scripts[0].run_as = Some("no-such-user-here".to_owned());
    let outcome = place.outcome();
    let expected = "4 Script at specified location: s.sh run as user no-such-user-here failed with e";
    assert!(outcome.starts_with(expected), "{outcome}");
}

#[test]
fn a_lot_of_output_is_kept_whole() {
    let place = Place::with_script("#!/bin/sh\nseq 1 20000\nseq 1 20000 >&2\n");
    assert_eq!(place.outcome(), "ran 1");
    let n_lines = place.logged().split('|').filter(|line| line.starts_with("[std")).count();
    assert_eq!(n_lines, 40_000);
}
