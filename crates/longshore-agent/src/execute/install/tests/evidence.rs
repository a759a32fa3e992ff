//! What was seen when an Install was refused. Source: failures.md §2.

use super::*;

/// The evidence of an Install that fails.
fn evidence(request: &InstallRequest) -> Vec<Evidence> {
    let error = install(request).expect_err("refused");
    error.evidence()
}

#[track_caller]
fn check_occupied(host: &Host, request: &InstallRequest, name: &str, kind: &str, groups: &[&str]) {
    let evidence = evidence(request);
    let Some(Evidence::PathOccupied { path, found, recorded_by }) = evidence.first() else {
        panic!("{evidence:?}");
    };
    assert_eq!(*path, host.path(name).display().to_string());
    assert_eq!(
        (found.entry_kind.as_str(), recorded_by.iter().map(String::as_str).collect()),
        (kind, groups.to_vec())
    );
    let metadata = fs::symlink_metadata(path).expect("stat");
    assert_eq!((found.uid, found.gid), (metadata.uid(), metadata.gid()));
    assert_eq!(found.mode, format!("{:04o}", metadata.mode() & 0o7777));
    assert_eq!((found.size_bytes, found.modified_epoch_secs), (metadata.len(), metadata.mtime()));
    if found.uid == 0 {
        assert_eq!(found.owner.as_deref(), Some("root"));
    }
}

#[test]
fn a_file_of_nobody_is_described() {
    let host = Host::new();
    write(&host.srv(), "app/f=foreign");
    fs::set_permissions(host.path("app/f"), fs::Permissions::from_mode(0o4640)).expect("mode");
    check_occupied(&host, &host.revision("d/f=1", ALL_TO_APP), "app/f", "file", &[]);
    write(&host.srv(), "app/l->nowhere");
    check_occupied(&host, &host.revision("d/l=1", ALL_TO_APP), "app/l", "symlink", &[]);
    let mut request = host.revision("d/x=1", "files: [{source: d/x, destination: SRV}]");
    write(&host.srv(), "x/");
    request.file_exists_behavior = "OVERWRITE".to_owned();
    check_occupied(&host, &request, "x", "directory", &[]);
    check_occupied(&host, &host.revision("d/f/g=1", ALL_TO_APP), "app/f", "file", &[]);
    let below_a_file = host.revision("d/g=1", "files: [{source: d/g, destination: SRV/app/f}]");
    check_occupied(&host, &below_a_file, "app/f", "file", &[]);
}

#[test]
fn files_of_other_groups_name_them() {
    let host = Host::new();
    for group in ["one", "two"] {
        let mut request = host.revision("d/f=1", ALL_TO_APP);
        request.deployment_group_id = group.to_owned();
        request.file_exists_behavior = "OVERWRITE".to_owned();
        install(&request).expect("install");
    }
    check_occupied(&host, &host.revision("d/f=1", ALL_TO_APP), "app/f", "file", &["one", "two"]);
    // Both lists of a group name it, and each is enough.
    let dir = instructions_dir(&host.root());
    fs::remove_file(dir.join("one-cleanup")).expect("remove");
    fs::write(dir.join("two-install.json"), "{\"instructions\":[{\"type\":\"mk").expect("damage");
    fs::write(dir.join(".three-cleanup.next"), format!("{}\n", host.path("app/f").display())).expect("write");
    check_occupied(&host, &host.revision("d/f=1", ALL_TO_APP), "app/f", "file", &["one", "two"]);
    fs::remove_file(dir.join("two-cleanup")).expect("remove");
    check_occupied(&host, &host.revision("d/f=1", ALL_TO_APP), "app/f", "file", &["one"]);
}

#[track_caller]
fn check_rule(host: &Host, files: &str, sections: &str, rule: &str, subjects: &[&str]) {
    let request = host.revision(files, sections);
    let [Evidence::RuleBroken { rule: broken, subjects: seen }] = &evidence(&request)[..] else {
        panic!("{sections}: {:?}", evidence(&request));
    };
    let archive = request.archive_dir.display().to_string();
    let srv = host.srv().display().to_string();
    let seen: Vec<String> =
        seen.iter().map(|seen| seen.replace(&archive, "REV").replace(&srv, "SRV")).collect();
    assert_eq!((broken.as_str(), seen), (rule, subjects.iter().map(ToString::to_string).collect()));
}

#[test]
fn broken_rules_are_named_with_what_they_are_about() {
    let host = Host::new();
    let two = "files: [{source: d/f, destination: SRV/x}, {source: e/f, destination: SRV/x}]";
    check_rule(&host, "d/f=1 e/f=2", two, "two_sources", &["SRV/x/f", "REV/d/f", "REV/e/f"]);
    let onto = "files: [{source: d, destination: SRV/x}, {source: e/f, destination: SRV/x}]";
    check_rule(&host, "d/f/g=1 e/f=2", onto, "file_onto_directory", &["SRV/x/f", "REV/e/f"]);
    let onto = "files: [{source: e/f, destination: SRV/x}, {source: d, destination: SRV/x}]";
    check_rule(&host, "d/f/g=1 e/f=2", onto, "directory_onto_file", &["SRV/x/f", "REV/e/f"]);
    check_rule(&host, "d/up->..", ALL_TO_APP, "link_loop", &["REV/d/up"]);
    check_rule(&host, "f=1", "files: [{source: f, destination: ~/x}]", "home_directory", &["~/x"]);
    let permissions = |entry: &str| format!("{ALL_TO_APP}\npermissions: [{{object: SRV/app/f, {entry}}}]");
    check_rule(&host, "d/f=1", &permissions("pattern: '*'"), "pattern_on_file", &["SRV/app/f", "*"]);
    check_rule(&host, "d/f=1", &permissions("except: [g]"), "except_on_file", &["SRV/app/f", "g"]);
    check_rule(&host, "d/f=1", &permissions("acls: ['d:0:7']"), "default_acl_on_file", &["SRV/app/f"]);
    let role = permissions("context: {type: t, role: r}");
    check_rule(&host, "d/f=1", &role, "selinux_role", &["SRV/app/f", "r"]);
    let twice = format!("{ALL_TO_APP}\npermissions: [{{object: SRV/app/f}}, {{object: SRV/app}}]");
    check_rule(&host, "d/f=1", &twice, "permission_twice", &["SRV/app/f"]);
}

#[test]
fn hooks_that_do_not_fit_are_named() {
    let host = Host::new();
    let mut request = host.revision("d/a=1", "hooks: {Bogus: []}");
    request.all_possible_lifecycle_events =
        Some(longshore_model::appspec::DEFAULT_EVENTS.map(str::to_owned).to_vec());
    let rule = "unknown_lifecycle_event".to_owned();
    assert_eq!(evidence(&request), [Evidence::RuleBroken { rule, subjects: vec!["Bogus".to_owned()] }]);
}

#[test]
fn unknown_accounts_are_named() {
    let host = Host::new();
    for (entry, account_kind) in
        [("owner: no-such", "user"), ("group: no-such", "group"), ("acls: ['g:no-such:7']", "group")]
    {
        let sections = format!("{ALL_TO_APP}\npermissions: [{{object: SRV/app/f, {entry}}}]");
        let expected =
            Evidence::UnknownAccount { name: "no-such".to_owned(), account_kind: account_kind.to_owned() };
        assert_eq!(evidence(&host.revision("d/f=1", &sections)), [expected]);
    }
}

#[test]
fn refusals_of_the_system_have_their_number() {
    let host = Host::new();
    let request = host.revision("d/f=1", "files: [{source: nothing, destination: SRV}]");
    let path = request.archive_dir.join("nothing").display().to_string();
    let name = "ENOENT".to_owned();
    assert_eq!(evidence(&request), [Evidence::SystemRefusal { path: Some(path), errno: 2, name }]);
}

#[test]
fn a_journal_of_another_version_fails_its_group_and_keeps_no_other_from_its_recovery() {
    let host = Host::new();
    let files = "files:\n  - source: f\n    destination: SRV\n";
    install(&host.revision("f=1", files)).expect("install");
    let foreign = instructions_dir(&host.root()).join("group-install.journal");
    fs::write(&foreign, "longshore install journal 9\0").expect("write");
    let torn =
        ["a-install.journal", "z-install.journal"].map(|name| instructions_dir(&host.root()).join(name));
    for path in &torn {
        fs::write(path, "longshore install jou").expect("write");
    }

    let refused = recover(&host.root()).expect_err("another version's");
    assert!(matches!(refused, InstallError::JournalVersion { .. }), "{refused}");
    assert!(foreign.exists() && torn.iter().all(|path| !path.exists()));
    let request = InstallRequest { file_exists_behavior: "OVERWRITE".into(), ..host.revision("f=2", files) };
    let refused = install(&request).expect_err("another version's");
    let subjects = vec![foreign.display().to_string(), "longshore install journal 9".to_owned()];
    let rule = "unknown_journal_version".to_owned();
    assert_eq!(refused.evidence(), [Evidence::RuleBroken { rule, subjects }]);
    assert!(foreign.exists());
    assert_eq!(host.shown(), "f=1");
}
