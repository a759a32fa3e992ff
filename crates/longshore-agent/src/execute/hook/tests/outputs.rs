//! What a script prints, and where it is found again.

use longshore_model::evidence::OutputSlice;

use super::*;

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
fn a_lot_of_output_is_kept_whole() {
    let place = Place::with_script("#!/bin/sh\nseq 1 20000\nseq 1 20000 >&2\n");
    assert_eq!(place.outcome(), "ran 1");
    let n_lines = place.logged().split('|').filter(|line| line.starts_with("[std")).count();
    assert_eq!(n_lines, 40_000);
}

/// The output that the evidence of a failure names.
#[track_caller]
fn slice(failure: &HookFailure) -> OutputSlice {
    let slice = failure.evidence.iter().find_map(|evidence| match evidence {
        Evidence::ScriptEnded { output, .. } => output.clone(),
        _ => None,
    });
    slice.expect("a script ended, with output")
}

#[test]
fn evidence_names_exactly_the_output_of_the_script_that_failed() {
    let mut place = Place::new();
    place.script("a.sh", "#!/bin/sh\necho of another\n");
    place.script("b.sh", "#!/bin/sh\necho one\necho two >&2\nprintf three\nexit 1\n");
    // The second event finds what the first has left.
    for _ in 0..2 {
        let slice = slice(&place.event().expect_err("exit 1"));
        assert_eq!(slice.path, place.path("logs/scripts.log").to_string_lossy());
        let bytes = fs::read(&slice.path).expect("log");
        assert_eq!(slice.end_byte, bytes.len() as u64);
        let text = String::from_utf8_lossy(&bytes[slice.begin_byte as usize..]).into_owned();
        for printed in ["[stdout]one\n", "[stderr]two\n", "[stdout]three"] {
            assert_eq!(text.matches(printed).count(), 1, "{text}");
        }
        assert!(!text.contains("Script - ") && !text.contains("of another"), "{text}");
    }
}

#[test]
fn a_place_in_the_output_is_counted_over_rotations() {
    let place = Place::with_script("#!/bin/sh\necho x\nexit 1\n");
    fs::create_dir(place.path("logs")).expect("logs");
    fs::write(place.path("logs/scripts.log.0"), "twelve bytes").expect("older");
    fs::write(place.path("logs/scripts.log.dropped"), "1000").expect("dropped");
    let slice = slice(&place.event().expect_err("exit 1"));
    let size = fs::metadata(place.path("logs/scripts.log")).expect("log").len();
    assert_eq!(slice.end_byte, 1012 + size);
}

#[test]
fn without_a_log_there_is_no_place_to_name() {
    let place = Place::with_script("#!/bin/sh\necho x\nexit 1\n");
    fs::write(place.path("logs"), "in the way").expect("file");
    let evidence = place.event().expect_err("exit 1").evidence;
    assert!(matches!(&evidence[..], [Evidence::ScriptEnded { output: None, .. }]), "{evidence:?}");
}

#[test]
fn a_script_that_closes_its_outputs_still_decides_by_its_exit() {
    let place = Place::with_script("#!/bin/sh\nexec >&- 2>&-\nsleep 0.2\nexit 9\n");
    assert_eq!(place.outcome(), "4 Script at specified location: s.sh failed with exit code 9");
}
