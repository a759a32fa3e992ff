//! One line an edge.

use std::path::PathBuf;

use super::*;

#[track_caller]
fn check(finding: &Finding, level: Level, detail: &str) {
    assert_eq!((finding.level, finding.detail.as_str()), (level, detail));
    assert_eq!(finding.remedy.is_none(), level == Level::Ok, "what is wrong has a remedy: {finding:?}");
}

#[test]
fn a_clock_may_be_a_minute_off_and_not_more_than_five() {
    check(&clock(Some(0)), Level::Ok, "0 s ahead of the service's clock");
    check(&clock(Some(60)), Level::Ok, "60 s ahead of the service's clock");
    check(&clock(Some(-61)), Level::Warning, "61 s behind the service's clock");
    check(&clock(Some(300)), Level::Warning, "300 s ahead of the service's clock");
    let refused = "301 s behind the service's clock: signatures are refused";
    check(&clock(Some(-301)), Level::Error, refused);
    check(&clock(None), Level::Warning, "the service says no time to compare with");
}

#[test]
fn a_file_with_keys_is_its_owners_alone() {
    let judged = |mode, uid| {
        let found = Permissions { is_directory: false, uid, mode };
        secret_file("credentials", Path::new("/k"), found, 1000)
    };
    check(&judged(0o600, 1000), Level::Ok, "/k (mode 0600)");
    check(&judged(0o400, 0), Level::Ok, "/k (mode 0400)");
    check(&judged(0o640, 0), Level::Warning, "/k (mode 0640): its group can use its keys");
    let everybody = "/k (mode 0644): everybody on this host can use its keys";
    check(&judged(0o644, 0), Level::Error, everybody);
    check(&judged(0o600, 7), Level::Warning, "/k (mode 0600): belongs to user 7");
}

fn refused(status: u16, code: &str, is_about_credentials: bool) -> Answer {
    Answer::Refused { status, code: code.to_owned(), message: "m".to_owned(), is_about_credentials }
}

#[test]
fn an_endpoint_is_there_when_it_answers_anything() {
    let judged = |answer| reached("command endpoint", "https://e", &answer);
    check(&judged(Answer::Good), Level::Ok, "https://e");
    check(&judged(refused(403, "c", false)), Level::Ok, "https://e");
    let certificate = Answer::Certificate("unknown issuer".to_owned());
    check(&judged(certificate), Level::Error, "https://e: its certificate is not believed: unknown issuer");
    check(&judged(Answer::Unreachable("no route".to_owned())), Level::Error, "https://e: no route");
}

#[test]
fn a_signed_call_tells_a_bad_host_from_a_made_up_deployment() {
    let good = "the service knows this host and its keys";
    check(&signed_call(&Answer::Good), Level::Ok, good);
    check(&signed_call(&refused(400, "ClientException", false)), Level::Ok, good);
    check(&signed_call(&refused(400, "ExpiredToken", true)), Level::Error, "400 ExpiredToken: m");
    check(&signed_call(&refused(403, "AccessDenied", false)), Level::Error, "403 AccessDenied: m");
    check(&signed_call(&refused(500, "InternalFailure", false)), Level::Error, "500 InternalFailure: m");
    check(&signed_call(&Answer::NoKeys("none".to_owned())), Level::Error, "none");
    check(&signed_call(&Answer::Unreachable("no route".to_owned())), Level::Error, "no route");
}

fn directory_fact(found: Option<(bool, u32, u32)>, is_writable: bool) -> DirectoryFact {
    let found = found.map(|(is_directory, uid, mode)| Permissions { is_directory, uid, mode });
    DirectoryFact { path: PathBuf::from("/d"), found, is_writable, free_bytes: None, free_inodes: None }
}

#[test]
fn a_directory_is_the_agents_and_not_everybodys() {
    let judged = |found, is_writable| directory("root_dir", &directory_fact(found, is_writable), 0);
    check(&judged(None, true), Level::Ok, "/d (made when it is needed)");
    check(&judged(None, false), Level::Error, "/d cannot be made");
    check(&judged(Some((true, 0, 0o755)), true), Level::Ok, "/d (mode 0755)");
    check(&judged(Some((true, 0, 0o755)), false), Level::Error, "/d (mode 0755) cannot be written to");
    check(&judged(Some((false, 0, 0o644)), true), Level::Error, "/d is no directory");
    let everybody = "/d (mode 0777): everybody on this host can replace what the agent runs";
    check(&judged(Some((true, 0, 0o777)), true), Level::Error, everybody);
    check(&judged(Some((true, 0, 0o1777)), true), Level::Ok, "/d (mode 1777)");
    check(&judged(Some((true, 7, 0o755)), true), Level::Warning, "/d (mode 0755): belongs to user 7");
}

#[test]
fn there_is_room_for_revisions() {
    let judged = |free_bytes, free_inodes| {
        space("space", &DirectoryFact { free_bytes, free_inodes, ..directory_fact(None, true) })
    };
    check(&judged(Some(1 << 30), None), Level::Ok, "1024 MiB free for /d");
    check(&judged(Some((1 << 30) - 1), None), Level::Warning, "1023 MiB free for /d");
    check(&judged(Some(64 << 20), None), Level::Warning, "64 MiB free for /d");
    check(&judged(Some((64 << 20) - 1), None), Level::Error, "63 MiB free for /d");
    check(&judged(Some(1 << 31), Some(0)), Level::Error, "2048 MiB free for /d");
    check(&judged(Some(1 << 31), Some(9)), Level::Warning, "2048 MiB free for /d, and only 9 files more");
    check(&judged(Some(1 << 31), Some(10_000)), Level::Ok, "2048 MiB free for /d");
    check(&judged(None, None), Level::Warning, "/d: the file system does not say how much is free");
}

#[test]
fn one_agent_runs_and_no_other() {
    let judged = |running, others: &[i32]| agents(&Agents { running, others: others.to_vec() });
    check(&judged(Some(7), &[]), Level::Ok, "PID 7");
    check(&judged(None, &[]), Level::Warning, "none runs");
    let other = "another agent runs as PID 9: if it is the same host's, both take its commands";
    check(&judged(Some(7), &[9]), Level::Warning, other);
}

#[test]
fn what_earlier_runs_left_is_for_the_next_start() {
    let judged = |n_journals, n_reports, n_tracked, n_stale, is_running| {
        leftovers(&Leftovers { n_journals, n_reports, n_tracked, n_stale }, is_running)
    };
    check(&judged(0, 0, 0, 0, false), Level::Ok, "none");
    let running = "1 interrupted or running Installs; 2 commands that run, or ran when the agent died";
    check(&judged(1, 0, 2, 0, true), Level::Ok, running);
    check(&judged(1, 0, 2, 0, false), Level::Warning, running);
    check(&judged(0, 3, 0, 0, true), Level::Warning, "3 reports that the service has not taken");
    check(&judged(0, 0, 0, 1, true), Level::Warning, "1 tracking files older than a day");
}

#[test]
fn keys_without_effect_are_named() {
    check(&configuration(Path::new("/c"), &[]), Level::Ok, "/c");
    let ignored = ["a".to_owned(), "b".to_owned()];
    let detail = "/c: keys without effect here: a, b";
    check(&configuration(Path::new("/c"), &ignored), Level::Warning, detail);
}

#[test]
fn the_worst_decides() {
    let (ok, warning) = (Finding::ok("a", ""), Finding::warning("b", "", ""));
    let error = Finding::error("c", "", "");
    assert_eq!(worst(&[]), Level::Ok);
    assert_eq!(worst(&[ok.clone(), warning.clone()]), Level::Warning);
    assert_eq!(worst(&[warning, error, ok]), Level::Error);
}

#[test]
fn a_signer_file_is_readable_and_has_a_month_left() {
    let judged = |days: Result<i64, &str>| signer(Path::new("/s"), &days.map_err(str::to_owned));
    check(&judged(Ok(30)), Level::Ok, "/s, for 30 days more");
    check(&judged(Ok(29)), Level::Warning, "/s expires in 29 days");
    check(&judged(Ok(-1)), Level::Error, "/s has expired");
    check(&judged(Err("no")), Level::Error, "/s: no");
}
