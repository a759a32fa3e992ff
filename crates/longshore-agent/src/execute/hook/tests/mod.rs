//! One test per rule of agent.md §8.3, with real scripts.

mod failures;
mod hostile;
mod outputs;
mod supervised;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Mutex;
use std::time::Instant;

use super::*;
use crate::execute::environment::EnvironmentRules;

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A revision with scripts, and the logs of a deployment.
struct Place {
    folder: tempfile::TempDir,
    scripts: Vec<Script>,
    inherited: Vec<(&'static str, &'static str)>,
    deployment: Vec<(&'static str, Option<String>)>,
    supervision: HookSupervision,
    grace: Duration,
    groups: Arc<Mutex<Vec<ProcessGroupEvent>>>,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("folder");
        fs::create_dir(folder.path().join("archive")).expect("archive");
        // Processes are told apart by these: tests run at the same time.
        let id = folder.path().to_string_lossy().into_owned();
        let names = ["DEPLOYMENT_ID", "DEPLOYMENT_GROUP_ID", "LIFECYCLE_EVENT", "AWS_HOST_IDENTIFIER"];
        Place {
            folder,
            scripts: Vec::new(),
            inherited: vec![("PATH", "/usr/local/bin:/usr/bin:/bin")],
            deployment: names.map(|name| (name, Some(id.clone()))).to_vec(),
            supervision: HookSupervision::Compatible,
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

    fn event(&self) -> Result<HookReport, Box<HookFailure>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(run_event(self.request()))
    }

    fn request(&self) -> HookRequest {
        let groups = Arc::clone(&self.groups);
        let inherited = self.inherited.iter().map(|(name, value)| (name.into(), value.into()));
        HookRequest {
            event: "AfterInstall".to_owned(),
            deployment_id: "d-1".to_owned(),
            archive_dir: self.path("archive"),
            scripts: self.scripts.clone(),
            environment: HookEnvironment::new(
                inherited,
                EnvironmentRules::default(),
                self.deployment.clone(),
            ),
            logs: HookLogs {
                scripts_log: self.path("logs/scripts.log"),
                deployments_log: Some(self.path("all/agent-deployments.log")),
            },
            kill_grace: self.grace,
            supervision: self.supervision,
            on_process_group: Some(OnProcessGroup(Box::new(move |event| {
                groups.lock().expect("lock").push(event);
            }))),
        }
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

    /// The process id that a script has written.
    fn pid(&self, name: &str) -> i32 {
        let path = self.path(name);
        wait_until("a process id is written", || fs::read_to_string(&path).is_ok_and(|t| t.ends_with('\n')));
        fs::read_to_string(path).expect("pid").trim().parse().expect("a number")
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

/// Source: service.md §6.1.
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
    let log = tempfile::NamedTempFile::new().expect("file");
    let writer = std::sync::Mutex::new(log.reopen().expect("reopen"));
    let subscriber = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).finish();
    let outcome = tracing::subscriber::with_default(subscriber, || place.outcome());
    assert_eq!(outcome, "ran 1");
    let said = fs::read_to_string(log.path()).expect("text");
    let expected = "Script at specified location: s.sh is not executable.  Trying to make it executable.";
    assert!(said.contains("WARN") && said.contains(expected), "{said}");
    assert_eq!(fs::metadata(&path).expect("stat").permissions().mode() & 0o777, 0o751);
}

#[test]
fn names_with_blanks_and_shell_characters_are_no_problem() {
    let mut place = Place::new();
    place.script("a b; $(touch x).sh", "#!/bin/sh\nexit 5\n");
    assert!(place.outcome().ends_with("failed with exit code 5"));
}

#[test]
fn the_environment_is_what_is_inherited_and_the_deployment() {
    let mut place = Place::with_script("#!/bin/sh\necho \"${ADDED-no} ${TZ-no} ${CARGO_PKG_NAME-no}\"\n");
    place.inherited.push(("TZ", "UTC"));
    place.deployment.push(("ADDED", Some("a b".to_owned())));
    assert_eq!(place.outcome(), "ran 1");
    assert!(place.logged().ends_with("[stdout]a b UTC no"), "{}", place.logged());
}

#[test]
fn working_directory_and_umask_are_the_agents() {
    let place = Place::with_script("#!/bin/sh\npwd -P\numask\n");
    assert_eq!(place.outcome(), "ran 1");
    let directory = std::env::current_dir().expect("directory").canonicalize().expect("path");
    let expected =
        format!("[stdout]{}|[stdout]{:04o}", directory.display(), crate::execute::umask::current());
    assert!(place.logged().ends_with(&expected), "{}", place.logged());
}

#[test]
fn standard_input_is_at_its_end_and_the_script_leads_group_and_session() {
    let place = Place::with_script(
        "#!/bin/sh\ncat\nread -r _ _ _ _ group session tty _ < /proc/$$/stat\necho $$ $group $session $tty\n",
    );
    assert_eq!(place.outcome(), "ran 1");
    let groups = place.groups.lock().expect("lock").clone();
    let [ProcessGroupEvent::Starting(_), ProcessGroupEvent::Started(group), ProcessGroupEvent::Ended] =
        &groups[..]
    else {
        panic!("{groups:?}");
    };
    let id = group.id;
    assert!(place.logged().ends_with(&format!("[stdout]{id} {id} {id} 0")), "{}", place.logged());
}

/// Waits until `is_so` holds.
#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not so in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A process that has ended may still be a zombie of whoever adopted it.
fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z")
}

fn kill(pid: i32) {
    let signal = nix::sys::signal::Signal::SIGKILL;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).expect("it runs");
}
