//! What is left when an Install fails or is stopped at any step: old or new, never a mix.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

#[test]
fn a_source_that_vanishes_while_staging_undoes_the_install() {
    let host = Host::new();
    install(&host.revision("d/a=1 d/b=1", ALL_TO_APP)).expect("first");
    let before = host.snapshot();
    let request = host.revision("d/a=2 d/b=2", ALL_TO_APP);
    let source = request.archive_dir.join("d/b");
    let error = install_observed(&request, &mut || drop(fs::remove_file(&source))).expect_err("no source");
    assert!(error.to_string().starts_with("No such file or directory - "), "{error}");
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_switch_that_fails_is_undone() {
    let mut n_failed = 0;
    for step in 0.. {
        let host = Host::new();
        let (old, request) = crash_case(&host, CRASH_CASES[1]);
        let mut n_seen = 0;
        let outcome = install_observed(&request, &mut || {
            if n_seen == step {
                remove_one_staged(&host.path("app"));
            }
            n_seen += 1;
        });
        if let Err(error) = &outcome {
            n_failed += 1;
            assert_eq!(host.snapshot(), old, "step {step}: {error}");
        }
        if n_seen <= step {
            break;
        }
    }
    assert!(8 < n_failed, "{n_failed}");
}

/// Takes away the file that the last switch would have put in place.
fn remove_one_staged(dir: &Path) {
    let is_staged = |path: &PathBuf| path.to_string_lossy().contains("/.longshore-new-");
    let last = list(dir).into_iter().filter(is_staged).max();
    if let Some(path) = last {
        operation::remove_tree(&path).expect("remove");
    }
}

fn has_phase(host: &Host, phase: &str) -> bool {
    host.state("group-install.journal").contains(phase)
}

#[test]
fn files_that_appear_in_a_replaced_folder_are_kept() {
    let host = Host::new();
    install(&host.revision("d/a=1 d/e/b=1", ALL_TO_APP)).expect("first");
    let request = host.revision("d/a=2 d/e/b=2", ALL_TO_APP);
    install_observed(&request, &mut || {
        if !host.path("app/e/late").exists() && !has_phase(&host, "switching") {
            write(&host.srv(), "app/e/late=x");
            write(&host.srv(), "app/logs/late=y");
        }
    })
    .expect("second");
    assert_eq!(host.shown(), "app/ app/a=2 app/e/ app/e/b=2 app/e/late=x app/logs/ app/logs/late=y");
}

#[test]
fn recovery_finds_nothing_where_nothing_was() {
    let host = Host::new();
    assert_eq!(recover(&host.root()).expect("recover"), Vec::<String>::new());
    install(&host.revision("d/a=1", ALL_TO_APP)).expect("install");
    assert_eq!(recover(&host.root()).expect("recover"), Vec::<String>::new());
}

/// Runs `work` and stops it dead at its `nth` step. Whether it was stopped.
pub(super) fn stopped_at(nth: usize, work: impl FnOnce(Checkpoint<'_>)) -> bool {
    let mut n_seen = 0;
    let mut checkpoint = || {
        // A panic runs none of the Install's own code, as a kill would not.
        if n_seen == nth {
            std::panic::resume_unwind(Box::new("stopped"));
        }
        n_seen += 1;
    };
    catch_unwind(AssertUnwindSafe(|| work(&mut checkpoint))).is_err()
}

/// Stops an Install dead at the first step at which `is_time`.
#[track_caller]
pub(super) fn stop_when(host: &Host, is_time: impl Fn(&Host) -> bool, request: &InstallRequest) {
    let mut checkpoint = || {
        if is_time(host) {
            std::panic::resume_unwind(Box::new("stopped"));
        }
    };
    let stopped = catch_unwind(AssertUnwindSafe(|| install_observed(request, &mut checkpoint)));
    assert!(stopped.is_err(), "the time never came");
}

/// The cases of crash tests: what is on the host before, the first revision, the second, and its sections.
const CRASH_CASES: [(&str, &str, &str); 4] = [
    // Everything is replaced by one rename.
    ("", "d/a=1 d/e/b=1", "d/a=2 d/e/c=2"),
    // Every file for itself: replaced, removed, new, new folder, kind changed.
    ("app/foreign=x", "d/a=1 d/gone=1 d/e/b=1 d/k=1 d/l->a", "d/a=2 d/new=2 d/f/g=2 d/k/x=2 d/l->new"),
    // Foreign files are overwritten.
    ("app/a=x app/l->/nowhere", "", "d/a=2 d/l=2"),
    // Only a removal.
    ("app/foreign=x", "d/a=1 d/e/b=1", ""),
];

/// The host after the first revision, the request for the second, and the host after it.
fn crash_case(host: &Host, case: (&str, &str, &str)) -> (Snapshot, InstallRequest) {
    let (before, first, second) = case;
    before.split_whitespace().for_each(|word| write(&host.srv(), word));
    let sections = |files: &str| if files.is_empty() { "" } else { ALL_TO_APP }.to_owned();
    let mut request = host.revision(first, &sections(first));
    request.file_exists_behavior = "OVERWRITE".to_owned();
    install(&request).expect("first");
    let old = host.snapshot();
    let mut request = host.revision(second, &sections(second));
    request.file_exists_behavior = "OVERWRITE".to_owned();
    (old, request)
}

fn new_state(case: (&str, &str, &str)) -> Vec<(String, String)> {
    let host = Host::new();
    let (_, request) = crash_case(&host, case);
    install(&request).expect("second");
    files_of(&host.snapshot())
}

/// Without the state files, which name the folder.
fn files_of(snapshot: &Snapshot) -> Vec<(String, String)> {
    let is_file = |name: &str| !name.starts_with("group");
    snapshot.entries.clone().into_iter().filter(|(name, _)| is_file(name)).collect()
}

/// The host is old or new, with the state files to match and nothing left over.
#[track_caller]
fn check_old_or_new(host: &Host, old: &Snapshot, new: &[(String, String)], at: &str) -> bool {
    let now = host.snapshot();
    assert_eq!(now.n_instruction_files, 3, "{at}");
    if now == *old {
        return false;
    }
    assert_eq!(files_of(&now), new, "{at}");
    assert!(now.entries["group_last_successful_install"].ends_with("d-1"), "{at}");
    true
}

#[test]
fn an_install_that_is_killed_at_any_step_leaves_old_or_new() {
    for case in CRASH_CASES {
        let new = new_state(case);
        let (mut n_old, mut n_new) = (0, 0);
        for step in 0.. {
            let host = Host::new();
            let (old, request) = crash_case(&host, case);
            let is_stopped = stopped_at(step, |checkpoint| drop(install_observed(&request, checkpoint)));
            let sentences = recover(&host.root()).expect("recover");
            assert_eq!(sentences.len(), usize::from(is_stopped), "step {step}: {sentences:?}");
            match check_old_or_new(&host, &old, &new, &format!("{case:?} step {step}")) {
                false => n_old += 1,
                true => n_new += 1,
            }
            install(&request).expect("once more");
            assert_eq!(files_of(&host.snapshot()), new, "{case:?} step {step}, installed again");
            if !is_stopped {
                break;
            }
        }
        assert!(2 < n_old && 1 < n_new, "{case:?}: {n_old} old, {n_new} new");
    }
}

#[test]
fn a_recovery_that_is_killed_at_any_step_is_taken_up_again() {
    for case in CRASH_CASES {
        let new = new_state(case);
        for step in 0.. {
            let mut was_stopped = false;
            for recovery_step in 0.. {
                let host = Host::new();
                let (old, request) = crash_case(&host, case);
                was_stopped = stopped_at(step, |checkpoint| drop(install_observed(&request, checkpoint)));
                let is_stopped =
                    stopped_at(recovery_step, |checkpoint| drop(recover_observed(&host.root(), checkpoint)));
                recover(&host.root()).expect("recover");
                check_old_or_new(&host, &old, &new, &format!("{case:?} steps {step}, {recovery_step}"));
                if !is_stopped {
                    break;
                }
            }
            if !was_stopped {
                break;
            }
        }
    }
}

#[test]
fn an_install_settles_what_an_earlier_one_left() {
    let case = CRASH_CASES[1];
    let new = new_state(case);
    for step in 0.. {
        let host = Host::new();
        let (_, request) = crash_case(&host, case);
        let is_stopped = stopped_at(step, |checkpoint| drop(install_observed(&request, checkpoint)));
        install(&request).expect("settles and installs");
        assert_eq!(files_of(&host.snapshot()), new, "step {step}");
        assert_eq!(host.snapshot().n_instruction_files, 3);
        if !is_stopped {
            break;
        }
    }
}
