//! Evidence of a failed command in words, for somebody who has to mend it at this host.

use std::fs;

use longshore_model::evidence::{Evidence, FoundEntry};

use super::excerpt;

/// The evidence in lines, most of them with what helps.
pub(super) fn lines(evidence: &Evidence) -> Vec<String> {
    match evidence {
        Evidence::PathOccupied { path, found, recorded_by } => occupied(path, found, recorded_by),
        Evidence::SystemRefusal { path, errno, name } => {
            let path = path.as_deref().unwrap_or("no file in particular");
            vec![format!("the system refused: {name} (error {errno}) at {path}")]
        }
        Evidence::RuleBroken { rule, subjects } => {
            vec![format!("the rule {rule} was broken by: {}", subjects.join(", "))]
        }
        Evidence::AppSpecInvalid { path, line, column, .. } => appspec(path, *line, *column),
        Evidence::UnknownAccount { name, account_kind } => vec![
            format!("this host has no {account_kind} called {name}"),
            format!("hint: create the {account_kind}, or name another one in the AppSpec"),
        ],
        Evidence::ScriptNotStarted { location, path, errno } => {
            let why = errno.map(|errno| format!(" (error {errno})")).unwrap_or_default();
            vec![format!("the script {location} could not be started{why}: {path}")]
        }
        Evidence::ScriptEnded { .. } => script_ended(evidence),
        Evidence::OutputHeld { location, stream, pid, command_line } => vec![
            format!("process {pid} keeps the {stream} of {location} open: {command_line}"),
            "hint: redirect the three streams of what a script leaves in the background: \
             `daemon </dev/null >daemon.log 2>&1 &`"
                .to_owned(),
        ],
        Evidence::HttpRefusal { subject, status, code, request_id } => {
            let code = code.as_deref().unwrap_or("no code");
            let request_id = request_id.as_deref().unwrap_or("none");
            vec![format!("{subject} answered {status} ({code}), request id {request_id}")]
        }
        Evidence::Unreachable { subject, detail } => vec![format!("{subject} cannot be reached: {detail}")],
        Evidence::BundleDiffers { property, expected, actual } => {
            vec![format!("the bundle's {property} is {actual}, expected {expected}")]
        }
        Evidence::NoSpace { file_system, needed_bytes, available_bytes } => vec![
            format!("{file_system} has {available_bytes} bytes left, and {needed_bytes} are needed"),
            "hint: make room there; what the previous revision takes becomes free only afterwards".to_owned(),
        ],
        Evidence::ProgramFailed { command, exit_code, output, .. } => {
            let ended = exit_code.map_or("did not start".to_owned(), |code| format!("ended with {code}"));
            vec![format!("the program `{}` {ended}: {output}", command.join(" "))]
        }
        Evidence::ArchiveDamaged { format, member, detail } => {
            let at = member.as_ref().map(|member| format!(" at {member}")).unwrap_or_default();
            vec![
                format!("the bundle cannot be read as {format}{at}: {detail}"),
                "hint: look whether it is whole, and of the type that --type names".to_owned(),
            ]
        }
        other => vec![serde_json::to_string(other).unwrap_or_default()],
    }
}

fn occupied(path: &str, found: &FoundEntry, recorded_by: &[String]) -> Vec<String> {
    let FoundEntry { entry_kind, uid, owner, gid, group, mode, size_bytes, modified_epoch_secs } = found;
    let owner = owner.clone().unwrap_or_else(|| uid.to_string());
    let group = group.clone().unwrap_or_else(|| gid.to_string());
    let changed = jiff::Timestamp::from_second(*modified_epoch_secs).unwrap_or_default();
    let mut lines = vec![format!(
        "{path} is a {entry_kind} of {owner}:{group}, mode {mode}, {size_bytes} bytes, changed {changed}"
    )];
    if recorded_by.is_empty() {
        lines.push("no deployment on this host has put it there".to_owned());
    } else {
        lines.push(format!("put there by deployment group {}", recorded_by.join(", ")));
        lines.push(
            "hint: deploy to that group (--deployment-group), whose files are then replaced".to_owned(),
        );
    }
    let remedies = match entry_kind.as_str() {
        // A file never takes the place of a folder.
        "directory" => "RETAIN (keep it)",
        _ => "OVERWRITE (replace it) or RETAIN (keep it)",
    };
    lines.push(format!("hint: remove it, or choose --file-exists-behavior {remedies}"));
    lines
}

fn appspec(path: &str, line: Option<u64>, column: Option<u64>) -> Vec<String> {
    let Some(line) = line else { return vec![path.to_owned()] };
    let mut lines = vec![format!("{path}:{line}:{}", column.unwrap_or(1))];
    // It was readable a moment ago; without its lines the place says enough.
    let bytes = fs::read(path).unwrap_or_default();
    lines.extend(excerpt::around(&String::from_utf8_lossy(&bytes), line, column));
    lines
}

fn script_ended(evidence: &Evidence) -> Vec<String> {
    let Evidence::ScriptEnded { location, run_as, exit_code, signal, timeout_secs, output } = evidence else {
        return Vec::new();
    };
    let user = run_as.as_ref().map(|user| format!(" (as {user})")).unwrap_or_default();
    let how = match (timeout_secs, signal, exit_code) {
        (Some(secs), ..) => format!("was ended because it ran longer than {secs} s"),
        (None, Some(signal), _) => format!("was ended by signal {signal}"),
        (None, None, Some(code)) => format!("ended with exit code {code}"),
        (None, None, None) => "ended badly".to_owned(),
    };
    let mut lines = vec![format!("the script {location}{user} {how}")];
    lines.extend(output.as_ref().map(|output| format!("its output: {}", output.path)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(evidence: &Evidence, expected: &[&str]) {
        assert_eq!(lines(evidence), expected);
    }

    #[test]
    fn an_occupied_path_says_what_is_there_and_who_put_it() {
        let found = FoundEntry {
            entry_kind: "file".to_owned(),
            uid: 0,
            owner: Some("root".to_owned()),
            gid: 4711,
            group: None,
            mode: "0644".to_owned(),
            size_bytes: 12,
            modified_epoch_secs: 0,
        };
        let hint =
            "hint: remove it, or choose --file-exists-behavior OVERWRITE (replace it) or RETAIN (keep it)";
        let what = "/srv/a is a file of root:4711, mode 0644, 12 bytes, changed 1970-01-01T00:00:00Z";
        let occupied = |recorded_by: &[&str]| Evidence::PathOccupied {
            path: "/srv/a".to_owned(),
            found: found.clone(),
            recorded_by: recorded_by.iter().map(ToString::to_string).collect(),
        };
        check(&occupied(&[]), &[what, "no deployment on this host has put it there", hint]);
        let deploy = "hint: deploy to that group (--deployment-group), whose files are then replaced";
        check(&occupied(&["g-1"]), &[what, "put there by deployment group g-1", deploy, hint]);
        let folder = Evidence::PathOccupied {
            path: "/srv/a".to_owned(),
            found: FoundEntry { entry_kind: "directory".to_owned(), ..found.clone() },
            recorded_by: Vec::new(),
        };
        let hint = "hint: remove it, or choose --file-exists-behavior RETAIN (keep it)";
        assert_eq!(lines(&folder).last().map(String::as_str), Some(hint));
    }

    #[test]
    fn an_invalid_appspec_is_shown_around_the_place() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("appspec.yml");
        fs::write(&path, "version: 0.0\nos: Linux\n").expect("write");
        let path = path.to_str().expect("text");
        let at = |line, column| Evidence::AppSpecInvalid {
            path: path.to_owned(),
            line,
            column,
            detail: String::new(),
        };
        let head = format!("{path}:2:5");
        let lines = [&head, "  1 | version: 0.0", "> 2 | os: Linux", "    |     ^"];
        check(&at(Some(2), Some(5)), &lines);
        check(&at(None, None), &[path]);
    }

    #[test]
    fn a_script_that_ended_says_how() {
        let ended = |exit_code, signal, timeout_secs| Evidence::ScriptEnded {
            location: "s.sh".to_owned(),
            run_as: Some("bob".to_owned()),
            exit_code,
            signal,
            timeout_secs,
            output: None,
        };
        check(&ended(Some(3), None, None), &["the script s.sh (as bob) ended with exit code 3"]);
        check(&ended(None, Some(9), None), &["the script s.sh (as bob) was ended by signal 9"]);
        let late = "the script s.sh (as bob) was ended because it ran longer than 5 s";
        check(&ended(None, Some(15), Some(5)), &[late]);
    }
}
