//! Kills a process at each system call of an Install that changes something, one call a run, and holds
//! the host against the old and the new revision: content, kind, mode, owner, times, link texts, ACLs.
//! Source: agent.md §7, I-27; design.md §5.
//!
//! The process is this test program itself, which does one piece of work when its environment asks for
//! one, and `strace` kills it. What is meant is a killed agent; power cuts are another matter.

mod agent;
mod host;
mod strace;
mod tree;

use std::ops::Range;

use host::{Host, Work};
use strace::Point;

/// Runs one piece of work for the tests below; without one there is nothing to do.
#[test]
fn work_in_a_process_of_its_own() {
    host::do_work_of_environment();
}

/// What a host looked like after having been killed at many points.
#[derive(Debug, Default)]
struct Seen {
    n_old: usize,
    n_new: usize,
}

impl Seen {
    /// Counts the host as old or new; anything else is a failure.
    #[track_caller]
    fn count(&mut self, host: &Host, old: &str, new: &str, at: &str) {
        let now = host.shown();
        if now == old {
            self.n_old += 1;
        } else if now == new {
            self.n_new += 1;
        } else {
            let (from_old, from_new) = (difference(old, &now), difference(new, &now));
            panic!("{at}: neither old:\n{from_old}\nnor new:\n{from_new}");
        }
    }
}

/// The lines of only one of two texts.
fn difference(expected: &str, found: &str) -> String {
    let only = |mark, these: &str, others: &str| -> String {
        let others: Vec<&str> = others.lines().collect();
        these.lines().filter(|line| !others.contains(line)).map(|line| format!("{mark} {line}\n")).collect()
    };
    only('-', expected, found) + &only('+', found, expected)
}

#[track_caller]
fn check(host: &Host, expected: &str, at: &str) {
    let found = host.shown();
    assert!(found == expected, "{at}:\n{}", difference(expected, &found));
}

/// The texts of a host before and after an Install that nobody interrupts.
fn old_and_new() -> (String, String) {
    let host = Host::with_old_revision();
    let old = host.shown();
    host.install_new().expect("installs");
    (old, host.shown())
}

/// The points of `work` on `host`, which is done to its end.
fn points(host: &Host, work: Work) -> Vec<Point> {
    strace::points(&host.command(work), host::MARK)
}

/// The host after its process was killed at `point` of `work`.
fn killed(work: Work, point: &Point) -> Host {
    let host = Host::with_old_revision();
    strace::kill(&host.command(work), point);
    host
}

#[test]
fn an_install_killed_at_any_call_leaves_old_or_new() {
    let (old, new) = old_and_new();
    let points = points(&Host::with_old_revision(), Work::Install);
    let mut seen = Seen::default();
    for point in &points {
        let host = killed(Work::Install, point);
        host.recover();
        seen.count(&host, &old, &new, &format!("killed at {point}"));
        host.install_new().expect("the next deployment works");
        check(&host, &new, &format!("killed at {point}, installed again"));
    }
    assert!(40 < seen.n_old && 10 < seen.n_new, "{seen:?}");
}

#[test]
fn an_install_refused_any_call_leaves_old_or_new() {
    let (old, new) = old_and_new();
    let mut seen = Seen::default();
    for point in points(&Host::with_old_revision(), Work::Install) {
        let host = Host::with_old_revision();
        let at = format!("refused {point}");
        if strace::refuse(&host.command(Work::Install), &point) {
            check(&host, &new, &at);
        }
        host.recover();
        seen.count(&host, &old, &new, &at);
        host.install_new().expect("the next deployment works");
        check(&host, &new, &format!("{at}, installed again"));
    }
    assert!(40 < seen.n_old && 2 < seen.n_new, "{seen:?}");
}

#[test]
fn an_undo_killed_at_any_call_leaves_old() {
    let (old, new) = old_and_new();
    let points = points(&Host::with_old_revision(), Work::FailingInstall);
    let n_renames = points.iter().filter(|point| point.call.starts_with("rename")).count();
    assert!(15 < n_renames, "it fails after the switch, and switches back: {n_renames}");
    for point in &points {
        let host = killed(Work::FailingInstall, point);
        host.recover();
        check(&host, &old, &format!("killed at {point}"));
        host.install_new().expect("the next deployment works");
        check(&host, &new, &format!("killed at {point}, installed again"));
    }
}

#[test]
fn a_recovery_killed_at_any_call_is_taken_up_by_the_next() {
    let (old, new) = old_and_new();
    let crashes = crashes_with_work_left();
    let mut seen = Seen::default();
    for crash in &crashes {
        for point in points(&killed(Work::Install, crash), Work::Recover) {
            let host = killed(Work::Install, crash);
            strace::kill(&host.command(Work::Recover), &point);
            host.recover();
            let at = format!("killed at {crash}, and recovering at {point}");
            seen.count(&host, &old, &new, &at);
            host.install_new().expect("the next deployment works");
            check(&host, &new, &format!("{at}, installed again"));
        }
    }
    assert!(20 < seen.n_old && 10 < seen.n_new, "{seen:?}");
}

#[test]
fn a_recovery_killed_while_it_finishes_a_killed_undo_is_taken_up_by_the_next() {
    let (old, new) = old_and_new();
    let mut n_kills = 0;
    for crash in crashes_of_the_undo() {
        for point in points(&killed(Work::FailingInstall, &crash), Work::Recover) {
            let host = killed(Work::FailingInstall, &crash);
            strace::kill(&host.command(Work::Recover), &point);
            host.recover();
            let at = format!("undoing, killed at {crash}, and recovering at {point}");
            check(&host, &old, &at);
            host.install_new().expect("the next deployment works");
            check(&host, &new, &format!("{at}, installed again"));
            n_kills += 1;
        }
    }
    assert!(60 < n_kills, "recovery had hardly anything to do: {n_kills}");
}

/// A few points over the whole of an Install after its first switch, at which recovery has most to do.
fn crashes_with_work_left() -> Vec<Point> {
    let points = points(&Host::with_old_revision(), Work::Install);
    a_few(&points[switching(&points)])
}

/// A few points over the whole undoing of an Install that fails after its switch.
fn crashes_of_the_undo() -> Vec<Point> {
    let points = points(&Host::with_old_revision(), Work::FailingInstall);
    let undoing = undoing(&points);
    let n_renames = points[undoing.clone()].iter().filter(|point| point.call.starts_with("rename")).count();
    assert!(8 < n_renames, "it switches back: {n_renames}");
    a_few(&points[undoing])
}

fn a_few(points: &[Point]) -> Vec<Point> {
    points.iter().step_by((points.len() / N_CRASHES).max(1)).cloned().collect()
}

const N_CRASHES: usize = 6;

/// From the first record of the journal to the end.
fn switching(points: &[Point]) -> Range<usize> {
    let first = points.iter().position(|point| point.call == "fdatasync").expect("the journal is synced");
    first..points.len()
}

/// From the last record before the failure to the end. The very last record is that all is switched back.
fn undoing(points: &[Point]) -> Range<usize> {
    let synced = |point: &Point| point.call == "fdatasync";
    let last = points.iter().rposition(synced).expect("the journal is synced");
    let before = points[..last].iter().rposition(synced).expect("and was before");
    before + 1..points.len()
}
