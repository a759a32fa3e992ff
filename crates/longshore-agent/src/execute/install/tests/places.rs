//! Rules of agent.md §7 that only a real disk shows, and what other agents got wrong there.

use std::process::Command;

use super::*;

#[test]
fn links_keep_their_text_and_linked_folders_become_real_ones() {
    let host = Host::new();
    let request =
        host.revision("d/f=1 d/to-f->f d/abs->/etc/no-such d/gone->../x/y d/to-e->../e e/g=2", ALL_TO_APP);
    host.check(
        &request,
        "app/ app/abs->/etc/no-such app/f=1 app/gone->../x/y app/to-e/ app/to-e/g=2 app/to-f->f",
    );
}

#[test]
fn what_was_there_keeps_its_attributes() {
    let host = Host::new();
    write(&host.srv(), "app/e/kept=x");
    for (name, bits) in [("app", 0o710), ("app/e", 0o711), ("app/e/kept", 0o604)] {
        fs::set_permissions(host.path(name), fs::Permissions::from_mode(bits)).expect("mode");
    }
    let sections = format!("{ALL_TO_APP}\npermissions: [{{object: SRV/app, mode: '777'}}]");
    let mut request = host.revision("d/e/kept=1 d/e/new=1", &sections);
    request.file_exists_behavior = "RETAIN".to_owned();
    install(&request).expect("install");
    let modes = ["app", "app/e", "app/e/kept", "app/e/new"].map(|name| mode(&host.path(name)));
    assert_eq!(modes, [0o710, 0o711, 0o604, 0o777]);
}

#[test]
fn modes_without_quotes_are_taken_as_written() {
    let host = Host::new();
    let sections = format!(
        "{ALL_TO_APP}\npermissions:\n  - {{object: SRV/app/a, mode: 0644}}\n  - {{object: SRV/app/b, mode: 0755}}\n  - {{object: SRV/app/c, mode: 04755}}"
    );
    install(&host.revision("d/a=1 d/b=1 d/c=1", &sections)).expect("install");
    assert_eq!(["app/a", "app/b", "app/c"].map(|name| mode(&host.path(name))), [0o644, 0o755, 0o4755]);
}

#[test]
fn a_named_pipe_is_refused_before_anything_is_touched() {
    let host = Host::new();
    install(&host.revision("d/a=1", ALL_TO_APP)).expect("first");
    let before = host.snapshot();
    let request = host.revision("d/a=2", ALL_TO_APP);
    let pipe = request.archive_dir.join("d/pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).expect("pipe");
    let expected = format!(
        "The deployment failed because the revision contains a special file that cannot be installed: {}",
        pipe.display()
    );
    assert_eq!(install(&request).expect_err("refused").to_string(), expected);
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_foreign_file_in_the_way_is_never_removed_later() {
    let host = Host::new();
    install(&host.revision("d/a=1", ALL_TO_APP)).expect("first");
    write(&host.srv(), "app/f=foreign");
    install(&host.revision("d/a=2 d/f=2", ALL_TO_APP)).expect_err("f exists");
    write(&host.srv(), "app/g/x=foreign");
    let mut request = host.revision("d/a=2 d/g=2", ALL_TO_APP);
    request.file_exists_behavior = "OVERWRITE".to_owned();
    host.check(&request, "Is a directory - SRV/app/g");
    host.check(&host.revision("d/a=3", ALL_TO_APP), "app/ app/a=3 app/f=foreign app/g/ app/g/x=foreign");
    host.check(&host.revision("", ""), "app/ app/f=foreign app/g/ app/g/x=foreign");
}

#[test]
fn twenty_thousand_files_are_installed_and_replaced() {
    const N_FILES: usize = 20_000;
    let host = Host::new();
    let sections = format!("{ALL_TO_APP}\npermissions: [{{object: SRV/app, mode: '640', type: file}}]");
    for content in ["1", "2"] {
        let request = host.revision("d/", &sections);
        for idx in 0..N_FILES {
            let folder = request.archive_dir.join(format!("d/{}", idx % 100));
            if idx < 100 {
                fs::create_dir(&folder).expect("folder");
            }
            fs::write(folder.join(format!("f{idx}")), content).expect("file");
        }
        install(&request).expect("install");
        let last = host.path(&format!("app/99/f{}", N_FILES - 1));
        assert_eq!((fs::read_to_string(&last).expect("read"), mode(&last)), (content.to_owned(), 0o640));
    }
    assert_eq!(host.state("group-cleanup").lines().count(), 1 + 100 + N_FILES);
    install(&host.revision("", "")).expect("removal");
    assert_eq!(host.shown(), "");
}

#[test]
fn a_program_that_runs_is_replaced_and_goes_on() {
    let host = Host::on_disk();
    let revision = || {
        let request = host.revision("d/", ALL_TO_APP);
        fs::copy("/bin/sleep", request.archive_dir.join("d/program")).expect("copy");
        request
    };
    install(&revision()).expect("first");
    let mut running = Command::new(host.path("app/program")).arg("600").spawn().expect("start");
    let mut request = revision();
    install(&request).expect("second");
    // Nor is it written to when it is somebody else's.
    request = revision();
    request.deployment_group_id = "other".to_owned();
    request.file_exists_behavior = "OVERWRITE".to_owned();
    let mut other = Command::new(host.path("app/program")).arg("600").spawn().expect("start");
    install(&request).expect("third");
    let are_running = [&mut running, &mut other].map(|child| child.try_wait().expect("wait").is_none());
    for mut child in [running, other] {
        child.kill().expect("kill");
        child.wait().expect("end");
    }
    assert_eq!(are_running, [true, true]);
    let installed = fs::read(host.path("app/program")).expect("read");
    assert!(installed == fs::read("/bin/sleep").expect("read"));
}

#[test]
fn an_install_leaves_nothing_of_its_own_behind() {
    let host = Host::new();
    for files in ["d/a=1 d/e/b=1", "d/a=2", "d/nowhere->no/where"] {
        let sections = format!("{ALL_TO_APP}\npermissions: [{{object: SRV/app/nowhere, mode: '600'}}]");
        drop(install(&host.revision(files, &sections)));
        let dirs = [host.srv(), host.path("app"), instructions_dir(&host.root())];
        let is_hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_bytes()[0] == b'.');
        let left: Vec<PathBuf> = dirs.iter().flat_map(|dir| list(dir)).filter(is_hidden).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "{files}");
    }
}
