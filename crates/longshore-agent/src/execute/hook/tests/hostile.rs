//! Scripts that do not want to end, or leave something behind: nothing of them stays when they fail by
//! their timeout, and the agent never waits longer than timeout and grace.

use super::*;

/// Has a process write its id into a file of the archive, whole.
const NOTE_PID: &str = "note() { echo \"$2\" > \"${0%/*}/$1.new\"; mv \"${0%/*}/$1.new\" \"${0%/*}/$1\"; }\n";

/// A place whose only script runs these lines and outlives its timeout; a daemon or child that the script
/// notes must not outlive it.
fn place(lines: &str) -> Place {
    let mut place = Place::with_script(&format!("#!/bin/bash\n{NOTE_PID}{lines}"));
    // Enough for any of these lines to be reached on a slow machine.
    place.scripts[0].timeout = Duration::from_secs(6);
    place.grace = Duration::from_millis(200);
    place
}

fn timed_out(place: &Place) -> String {
    let script = place.scripts.last().expect("a script");
    let secs = script.timeout.as_secs();
    format!("3 Script at specified location: {} failed to complete in {secs} seconds", script.location)
}

/// The script times out, is over before it would end by itself, and of the noted processes none is left.
#[track_caller]
fn check(place: &Place, noted: &[&str]) {
    let started = Instant::now();
    assert_eq!(place.outcome(), timed_out(place));
    assert!(started.elapsed() < PATIENCE);
    for name in noted {
        let pid = place.pid(&format!("archive/{name}"));
        wait_until("a process of the hook is gone", || !is_alive(pid));
    }
}

#[test]
fn its_group_is_ended_and_what_it_said_is_kept() {
    let place = place("echo begun\nsleep 600 &\nnote child $!\nwait\n");
    check(&place, &["child"]);
    assert!(place.logged().ends_with("[stdout]begun"), "{}", place.logged());
}

#[test]
fn it_floods_its_output_and_ignores_sigterm() {
    let place = place("trap '' TERM\nnote self $$\n(trap '' TERM; yes >&2) &\nnote child $!\nyes\n");
    check(&place, &["self", "child"]);
}

#[test]
fn it_ignores_sigterm_with_all_its_children() {
    check(
        &place("trap '' TERM\nsleep 600 &\nnote child $!\nnote self $$\nwhile :; do sleep 0.1; done\n"),
        &["self", "child"],
    );
}

#[test]
fn it_forks_a_daemon_into_a_session_of_its_own() {
    check(
        &place(
            "setsid --fork bash -c 'echo $$ > \"$1.new\"; mv \"$1.new\" \"$1\"; exec sleep 600' x \
             \"${0%/*}/daemon\" >/dev/null 2>&1 </dev/null\nsleep 600\n",
        ),
        &["daemon"],
    );
}

#[test]
fn it_forks_a_daemon_that_cleans_its_environment_but_stays_in_the_session() {
    // Job control puts it into a process group of its own.
    check(
        &place("set -m\nenv -i sleep 600 >/dev/null 2>&1 </dev/null &\nnote daemon $!\nsleep 600\n"),
        &["daemon"],
    );
}

#[test]
fn it_leaves_a_thousand_children() {
    let mut place = place(
        "for _ in $(seq 500); do sleep 600 & done\nnote one $!\n\
         for _ in $(seq 500); do setsid sleep 600 & done\nnote other $!\nsleep 600\n",
    );
    place.scripts[0].timeout = Duration::from_secs(20);
    check(&place, &["one", "other"]);
    let mark = format!("DEPLOYMENT_ID={}", place.folder.path().display());
    let is_left = || {
        let mut all = crate::process_group::proc_fs::all().filter(|process| !process.has_ended);
        all.any(|process| {
            crate::process_group::proc_fs::has_in_environment(process.pid, std::slice::from_ref(&mark))
        })
    };
    wait_until("all thousand are gone", || !is_left());
}

#[test]
fn it_stops_itself() {
    check(&place("note self $$\nkill -STOP $$\n"), &["self"]);
}

#[test]
fn it_stops_itself_and_would_end_well_if_it_were_told_to() {
    let mut place = place("trap 'echo ended by TERM; exit' TERM\nkill -STOP $$\nsleep 600\n");
    // Without being continued it could not say so before it is killed.
    place.grace = PATIENCE;
    check(&place, &[]);
    assert!(place.logged().ends_with("[stdout]ended by TERM"), "{}", place.logged());
}

#[test]
fn it_closes_its_outputs_and_stays() {
    check(&place("note self $$\nexec >&- 2>&-\nsleep 600\n"), &["self"]);
}

#[test]
fn it_keeps_forking_while_it_is_ended() {
    check(&place("trap '' TERM\nnote self $$\nwhile :; do setsid sleep 600 & sleep 0.01; done\n"), &["self"]);
}

#[test]
fn processes_of_other_hooks_and_of_earlier_scripts_are_spared() {
    let other = Place::with_script(&format!(
        "#!/bin/bash\n{NOTE_PID}sleep 600 >/dev/null 2>&1 </dev/null &\nnote daemon $!\n"
    ));
    assert_eq!(other.outcome(), "ran 1");
    let mut place = place("sleep 600\n");
    place.write(
        "first.sh",
        &format!("#!/bin/bash\n{NOTE_PID}sleep 600 >/dev/null 2>&1 </dev/null &\nnote daemon $!\n"),
    );
    place.run("first.sh");
    place.scripts.reverse();
    assert_eq!(place.outcome(), timed_out(&place));
    for daemon in [other.pid("archive/daemon"), place.pid("archive/daemon")] {
        assert!(is_alive(daemon));
        kill(daemon);
    }
}
