//! One line per rule of agent.md §6.

use super::*;

/// Shows an AppSpec as `event=scripts | source>destination | permissions | behaviour`, or the error.
fn show(text: &str) -> String {
    match AppSpec::parse(text, Platform::Linux) {
        Ok(spec) => {
            let hooks: Vec<String> = spec.hooks.iter().map(show_hook).collect();
            let files: Vec<String> =
                spec.files.iter().map(|file| format!("{}>{}", file.source, file.destination)).collect();
            let permissions: Vec<String> = spec.permissions.iter().map(show_permission).collect();
            let behavior = spec.file_exists_behavior.map_or("-", FileExistsBehavior::as_str);
            format!("{} | {} | {} | {behavior}", hooks.join(" "), files.join(" "), permissions.join(" "))
        }
        Err(error) => error.to_string(),
    }
}

fn show_hook(hook: &Hook) -> String {
    let scripts: Vec<String> = hook
        .scripts
        .iter()
        .map(|script| {
            let user = script.run_as.as_ref().map(|user| format!("@{user}")).unwrap_or_default();
            let sudo = if script.sudo { "!" } else { "" };
            format!("{}:{}{user}{sudo}", script.location, script.timeout.as_secs())
        })
        .collect();
    format!("{}=[{}]", hook.event, scripts.join(","))
}

fn show_permission(permission: &Permission) -> String {
    let types = match (permission.types.files, permission.types.directories) {
        (true, true) => "fd",
        (true, false) => "f",
        (false, true) => "d",
        (false, false) => "",
    };
    format!(
        "{}({};{};{types};{};{};{};{};{})",
        permission.object,
        permission.pattern,
        permission.except.join(","),
        permission.owner.as_deref().unwrap_or("-"),
        permission.group.as_deref().unwrap_or("-"),
        permission.mode.as_ref().map_or("-", Mode::as_str),
        permission.acls.as_ref().map_or(0, Vec::len),
        permission.context.as_ref().map_or("-", |context| context.kind.as_str()),
    )
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(show(text), expected, "AppSpec:\n{text}");
}

/// Checks what follows the two mandatory keys.
#[track_caller]
fn check_rest(rest: &str, expected: &str) {
    check(&format!("version: 0.0\nos: linux\n{rest}"), expected);
}

/// Checks that an error begins like this; the whole texts are compared once each, below.
#[track_caller]
fn check_refused(rest: &str, expected_start: &str) {
    let shown = show(&format!("version: 0.0\nos: linux\n{rest}"));
    assert!(shown.starts_with(expected_start), "got: {shown}\nfor: {rest}");
}

const EMPTY: &str = "The deployment failed because the application specification file was empty. Make sure your AppSpec file defines at minimum the 'version' and 'os' properties.";
const NOTHING: &str = " |  |  | -";
const BAD_HOOKS: &str = "The deployment failed because the hooks section of the application specification file has an invalid structure.";
const BAD_FILES: &str = "The deployment failed because the files section of the application specification file has an invalid structure.";
const BAD_PERMISSIONS: &str = "The deployment failed because the permissions section of the application specification file has an invalid structure.";
const NO_LOCATION: &str = "The deployment failed because the application specification file specifies a script with no location value. Specify the location in the hooks section of the AppSpec file, and then try again.";
const BAD_TIMEOUT: &str = "The deployment failed because an invalid timeout value was provided for a script in the application specification file. Make corrections in the hooks section of the AppSpec file, and then try again.";

fn bad_version(version: &str) -> String {
    format!(
        "The deployment failed because an invalid version value ({version}) was entered in the application specification file. Make sure your AppSpec file specifies \"0.0\" as the version, and then try again."
    )
}

#[test]
fn a_file_without_content_is_empty() {
    for text in ["", "  \n\n", "# only a comment\n", "false", "---\n", "~", "no"] {
        check(text, EMPTY);
    }
}

#[test]
fn every_way_to_write_zero_is_version_zero() {
    for version in ["0.0", "0.00", "0", "-0.0", ".0", "0."] {
        check(&format!("version: {version}\nos: linux"), NOTHING);
    }
}

#[test]
fn other_versions_are_refused_with_what_ruby_prints() {
    check("os: linux", &bad_version(""));
    check("version:\nos: linux", &bad_version(""));
    check("version: 1.0\nos: linux", &bad_version("1.0"));
    check("version: 1\nos: linux", &bad_version("1"));
    check("version: \"0.0\"\nos: linux", &bad_version("0.0"));
    check("version: '0'\nos: linux", &bad_version("0"));
    check("version: yes\nos: linux", &bad_version("true"));
    check("version: [0.0]\nos: linux", &bad_version("[0.0]"));
    check("just words", &bad_version(""));
    check("- a list", &bad_version(""));
}

#[test]
fn os_is_exactly_this_platforms() {
    let refused = |os: &str| {
        format!(
            "The deployment failed because the application specification file specifies an unsupported operating system ({os}). Specify either \"linux\" or \"windows\" in the os section of the AppSpec file, and then try again."
        )
    };
    check("version: 0.0", &refused(""));
    check("version: 0.0\nos: Linux", &refused("Linux"));
    check("version: 0.0\nos: windows", &refused("windows"));
    check("version: 0.0\nos: solaris", &refused("solaris"));
    let windows = AppSpec::parse("version: 0.0\nos: windows", Platform::Windows);
    assert!(windows.is_ok());
}

#[test]
fn version_is_checked_before_os_and_both_before_the_sections() {
    check("hooks: 5", &bad_version(""));
    check_rest("hooks: 5\nfiles: 5\nfile_exists_behavior: x", BAD_HOOKS);
    check_rest("files: 5\npermissions: 5", BAD_FILES);
    check_rest("permissions: 5\nfile_exists_behavior: x", BAD_PERMISSIONS);
}

#[test]
fn yaml_is_read_as_the_original_reads_it() {
    check("\u{feff}version: 0.0\nos: linux", NOTHING);
    check("version: 0.0\r\nos: linux\r\n", NOTHING);
    check("{\"version\": 0.0, \"os\": \"linux\"}", NOTHING);
    check("version: 0.0\nos: linux\n---\nnot: read\n", NOTHING);
    check("version: 1.0\nos: linux\nversion: 0.0", NOTHING);
    check_rest("unknown: [1, 2]\nanother:\n  x: y", NOTHING);
    check_rest("hooks:\nfiles:\npermissions:\nfile_exists_behavior:", NOTHING);
    check_rest("<<: {file_exists_behavior: RETAIN}", " |  |  | RETAIN");
}

#[test]
fn syntax_errors_name_line_and_column() {
    let shown = show("version: 0.0\nos: [linux\nfiles:\n");
    assert!(shown.starts_with("(<unknown>): ") && shown.contains(" at line "), "{shown}");
    check_refused("files:\n\t- x", "(<unknown>): ");
}

#[test]
fn aliases_dates_and_objects_are_refused() {
    check_refused(
        "x: &a 1\ny: *a",
        "(<unknown>): aliases are not allowed in an AppSpec file at line 4 column 4",
    );
    check_refused(
        "x: 2026-01-01",
        "(<unknown>): a date is not allowed in an AppSpec file, put 2026-01-01 in quotes",
    );
    check_refused("x: !ruby/object:Foo {}", "(<unknown>): the tag !ruby/object:Foo is not allowed");
    check_rest("x: '2026-01-01'\ny: :symbol\nz: !!str 5", NOTHING);
}

#[test]
fn nesting_has_a_bound() {
    check_refused(&format!("x: {}{}", "[".repeat(500), "]".repeat(500)), "(<unknown>): ");
}

#[test]
fn file_exists_behavior_is_upper_case() {
    check_rest("file_exists_behavior: DISALLOW", " |  |  | DISALLOW");
    check_rest("file_exists_behavior: OVERWRITE", " |  |  | OVERWRITE");
    check_rest("file_exists_behavior: RETAIN", " |  |  | RETAIN");
    check_rest(
        "file_exists_behavior: retain",
        "The deployment failed because an invalid file_exists_behavior value (retain) was entered in the application specification file. Make sure your AppSpec file specifies one of DISALLOW,OVERWRITE,RETAIN as the file_exists_behavior, and then try again.",
    );
}

/// Source: service.md §6.1, §8.
#[test]
fn hooks_keep_their_order_and_their_defaults() {
    check_rest(
        "hooks:\n  AfterInstall:\n    - location: ' a.sh '\n      timeout: 5\n      runas: ' bob '\n      sudo: true\n    - location: b.sh\n  BeforeInstall: []\n  ApplicationStop:\n",
        "AfterInstall=[a.sh:5@bob!,b.sh:3600] BeforeInstall=[] |  |  | -",
    );
}

#[test]
fn a_repeated_event_has_its_last_scripts() {
    check_rest(
        "hooks:\n  AfterInstall:\n    - location: old\n  AfterInstall:\n    - location: new\n",
        "AfterInstall=[new:3600] |  |  | -",
    );
}

#[test]
fn anything_but_false_is_sudo() {
    check_rest("hooks:\n  X:\n    - {location: a, sudo: 'false'}", "X=[a:3600!] |  |  | -");
    check_rest("hooks:\n  X:\n    - {location: a, sudo: no}", "X=[a:3600] |  |  | -");
    check_rest("hooks:\n  X:\n    - {location: a, sudo: }", "X=[a:3600] |  |  | -");
    check_rest("hooks:\n  X:\n    - {location: a, sudo: 0, runas: }", "X=[a:3600!] |  |  | -");
}

#[test]
fn a_script_needs_a_location() {
    check_rest("hooks:\n  X:\n    - timeout: 5", NO_LOCATION);
    check_rest("hooks:\n  X:\n    - location: ", NO_LOCATION);
    check_rest("hooks:\n  X:\n    - location: '  '", NO_LOCATION);
    check_rest("hooks:\n  X:\n    - location: 5", "X=[5:3600] |  |  | -");
}

#[test]
fn hooks_of_another_shape_are_refused() {
    check_rest("hooks: []", BAD_HOOKS);
    check_rest("hooks: words", BAD_HOOKS);
    check_rest("hooks:\n  X: words", BAD_HOOKS);
    check_rest("hooks:\n  X:\n    location: a", BAD_HOOKS);
    check_rest("hooks:\n  X:\n    - words", BAD_HOOKS);
    check_rest("hooks:\n  X:\n    - location: [a]", BAD_HOOKS);
}

#[test]
fn timeouts_are_converted_as_ruby_does() {
    let ok = |timeout: &str, secs: &str| {
        check_rest(
            &format!("hooks:\n  X:\n    - location: a\n      timeout: {timeout}"),
            &format!("X=[a:{secs}] |  |  | -"),
        );
    };
    for (timeout, secs) in [
        ("", "3600"),
        ("30", "30"),
        ("1.9", "1"),
        ("\"30\"", "30"),
        ("30s", "30"),
        ("1e3", "1"),
        ("1:30", "5400"),
    ] {
        ok(timeout, secs);
    }
    for timeout in ["0", "-1", "0.5", "abc", "\"\"", "true", "no", "[5]", ".nan", ".inf"] {
        check_rest(&format!("hooks:\n  X:\n    - location: a\n      timeout: {timeout}"), BAD_TIMEOUT);
    }
}

#[test]
fn files_need_both_ends() {
    check_rest(
        "files:\n  - source: /\n    destination: /srv/a\n  - source: x/y\n    destination: 1.0",
        " | />/srv/a x/y>1.0 |  | -",
    );
    check_rest(
        "files:\n  - destination: /srv",
        "The deployment failed because the application specification file specifies a destination file, but no source file. Update the files section of the AppSpec file, and then try again.",
    );
    check_rest(
        "files:\n  - source: x",
        "The deployment failed because the application specification file specifies only a source file (x). Add the name of the destination file to the files section of the AppSpec file, and then try again.",
    );
    check_rest("files: x", BAD_FILES);
    check_rest("files: {source: x}", BAD_FILES);
    check_rest("files: [x]", BAD_FILES);
    check_rest("files: [{source: [x], destination: y}]", BAD_FILES);
    check_rest("files: [{source: x, destination: {y: z}}]", BAD_FILES);
}

#[test]
fn permissions_have_defaults() {
    check_rest("permissions:\n  - object: ' /srv '", " |  | /srv(**;;fd;-;-;-;0;-) | -");
    check_rest(
        "permissions:\n  - object: /srv\n    pattern: '*.sh'\n    except: [a, b]\n    type: [file]\n    owner: bob\n    group: 12\n    mode: '4755'\n    acls: ['u:bob:rw', 'm:7']\n    context: {user: u, type: t, range: s0}",
        " |  | /srv(*.sh;a,b;f;bob;12;4755;2;t) | -",
    );
}

#[test]
fn type_and_except_may_be_single_values() {
    check_rest(
        "permissions:\n  - {object: /s, type: directory, except: x}",
        " |  | /s(**;x;d;-;-;-;0;-) | -",
    );
    check_rest("permissions:\n  - {object: /s, type: []}", " |  | /s(**;;;-;-;-;0;-) | -");
}

#[test]
fn permissions_of_another_shape_are_refused() {
    check_rest("permissions: {object: /s}", BAD_PERMISSIONS);
    check_rest("permissions: [words]", BAD_PERMISSIONS);
    check_rest("permissions: [{object: [x]}]", BAD_PERMISSIONS);
    check_rest("permissions: [{object: x, acls: 'u:b:7'}]", BAD_PERMISSIONS);
    check_rest("permissions: [{object: x, context: t}]", BAD_PERMISSIONS);
    check_rest("permissions: [{object: x, mode: [7]}]", BAD_PERMISSIONS);
    check_rest("permissions: [{object: x, except: [[y]]}]", BAD_PERMISSIONS);
}

#[test]
fn a_permission_needs_an_object() {
    let expected = "The deployment failed because a permission listed in the application specification file has no object value. Update the permissions section of the AppSpec file, and then try again.";
    check_rest("permissions: [{mode: '7'}]", expected);
    check_rest("permissions: [{object: ' '}]", expected);
}

#[test]
fn object_types_are_file_and_directory() {
    check_rest(
        "permissions: [{object: x, type: [file, link]}]",
        "The deployment failed because the application specification filespecifies a permission for an object type not supported for permissions (link). Update the permissions section of the AppSpec file, and then try again.",
    );
}

#[test]
fn modes_are_padded_and_taken_as_written() {
    let ok = |mode: &str, expected: &str| {
        check_rest(
            &format!("permissions: [{{object: x, mode: {mode}}}]"),
            &format!(" |  | x(**;;fd;-;-;{expected};0;-) | -"),
        );
    };
    ok("5", "005");
    ok("'44'", "044");
    ok("755", "755");
    ok("0644", "0644");
    ok("0755", "0755");
    ok("04755", "4755");
    ok("'0000'", "0000");
}

#[test]
fn bad_modes_are_refused() {
    check_rest(
        "permissions: [{object: x, mode: '00644'}]",
        "The deployment failed because the length of a permissions mode (00644) in the application specification file is invalid. Permissions modes must be between one and four characters long. Update the permissions section of the AppSpec file, and then try again.",
    );
    check_rest(
        "permissions: [{object: x, mode: '8'}]",
        "The deployment failed because the permissions mode (008) in the application specification file contains an invalid character (8). Update the permissions section of the AppSpec file, and then try again.",
    );
    check_refused(
        "permissions: [{object: x, mode: u+x}]",
        "The deployment failed because the permissions mode (u+x)",
    );
    check_refused(
        "permissions: [{object: x, mode: -755}]",
        "The deployment failed because the permissions mode (-755)",
    );
}

#[test]
fn mode_bits_are_octal() {
    let bits = |text: &str| Mode::parse(text).map(|mode| mode.bits());
    assert_eq!(bits("0644"), Ok(0o644));
    assert_eq!(bits("4755"), Ok(0o4755));
    assert_eq!(bits("7"), Ok(0o007));
    assert_eq!(bits("0000"), Ok(0));
}

#[test]
fn a_context_needs_a_type() {
    check_rest(
        "permissions: [{object: x, context: {name: u}}]",
        "The deployment failed because the application specification file specifies an invalid context type ({\"name\"=>\"u\"}). Update the permissions section of the AppSpec file, and then try again.",
    );
    check_rest("permissions: [{object: x, context: {type: t}}]", " |  | x(**;;fd;-;-;-;0;t) | -");
    check_refused(
        "permissions: [{object: x, context: {type: t, range: s2-s1}}]",
        "The deployment failed because of a problem with the SELinux range specified (s2-s1)",
    );
}

#[test]
fn the_key_name_wins_over_user_in_a_context() {
    let spec = AppSpec::parse(
        "version: 0.0\nos: linux\npermissions: [{object: x, context: {user: a, name: b, type: t}}]",
        Platform::Linux,
    );
    let spec = spec.expect("valid");
    assert_eq!(spec.permissions[0].context.as_ref().and_then(|context| context.user.as_deref()), Some("b"));
}

#[test]
fn permissions_are_not_for_windows() {
    let text = "version: 0.0\nos: windows\npermissions: [{object: x}]";
    let refused = AppSpec::parse(text, Platform::Windows).map_err(|fault| fault.rule);
    assert_eq!(refused, Err(AppSpecError::PermissionsOnWindows));
    assert!(AppSpec::parse("version: 0.0\nos: windows\npermissions: []", Platform::Windows).is_ok());
}

#[track_caller]
fn check_warnings(rest: &str, expected: &[&str]) {
    let spec = AppSpec::parse(&format!("version: 0.0\nos: linux\n{rest}"), Platform::Linux).expect("valid");
    let place = |at: Position| format!("{}:{}", at.line, at.column);
    let shown: Vec<String> =
        spec.warnings.iter().map(|warning| format!("{} {warning}", place(warning.at()))).collect();
    assert_eq!(shown, expected, "{rest}");
}

#[test]
fn suspicious_things_are_warned_about() {
    check_warnings(
        "hooks:\n  afterinstall: []\n  AfterInstall: []\npermissions:\n  - object: x\n    mode: 0644\n  - object: y\n    mode: '0644'\n  - object: z\n    mode: 644\n",
        &[
            "4:3 hooks has an unknown lifecycle event on line 4, which never runs: afterinstall",
            "8:11 mode 0644 on line 8 has no quotes: taken as written, but other YAML readers see an octal number",
        ],
    );
}

#[test]
fn keys_that_nothing_reads_and_keys_that_stand_twice_are_warned_about() {
    check_warnings(
        "file: []\nos: linux\n",
        &[
            "4:1 a key stands twice, only the one on line 4 counts: os",
            "3:1 the file on line 3 has a key that nothing reads: file",
        ],
    );
    check_warnings(
        "files:\n  - source: a\n    destination: b\n    overwrite: yes\n",
        &["6:5 the files entry on line 6 has a key that nothing reads: overwrite"],
    );
    check_warnings(
        "hooks:\n  AfterInstall:\n    - location: a\n      runAs: bob\n  AfterInstall:\n    - {location: a, timeout: 1, timeout: 2}\n",
        &[
            "7:3 a key stands twice, only the one on line 7 counts: AfterInstall",
            "6:7 the script on line 6 has a key that nothing reads: runAs",
            "8:33 a key stands twice, only the one on line 8 counts: timeout",
        ],
    );
    check_warnings(
        "permissions:\n  - object: x\n    modes: '5'\n    context: {type: t, kind: u}\n",
        &[
            "5:5 the permissions entry on line 5 has a key that nothing reads: modes",
            "6:24 the context on line 6 has a key that nothing reads: kind",
        ],
    );
}

/// Checks where the rule was broken: line and column, counted from 1.
#[track_caller]
fn check_place(text: &str, expected: Option<(usize, usize)>) {
    let fault = AppSpec::parse(text, Platform::Linux).expect_err(text);
    assert_eq!(fault.at.map(|at| (at.line, at.column)), expected, "{fault}\n{text}");
}

#[test]
fn a_broken_rule_has_a_place() {
    check_place("", None);
    check_place("os: linux\n", None);
    check_place("version: 1.0\nos: linux\n", Some((1, 10)));
    check_place("\u{feff}version: 1.0\nos: linux\n", Some((1, 10)));
    check_place("version: 0.0\r\nos: Linux\r\n", Some((2, 5)));
    let table = [
        ("file_exists_behavior: retain", (3, 23)),
        ("file_exists_behavior: [x]", (3, 23)),
        ("hooks: 5", (3, 8)),
        ("hooks:\n  X: words", (4, 6)),
        ("hooks:\n  X:\n    - words", (5, 7)),
        ("hooks:\n  X:\n    - timeout: 5", (5, 7)),
        ("hooks:\n  X:\n    - location: ' '", (5, 17)),
        ("hooks:\n  X:\n    - location: a\n      timeout: abc", (6, 16)),
        ("files: x", (3, 8)),
        ("files:\n  - destination: x", (4, 5)),
        ("files:\n  - source: x", (4, 5)),
        ("files:\n  - source: [x]", (4, 13)),
        ("permissions: x", (3, 14)),
        ("permissions:\n  - mode: 5", (4, 5)),
        ("permissions:\n  - object: ' '", (4, 13)),
        ("permissions:\n  - object: x\n    mode: 888", (5, 11)),
        ("permissions:\n  - object: x\n    type: [link]", (5, 11)),
        ("permissions:\n  - object: x\n    acls:\n      - a:b:c:d:e", (6, 9)),
        ("permissions:\n  - object: x\n    context: {name: u}", (5, 14)),
        ("permissions:\n  - object: x\n    context: {type: t, range: s2-s1}", (5, 31)),
        ("x: 2026-01-01", (3, 4)),
        ("x: &a 1\ny: *a", (4, 4)),
        ("\u{e9}: [\u{e9}, 2026-01-01]", (3, 8)),
    ];
    for (rest, place) in table {
        check_place(&format!("version: 0.0\nos: linux\n{rest}\n"), Some(place));
    }
}

#[track_caller]
fn check_events(hooks: &str, all: &[&str], expected: &str) {
    let text = format!("version: 0.0\nos: linux\nhooks: {hooks}");
    let spec = AppSpec::parse(&text, Platform::Linux).expect("valid");
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    let shown = match spec.check_lifecycle_events("appspec.yml", &all) {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected, "{hooks}");
}

#[test]
fn hooks_must_be_events_of_the_deployment_when_it_lists_them() {
    let with_custom: Vec<&str> = DEFAULT_EVENTS.into_iter().chain(["Warm"]).collect();
    check_events("{AfterInstall: []}", &DEFAULT_EVENTS, "ok");
    check_events(
        "{A: [], AfterInstall: [], B: []}",
        &DEFAULT_EVENTS,
        "appspec.yml file contains unknown lifecycle events: [\"A\", \"B\"]",
    );
    check_events("{Warm: []}", &with_custom, "ok");
    check_events(
        "{AfterInstall: []}",
        &with_custom,
        "You specified a lifecycle event which is not a default one and doesn't exist in your appspec.yml file: Warm",
    );
    check_events(
        "{}",
        &DEFAULT_EVENTS[..10],
        "appspec.yml file contains unknown lifecycle events: [\"AfterAllowTraffic\"]",
    );
}
