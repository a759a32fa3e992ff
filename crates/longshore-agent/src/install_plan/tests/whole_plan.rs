//! What only the whole plan shows: room, what can be read, and all that stands in the way.

use super::*;

#[test]
fn what_cannot_be_read_is_found_before_anything_is_touched() {
    check("/r/secret", "secret>/x", "Permission denied - /r/secret");
    check("/r/d/a /r/d/secret", "d>/x", "Permission denied - /r/d/secret");
    check_as("RETAIN", "/r/d/secret /x/secret", "d>/x", "");
}

#[test]
fn copies_must_fit_on_their_file_systems() {
    let no_space = |path: &str, needed: u64, available: u64| {
        format!(
            "The deployment failed because there is not enough space on the file system at {path}: the files of the revision need {needed} bytes, and {available} bytes are available."
        )
    };
    check("/r/d/f100 /small/", "d>/small", "/r/d/f100>/small/f100");
    check("/r/d/f101 /small/", "d>/small", &no_space("/small", 110, 100));
    check("/r/d/f5 /r/d/e/f91 /small/", "d>/small/x", &no_space("/small", 110, 100));
    check(
        "/r/d/f999 /r/f1 /small/",
        "d>/x f1>/small/y",
        "mkdir /x, /r/d/f999>/x/f999, mkdir /small/y, /r/f1>/small/y/f1",
    );
    check("/r/d/l999->f /tiny/", "d>/tiny", "/r/d/l999>@/tiny/l999");
    check("/r/f1 /tiny/", "f1>/tiny", &no_space("/tiny", 10, 1));
    // What goes away later makes no room now.
    let case = Case { host: "/r/d/f101 /small/f101", cleanup: "/small/f101", ..CASE };
    case.check(&files("d>/small"), &no_space("/small", 110, 100));
}

#[track_caller]
fn check_survey(host: &str, sections: &str, expected_plan: &str, expected_errors: &[&str]) {
    let text = format!("version: 0.0\nos: linux\n{sections}");
    let appspec = AppSpec::parse(&text, Platform::Linux).expect("a valid AppSpec");
    let request = PlanRequest {
        archive_dir: Path::new("/r"),
        appspec: &appspec,
        deployment_behavior: "DISALLOW",
        cleanup: &[],
        working_dir: Path::new("/srv"),
    };
    let (plan, errors) = survey(&request, &Memory::new(host));
    assert_eq!(plan.entries.len(), plan.instructions.len());
    let shown = plan.instructions.iter().zip(&plan.entries);
    let shown = shown.map(|(instruction, entry)| format!("{entry}: {}", show(instruction)));
    assert_eq!(shown.collect::<Vec<_>>().join(", "), expected_plan, "{sections}");
    let last = |error: &PlanError| error.to_string().split(' ').next_back().unwrap_or_default().to_owned();
    assert_eq!(errors.iter().map(last).collect::<Vec<_>>(), expected_errors, "{sections}");
}

#[test]
fn a_survey_goes_on_after_what_stands_in_the_way() {
    check_survey(
        "/r/d/a /r/d/b /r/d/p| /r/d/secret /r/d/c /r/f /x/a /x/b /y",
        &files("d>/x nothing>/x f>/y f>/z f>~/x f>/z"),
        "0: /r/d/c>/x/c, 3: mkdir /z, 3: /r/f>/z/f",
        &["/x/a", "/x/b", "/r/d/p", "/r/d/secret", "/r/nothing", "/y", "again.", "again."],
    );
    let permissions = "permissions:\n  - {object: /x, owner: eve, group: eve, mode: '7', type: file}\n  - {object: /x/a, mode: '7'}\n  - {object: /x/b, mode: '7', pattern: '*'}\n  - {object: /x, type: directory, mode: '1'}\n";
    check_survey(
        "/r/d/a /r/d/b /r/d/e/",
        &format!("{}{permissions}", files("d>/x")),
        "0: mkdir /x, 0: /r/d/a>/x/a, 0: /r/d/b>/x/b, 0: mkdir /x/e, 0: 007 /x/a, 0: 007 /x/b, 3: 001 /x/e",
        &["eve", "eve", "again.", "again."],
    );
}

#[test]
fn a_survey_tells_what_stays() {
    let case = Case { host: "/r/d/a /r/d/e/b /x/a /x/e/", behavior: "RETAIN", ..CASE };
    let plan = case.plan(&files("d>/x")).expect("plan");
    let kept = Kept { source: "/r/d/a".into(), target: "/x/a".into(), entry: 0 };
    assert_eq!(plan.kept, [kept]);
    let paths: Vec<&Path> = plan.existing_directories.iter().map(|directory| &*directory.path).collect();
    assert_eq!(paths, [Path::new("/x"), Path::new("/x/e")]);
}
