//! What `hook_supervision` changes: who keeps an output open, and what is left of a hook that failed.

use super::*;

/// A script that leaves a process with one output open, and exits with `code`.
fn leaves_open(stream: &str, code: i32) -> String {
    let elsewhere = if stream == "stdout" { "2>/dev/null" } else { ">/dev/null" };
    format!("#!/bin/sh\nsleep 600 {elsewhere} &\necho $! > \"${{0%/*}}/child\"\nexit {code}\n")
}

fn held(place: &Place, stream: &str) -> (Evidence, String) {
    let pid = place.pid("archive/child");
    let evidence = Evidence::OutputHeld {
        location: "s.sh".to_owned(),
        stream: stream.to_owned(),
        pid,
        command_line: "sleep 600".to_owned(),
    };
    (evidence, format!("[longshore] {stream} is held open by pid {pid} (sleep 600)"))
}

#[test]
fn compatible_waits_for_the_output_and_leaves_its_holder_alone() {
    for (stream, code) in [("stdout", 0), ("stderr", 0), ("stdout", 7)] {
        let place = Place::with_script(&leaves_open(stream, code)).timeout(Duration::from_secs(2));
        let failure = place.event().expect_err("an output is open");
        let upper = stream.to_ascii_uppercase();
        assert_eq!(failure.code, 6);
        assert_eq!(failure.message, format!("Script at specified location: s.sh failed to close {upper}"));
        let (evidence, line) = held(&place, stream);
        assert!(failure.evidence.contains(&evidence), "{:?}", failure.evidence);
        assert!(failure.log.ends_with(&format!("{line}\n")), "{}", failure.log);
        assert!(place.logged().ends_with(&line), "{}", place.logged());
        let ended = &failure.evidence[0];
        assert!(
            matches!(ended, Evidence::ScriptEnded { exit_code, .. } if *exit_code == Some(code)),
            "{ended:?}"
        );
        kill(place.pid("archive/child"));
    }
}

#[test]
fn supervised_ends_with_the_script_and_names_the_holder() {
    for stream in ["stdout", "stderr"] {
        let mut place = Place::with_script(&leaves_open(stream, 0)).timeout(PATIENCE);
        place.supervision = HookSupervision::Supervised;
        let report = place.event().expect("the script succeeded");
        let (evidence, line) = held(&place, stream);
        assert_eq!(report.evidence, [evidence]);
        assert!(report.log.ends_with(&format!("{line}\n")), "{}", report.log);
        assert!(place.logged().ends_with(&line), "{}", place.logged());
        assert!(is_alive(place.pid("archive/child")));
        kill(place.pid("archive/child"));
    }
}

#[test]
fn supervised_has_all_that_the_script_itself_printed() {
    let mut place = Place::with_script("#!/bin/sh\nsleep 600 &\necho $! > \"${0%/*}/child\"\nseq 1 10000\n");
    place.supervision = HookSupervision::Supervised;
    assert_eq!(place.outcome(), "ran 1");
    let n_lines = place.logged().split('|').filter(|line| line.starts_with("[stdout]")).count();
    assert_eq!(n_lines, 10_000);
    kill(place.pid("archive/child"));
}

#[test]
fn a_process_that_prints_after_its_hook_is_not_ended_by_that() {
    for supervision in [HookSupervision::Compatible, HookSupervision::Supervised] {
        let mut place = Place::with_script(
            "#!/bin/sh\n(while [ ! -e \"$0.go\" ]; do sleep 0.02; done; echo late; echo late; \
             echo done > \"$0.done\") &\n",
        )
        .timeout(Duration::from_secs(1));
        place.supervision = supervision;
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("runtime");
        let _ = runtime.block_on(run_event(place.request()));
        fs::write(place.path("archive/s.sh.go"), "").expect("go");
        wait_until("it has printed and goes on", || place.path("archive/s.sh.done").exists());
        assert!(!place.logged().contains("late"), "{}", place.logged());
    }
}

#[test]
fn a_failed_script_leaves_its_children_in_compatible_and_none_in_supervised() {
    let cases = [
        (HookSupervision::Compatible, "sleep", true),
        (HookSupervision::Supervised, "sleep", false),
        (HookSupervision::Supervised, "setsid sleep", false),
        (HookSupervision::Supervised, "env -i setsid sleep", true),
    ];
    for (supervision, sleep, is_left) in cases {
        let mut place = Place::with_script(&format!(
            "#!/bin/sh\n{sleep} 600 >/dev/null 2>&1 </dev/null &\necho $! > \"${{0%/*}}/child\"\n\
             sleep 0.3\nexit 4\n"
        ));
        place.supervision = supervision;
        assert_eq!(place.outcome(), "4 Script at specified location: s.sh failed with exit code 4");
        let child = place.pid("archive/child");
        if is_left {
            assert!(is_alive(child), "{supervision:?} {sleep}");
            kill(child);
        } else {
            wait_until("it is gone", || !is_alive(child));
        }
    }
}

#[test]
fn a_service_that_closes_its_streams_does_not_hold_the_hook() {
    for supervision in [HookSupervision::Compatible, HookSupervision::Supervised] {
        let mut place = Place::with_script(
            "#!/bin/sh\nsleep 600 >/dev/null 2>&1 </dev/null &\necho $! > \"${0%/*}/child\"\n",
        )
        .timeout(PATIENCE);
        place.supervision = supervision;
        let report = place.event().expect("nothing holds it");
        assert_eq!(report.evidence, []);
        assert!(is_alive(place.pid("archive/child")));
        kill(place.pid("archive/child"));
    }
}

#[test]
fn stdout_that_closes_late_takes_from_the_time_of_stderr() {
    let place = Place::with_script(
        "#!/bin/sh\nsleep 1 2>/dev/null &\nsleep 600 >/dev/null &\necho $! > \"${0%/*}/child\"\n",
    )
    .timeout(Duration::from_secs(3));
    assert_eq!(place.outcome(), "6 Script at specified location: s.sh failed to close STDERR");
    kill(place.pid("archive/child"));
}
