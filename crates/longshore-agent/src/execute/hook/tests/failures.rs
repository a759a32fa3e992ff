//! Scripts that cannot be started or end badly: what is reported, and what was seen.

use super::*;

/// The outcome, and the evidence in short.
#[track_caller]
fn check(place: &Place, outcome: &str, evidence: &str) {
    let failure = place.event().expect_err(outcome);
    let archive = place.path("archive");
    let shorten = |text: &str| text.replace(&*archive.to_string_lossy(), "ARCHIVE");
    assert_eq!(format!("{} {}", failure.code, shorten(&failure.message)), outcome);
    let seen: Vec<String> = failure.evidence.iter().map(short).collect();
    assert_eq!(shorten(&seen.join("; ")), evidence);
}

fn short(evidence: &Evidence) -> String {
    match evidence {
        Evidence::ScriptNotStarted { location, path, errno } => {
            format!("not started {location} {path} {errno:?}")
        }
        Evidence::ScriptEnded { location, run_as, exit_code, signal, timeout_secs, output } => {
            let has_output = output.as_ref().is_some_and(|slice| slice.begin_byte <= slice.end_byte);
            assert!(has_output, "{output:?}");
            format!("ended {location} {run_as:?} {exit_code:?} {signal:?} {timeout_secs:?}")
        }
        Evidence::UnknownAccount { name, account_kind } => format!("unknown {account_kind} {name}"),
        Evidence::RuleBroken { rule, subjects } => format!("{rule} {}", subjects.join(" ")),
        other => format!("{other:?}"),
    }
}

const HERE: &str = "Script at specified location: s.sh";

#[test]
fn every_failure_says_what_was_seen() {
    let mut place = Place::new();
    place.run("s.sh");
    check(
        &place,
        "1 Script does not exist at specified location: ARCHIVE/s.sh",
        "not started s.sh ARCHIVE/s.sh Some(2)",
    );
    fs::create_dir(place.path("archive/s.sh")).expect("dir");
    check(
        &place,
        &format!("4 {HERE} failed with error Errno::EACCES with message Permission denied - ARCHIVE/s.sh"),
        "not started s.sh ARCHIVE/s.sh None; script_not_regular s.sh",
    );
    fs::remove_dir(place.path("archive/s.sh")).expect("remove");
    symlink("/bin/true", place.path("archive/s.sh")).expect("link");
    check(
        &place,
        &format!("4 {HERE} resolves outside the revision"),
        "not started s.sh ARCHIVE/s.sh None; script_outside_revision s.sh",
    );
    let ended = |content: &str, outcome: &str, evidence: &str| {
        check(&Place::with_script(content), &format!("4 {HERE} failed with {outcome}"), evidence);
    };
    ended("#!/bin/sh\nexit 7\n", "exit code 7", "ended s.sh None Some(7) None None");
    ended("#!/bin/sh\nkill $$\n", "exit code 143 (signal 15)", "ended s.sh None None Some(15) None");
    let slow = Place::with_script("#!/bin/sh\nsleep 600\n").timeout(Duration::from_secs(1));
    check(&slow, &format!("3 {HERE} failed to complete in 1 seconds"), "ended s.sh None None None Some(1)");
}

#[test]
fn a_program_that_is_not_there_is_named_with_and_without_a_user() {
    let no_such = "failed with error Errno::ENOENT with message No such file or directory";
    let mut place = Place::with_script("#!/no/such/interpreter\n");
    check(&place, &format!("4 {HERE} {no_such} - ARCHIVE/s.sh"), "not started s.sh ARCHIVE/s.sh Some(2)");
    place.scripts[0].run_as = Some("root".to_owned());
    place.inherited = vec![("PATH", "/no/such/folder")];
    check(&place, &format!("4 {HERE} run as user root {no_such} - su"), "not started s.sh su Some(2)");
}

#[test]
fn a_script_whose_mode_cannot_be_changed_is_reported() {
    // No file of a process can be made executable, not even by root.
    let mut place = Place::new();
    place.run("status");
    let own = PathBuf::from(format!("/proc/{}", std::process::id()));
    let mut request = place.request();
    request.archive_dir = own.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let failure = runtime.block_on(run_event(request)).expect_err("no execute bit");
    assert_eq!(failure.code, 2);
    assert_eq!(failure.message, "Unable to set script at specified location: status as executable");
    let path = own.join("status");
    assert_eq!(short(&failure.evidence[0]), format!("not started status {} Some(1)", path.display()));
}

#[test]
fn root_can_run_scripts_as_root_who_keeps_the_hook_variables() {
    if !rustix::process::geteuid().is_root() {
        // Nobody else may without a password.
        return;
    }
    let mut place = Place::with_script("#!/bin/sh\necho \"$(id -un) $ADDED\"\nexit 3\n");
    place.deployment.push(("ADDED", Some("a b".to_owned())));
    place.scripts[0].run_as = Some("root".to_owned());
    check(
        &place,
        &format!("4 {HERE} run as user root failed with exit code 3"),
        "ended s.sh Some(\"root\") Some(3) None None",
    );
    assert!(place.logged().ends_with("[stdout]root a b"), "{}", place.logged());
}

#[test]
fn what_su_started_in_a_session_of_its_own_ends_with_the_timeout() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut place = Place::with_script(
        "#!/bin/sh\ntrap '' TERM\necho $$ > \"${0%/*}/self.new\"\nmv \"${0%/*}/self.new\" \"${0%/*}/self\"\n\
         while :; do sleep 0.1; done\n",
    )
    .timeout(Duration::from_secs(3));
    place.scripts[0].run_as = Some("root".to_owned());
    place.grace = Duration::from_millis(200);
    assert_eq!(place.outcome(), format!("3 {HERE} failed to complete in 3 seconds"));
    let pid = place.pid("archive/self");
    wait_until("the script is gone", || !is_alive(pid));
}

#[test]
fn a_user_that_su_would_take_for_an_option_is_refused() {
    for user in ["--help", "-", "-c"] {
        let mut place = Place::with_script("#!/bin/sh\n");
        place.scripts[0].run_as = Some(user.to_owned());
        let expected = format!(
            "4 {HERE} run as user {user} failed with error ArgumentError with message can't find user for \
             {user}"
        );
        check(&place, &expected, &format!("unknown user {user}"));
    }
}

#[test]
fn another_user_goes_through_su_and_is_named_in_failures() {
    let mut place = Place::with_script("#!/bin/sh\nexit 0\n");
    place.scripts[0].run_as = Some("no-such-user-here".to_owned());
    let outcome = place.outcome();
    let expected = "4 Script at specified location: s.sh run as user no-such-user-here failed with e";
    assert!(outcome.starts_with(expected), "{outcome}");
    let evidence = place.event().expect_err("nobody").evidence;
    assert!(evidence.iter().any(|seen| short(seen) == "unknown user no-such-user-here"), "{evidence:?}");
}
