//! What a preview tells, and that it changes nothing.

use super::*;

/// Short words for the change and what it comes to.
fn word(path: &PathPreview) -> String {
    let change = serde_json::to_value(path.change).expect("a word");
    let change = change.as_str().expect("text").to_owned();
    let causes: Vec<String> = path
        .causes
        .iter()
        .map(|cause| match cause {
            Cause::Files { entry, .. } => format!("f{entry}"),
            Cause::Permissions { entry, .. } => format!("p{entry}"),
            Cause::Cleanup { .. } => "cleanup".to_owned(),
        })
        .collect();
    let link = path.link_text.as_ref().map(|text| format!("->{text}")).unwrap_or_default();
    format!("{change} {}{link} {} {}", path.entry_kind, path.mode, causes.join("+"))
}

/// The preview as `name: word`, which must leave the host as it is.
#[track_caller]
fn check(host: &Host, request: &InstallRequest, expected: &[(&str, &str)]) -> Preview {
    let preview = harmless_preview(host, request);
    let srv = host.srv().display().to_string();
    let shown: Vec<(String, String)> =
        preview.paths.iter().map(|path| (path.path.replace(&srv, "SRV"), word(path))).collect();
    let expected: Vec<(String, String)> =
        expected.iter().map(|(name, word)| (format!("SRV{name}"), (*word).to_owned())).collect();
    assert_eq!(shown, expected);
    preview
}

#[test]
fn a_first_install_creates() {
    let host = Host::new();
    write(&host.srv(), "old/");
    fs::set_permissions(host.path("old"), fs::Permissions::from_mode(0o2755)).expect("mode");
    let sections = "files: [{source: d, destination: SRV/app}, {source: f, destination: SRV/old}]\npermissions:\n  - {object: SRV/app, type: file, mode: '4640', acls: ['0:7']}\n  - {object: SRV/none, mode: '7'}";
    let request = host.revision("d/a=12345 d/e/b=1 d/l->a f=123", sections);
    let directory = format!("create directory {:04o} f1", 0o777 & !crate::execute::umask::current());
    fs::set_permissions(request.archive_dir.join("f"), fs::Permissions::from_mode(0o604)).expect("mode");
    let preview = check(
        &host,
        &request,
        &[
            ("/app", &directory),
            ("/app/a", "create file 4640 f1+p1"),
            ("/app/e", &directory),
            ("/app/e/b", "create file 4640 f1+p1"),
            ("/app/l", "create symlink->a 0777 f1+p1"),
            ("/old", "unchanged directory 2755 f2"),
            ("/old/f", "create file 0604 f2"),
        ],
    );
    let totals = Totals { n_created: 6, n_unchanged: 1, copied_bytes: 9, ..Totals::default() };
    assert_eq!((preview.totals, preview.conflicts.len(), preview.warnings.len()), (totals, 0, 2));
    let a = &preview.paths[1];
    assert_eq!(a.acl.as_deref(), Some("user:0:rwx,user::rw-,group::r--,other::---,mask::r--"));
    assert_eq!(a.source, Some(request.archive_dir.join("d/a").display().to_string()));

    // What was said comes about.
    install(&request).expect("install");
    for path in preview.paths.iter().filter(|path| path.entry_kind != "symlink") {
        let metadata = fs::metadata(&path.path).expect("stat");
        let found = (metadata.uid(), metadata.gid(), format!("{:04o}", metadata.mode() & 0o7777));
        let expected = (path.uid, path.gid, path.mode.clone());
        assert_eq!(found, expected, "{}", path.path);
    }
}

#[test]
fn a_next_install_replaces_removes_and_keeps() {
    let host = Host::new();
    install(&host.revision("d/a=1 d/gone=1 d/e/x=1", ALL_TO_APP)).expect("first");
    write(&host.srv(), "app/f=foreign");
    let directory = format!("replace directory {:04o} f1", 0o777 & !crate::execute::umask::current());
    for name in ["app/e/x", "app/gone", "app/f"] {
        fs::set_permissions(host.path(name), fs::Permissions::from_mode(0o600)).expect("mode");
    }
    let mut request = host.revision("d/a=2 d/f=2 d/e/", ALL_TO_APP);
    fs::set_permissions(request.archive_dir.join("d/a"), fs::Permissions::from_mode(0o644)).expect("mode");
    request.file_exists_behavior = "RETAIN".to_owned();
    let preview = check(
        &host,
        &request,
        &[
            ("/app", &format!("unchanged directory {:04o} f1", mode(&host.path("app")))),
            ("/app/a", "replace file 0644 f1"),
            ("/app/e", &directory),
            ("/app/e/x", "remove file 0600 cleanup"),
            ("/app/f", "keep file 0600 f1"),
            ("/app/gone", "remove file 0600 cleanup"),
        ],
    );
    let totals = Totals {
        n_replaced: 2,
        n_kept: 1,
        n_removed: 2,
        n_unchanged: 1,
        copied_bytes: 1,
        ..Totals::default()
    };
    assert_eq!(preview.totals, totals);
    request.file_exists_behavior = "OVERWRITE".to_owned();
    let preview = super::super::preview(&request).expect("preview");
    assert_eq!((preview.totals.n_replaced, preview.totals.n_kept), (3, 0));
    let json = serde_json::to_string(&preview).expect("json");
    assert_eq!(serde_json::from_str::<Preview>(&json).expect("read"), preview);
}

#[test]
fn a_preview_lists_every_conflict_with_its_evidence() {
    let host = Host::new();
    write(&host.srv(), "app/a=foreign app/b=foreign");
    write(&host.srv(), "app/b=foreign");
    write(&host.srv(), "app/a=foreign");
    let sections = "files: [{source: d, destination: SRV/app}, {source: nothing, destination: SRV/app}]\npermissions: [{object: SRV/app, owner: no-such}]";
    let preview = check(
        &host,
        &host.revision("d/a=1 d/b=1 d/c=1", sections),
        &[
            ("/app", &format!("unchanged directory {:04o} f1", mode(&host.path("app")))),
            ("/app/c", &format!("create file {:04o} f1", 0o666 & !crate::execute::umask::current())),
        ],
    );
    let kinds: Vec<String> = preview
        .conflicts
        .iter()
        .map(|conflict| serde_json::to_value(&conflict.evidence[0]).expect("json")["kind"].to_string())
        .collect();
    assert_eq!(
        kinds,
        ["\"path_occupied\"", "\"path_occupied\"", "\"system_refusal\"", "\"unknown_account\""]
    );
    assert_eq!(
        preview.conflicts[0].message,
        install(&host.revision("d/a=1", ALL_TO_APP)).expect_err("occupied").to_string()
    );
    assert_eq!(preview.totals.n_conflicts, 4);
}

#[test]
fn a_preview_sees_that_there_is_no_room() {
    let host = Host::new();
    let request = host.revision("d/huge=", ALL_TO_APP);
    let size_bytes = 8 << 40;
    let huge = fs::File::options().write(true).open(request.archive_dir.join("d/huge")).expect("open");
    huge.set_len(size_bytes).expect("a hole");
    let preview = super::super::preview(&request).expect("preview");
    let [Conflict { message, evidence }] = &preview.conflicts[..] else { panic!("{:?}", preview.conflicts) };
    let [Evidence::NoSpace { file_system, needed_bytes, available_bytes }] = &evidence[..] else {
        panic!("{evidence:?}");
    };
    assert!(host.srv().starts_with(file_system), "{file_system}");
    assert!(*needed_bytes == size_bytes && 0 < *available_bytes && available_bytes < needed_bytes);
    assert!(message.contains(&format!("{needed_bytes} bytes")) && message.contains(file_system), "{message}");
}

#[test]
fn a_preview_of_a_host_without_agent_leaves_it_so() {
    let host = Host::new();
    let request = host.revision("d/a=1", ALL_TO_APP);
    preview(&request).expect("preview");
    assert!(!instructions_dir(&host.root()).exists());
    fs::remove_file(request.archive_dir.join("appspec.yml")).expect("remove");
    assert!(matches!(super::super::preview(&request), Err(InstallError::AppSpec(_))));
}

#[test]
fn a_preview_of_an_interrupted_install_says_so_and_settles_nothing() {
    let host = Host::new();
    let request = host.revision("d/a=1", ALL_TO_APP);
    crash::stop_when(&host, |host| host.path("app/a").exists(), &request);
    let preview = harmless_preview(&host, &request);
    assert!(preview.warnings[0].contains("was interrupted"), "{:?}", preview.warnings);
    assert_eq!(recover(&host.root()).expect("recover").len(), 1);
}

fn harmless_preview(host: &Host, request: &InstallRequest) -> Preview {
    let before = host.snapshot();
    let preview = preview(request).expect("preview");
    assert_eq!(host.snapshot(), before);
    preview
}
