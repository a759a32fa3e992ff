//! SELinux contexts, with programs that write down how they are called. Source: agent.md §7.8.

use std::collections::BTreeMap;

use super::*;

/// A host whose programs are found in a folder of their own.
struct SelinuxHost {
    host: Host,
    selinux: Selinux,
}

impl SelinuxHost {
    fn new() -> SelinuxHost {
        let host = Host::on_disk();
        let programs = host.folder.path().join("programs");
        fs::create_dir(&programs).expect("programs");
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/src/execute/install/tests/programs/selinux");
        for name in ["semanage", "restorecon"] {
            symlink(program, programs.join(name)).expect("program");
        }
        SelinuxHost { selinux: Selinux::found_in(&programs), host }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.host.folder.path().join("programs").join(name)
    }

    fn install(&self, request: &InstallRequest) -> Result<(), InstallError> {
        install_with(request, &self.selinux, &mut || ())
    }

    /// What the programs were called with since the last question; `SRV` stands for the place.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.file("calls")).unwrap_or_default();
        drop(fs::remove_file(self.file("calls")));
        calls.lines().map(|call| self.named(call)).collect()
    }

    fn named(&self, text: &str) -> String {
        let srv = self.host.srv().display().to_string();
        text.replace(&srv.replace('.', "\\."), "SRV").replace(&srv, "SRV")
    }

    /// The rules, by path.
    fn policy(&self) -> BTreeMap<String, String> {
        let policy = fs::read_to_string(self.file("policy")).unwrap_or_default();
        let rule = |line: &str| line.split_once(' ').map(|(path, rule)| (self.named(path), self.named(rule)));
        policy.lines().filter_map(rule).collect()
    }

    /// Makes exactly this call fail.
    fn fail(&self, call: &str) {
        let srv = self.host.srv().display().to_string();
        let srv = if call.starts_with("semanage") { srv.replace('.', "\\.") } else { srv };
        fs::write(self.file("failing"), call.replace("SRV", &srv) + "\n").expect("failing");
    }
}

fn with_context(object: &str, context: &str) -> String {
    format!("{ALL_TO_APP}\npermissions: [{{object: SRV/{object}, type: file, context: {context}}}]")
}

const SENTENCE: &str = "The deployment failed because the application specification file contains an error in the settings for the context parameter. Update the permissions section of the AppSpec file, and then try again. Failed command: ";

#[test]
fn contexts_are_set_after_the_switch_and_written_down() {
    let host = SelinuxHost::new();
    let sections = with_context("app", "{user: system_u, type: httpd_sys_content_t, range: 's0-s1:c1,c0'}");
    host.install(&host.host.revision("d/a.b=1 d/x;$(reboot)=2", &sections)).expect("install");
    let add = "semanage <fcontext> <-a> <-s> <system_u> <-t> <httpd_sys_content_t> <-r> <s0-s1:c0.c1>";
    assert_eq!(
        host.calls(),
        [
            &format!("{add} <SRV/app/a\\.b>"),
            "restorecon <-F> <-v> <SRV/app/a.b>",
            &format!("{add} <SRV/app/x;\\$\\(reboot\\)>"),
            "restorecon <-F> <-v> <SRV/app/x;$(reboot)>",
        ]
    );
    let cleanup = host.named(&host.host.state("group-cleanup"));
    assert_eq!(
        cleanup,
        "SRV/app\nSRV/app/a.b\nSRV/app/x;$(reboot)\nsemanage\0SRV/app/a.b\nsemanage\0SRV/app/x;$(reboot)\n"
    );
}

#[test]
fn user_and_range_are_optional_and_links_are_followed() {
    let host = SelinuxHost::new();
    write(&host.host.srv(), "outside=x");
    host.install(&host.host.revision("d/l->../outside", &with_context("app/l", "{type: t}")))
        .expect("install");
    assert_eq!(
        host.calls(),
        ["semanage <fcontext> <-a> <-t> <t> <SRV/outside>", "restorecon <-F> <-v> <SRV/outside>"]
    );
    assert!(host.named(&host.host.state("group-cleanup")).ends_with("semanage\0SRV/outside\n"));
}

#[test]
fn rules_go_with_the_revision_that_made_them() {
    let host = SelinuxHost::new();
    host.install(&host.host.revision("d/a=1 d/b=1", &with_context("app", "{type: one}"))).expect("first");
    host.calls();
    host.install(&host.host.revision("d/b=2 d/c=2", &with_context("app", "{type: two}"))).expect("second");
    assert_eq!(
        host.calls(),
        [
            // The policy has one rule for a path.
            "semanage <fcontext> <-d> <SRV/app/b>",
            "semanage <fcontext> <-a> <-t> <two> <SRV/app/b>",
            "restorecon <-F> <-v> <SRV/app/b>",
            "semanage <fcontext> <-a> <-t> <two> <SRV/app/c>",
            "restorecon <-F> <-v> <SRV/app/c>",
            "semanage <fcontext> <-d> <SRV/app/a>",
        ]
    );
    assert_eq!(host.policy().into_keys().collect::<Vec<_>>(), ["SRV/app/b", "SRV/app/c"]);
    host.install(&host.host.revision("", "")).expect("third");
    assert!(host.policy().is_empty());
}

#[test]
fn rules_that_the_original_agent_made_are_found_without_escapes() {
    let host = SelinuxHost::new();
    host.install(&host.host.revision("d/a=1", ALL_TO_APP)).expect("first");
    let path = host.host.path("app/a.b").display().to_string();
    fs::write(host.file("policy"), format!("{path} rule\n")).expect("policy");
    let list = instructions_dir(&host.host.root()).join("group-cleanup");
    fs::write(&list, format!("{}semanage\0{path}\n", host.host.state("group-cleanup"))).expect("cleanup");
    host.install(&host.host.revision("", "")).expect("second");
    assert_eq!(
        host.calls(),
        ["semanage <fcontext> <-d> <SRV/app/a\\.b>", "semanage <fcontext> <-d> <SRV/app/a.b>"]
    );
    assert!(host.policy().is_empty());
}

/// An Install over a first revision, of which this call fails: the sentence, and everything as before.
#[track_caller]
fn check_failure(failing: &str, failed_command: &str) {
    let host = SelinuxHost::new();
    write(&host.host.srv(), "outside=x");
    let outside = host.host.path("outside");
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o600)).expect("mode");
    let first = host.host.revision("d/a=1 d/b=1", &with_context("app", "{type: one, user: u, range: s0}"));
    host.install(&first).expect("first");
    let (before, policy) = (host.host.snapshot(), host.policy());
    let sections = format!(
        "{ALL_TO_APP}\npermissions:\n  - {{object: SRV/app/l, mode: '604'}}\n  - {{object: SRV/app/a, context: {{type: two}}}}\n  - {{object: SRV/app/c, context: {{type: two}}}}"
    );
    host.fail(failing);
    let error =
        host.install(&host.host.revision("d/a=2 d/c=2 d/l->../outside", &sections)).expect_err("fails");
    assert_eq!(host.named(&error.to_string()), format!("{SENTENCE}{failed_command}. Exit code: 3"));
    assert_eq!((host.host.snapshot(), host.policy()), (before, policy));
    assert_eq!(mode(&outside), 0o600);
    let evidence = error.evidence();
    let [Evidence::ProgramFailed { exit_code: Some(3), output, .. }] = &evidence[..] else {
        panic!("{evidence:?}");
    };
    assert_eq!(output, "told to fail");
    fs::remove_file(host.file("failing")).expect("succeed");
    host.install(&host.host.revision("d/a=3", &with_context("app", "{type: three}"))).expect("next");
    assert_eq!(host.policy().into_keys().collect::<Vec<_>>(), ["SRV/app/a"]);
}

#[test]
fn a_failing_program_undoes_the_install_and_its_rules() {
    for path in ["a", "c"] {
        let words = format!("semanage fcontext -a -t two SRV/app/{path}");
        check_failure(&format!("semanage <fcontext> <-a> <-t> <two> <SRV/app/{path}>"), &words);
        let words = format!("restorecon -F -v SRV/app/{path}");
        check_failure(&format!("restorecon <-F> <-v> <SRV/app/{path}>"), &words);
    }
}

#[test]
fn a_rule_of_somebody_else_is_not_taken_back() {
    let host = SelinuxHost::new();
    let path = host.host.path("app/a").display().to_string().replace('.', "\\.");
    fs::write(host.file("policy"), format!("{path} theirs\n")).expect("policy");
    let error =
        host.install(&host.host.revision("d/a=1", &with_context("app", "{type: t}"))).expect_err("fails");
    let words = "semanage fcontext -a -t t SRV/app/a. Exit code: 1";
    assert_eq!(host.named(&error.to_string()), format!("{SENTENCE}{words}"));
    assert_eq!(host.policy(), [("SRV/app/a".to_owned(), "theirs".to_owned())].into());
    assert_eq!(host.host.shown(), "");
}

#[test]
fn without_the_programs_nothing_is_installed() {
    let host = Host::on_disk();
    let selinux = Selinux::found_in(host.folder.path());
    let request = host.revision("d/a=1", &with_context("app/a", "{type: t}"));
    let error = install_with(&request, &selinux, &mut || ()).expect_err("no semanage");
    let path = host.path("app/a").display().to_string().replace('.', "\\.");
    let words = format!("semanage fcontext -a -t t {path}. Exit code: 127");
    assert_eq!(error.to_string(), format!("{SENTENCE}{words}"));
    assert_eq!(host.shown(), "");
}

#[test]
fn rules_of_an_install_that_is_killed_match_its_files() {
    let revisions = |host: &SelinuxHost| {
        let one = with_context("app", "{type: one}");
        host.install(&host.host.revision("d/a=1 d/b=1", &one)).expect("first");
        host.host.revision("d/a=2 d/c=2", &with_context("app", "{type: two}"))
    };
    for step in 0.. {
        let host = SelinuxHost::new();
        let request = revisions(&host);
        let old = host.policy();
        let is_stopped =
            crash::stopped_at(step, |checkpoint| drop(install_with(&request, &host.selinux, checkpoint)));
        recover_with(&host.host.root(), &host.selinux, &mut || ()).expect("recover");
        if host.host.shown().contains("a=1") {
            assert_eq!(host.policy(), old, "step {step}");
        } else {
            let paths = ["SRV/app/a", "SRV/app/c"];
            let add = |path: &str| format!("semanage <fcontext> <-a> <-t> <two> <{path}>");
            let new = paths.map(|path| (path.to_owned(), add(path)));
            assert_eq!(host.policy(), new.into(), "step {step}");
        }
        if !is_stopped {
            break;
        }
    }
}
