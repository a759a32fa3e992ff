//! A host with an old revision in place and a new one to install, and the work that gets killed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use longshore_agent::execute::install::{InstallError, InstallRequest, install, recover};

use super::tree;

/// The work that a process is asked for, and the host's folder.
const WORK: &str = "LONGSHORE_TEST_WORK";
const FOLDER: &str = "LONGSHORE_TEST_FOLDER";

/// Asked for just before the work begins, so that a trace shows where that is.
pub(crate) const MARK: &str = "/the/work/begins";

/// What a process of its own does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Installs the new revision.
    Install,
    /// Installs a revision that fails after everything was switched, and so is undone.
    FailingInstall,
    /// What an agent does about Installs at its start.
    Recover,
}

impl Work {
    const ALL: [Work; 3] = [Work::Install, Work::FailingInstall, Work::Recover];

    fn name(self) -> &'static str {
        match self {
            Work::Install => "install",
            Work::FailingInstall => "failing-install",
            Work::Recover => "recover",
        }
    }
}

/// The first revision, the second, and what the AppSpecs say. A file that stays, one that changes, one that
/// goes, one that comes; folders likewise; a file that becomes a folder and the reverse; links; and a link
/// through which the mode of a file that is not ours is set.
const OLD_FILES: &str = "d/same=1 d/changes=1 d/goes=1 d/e/f=1 d/k=1 d/t/x=1 d/l->same d/to->../shared";
const NEW_FILES: &str =
    "d/same=1 d/changes=2 d/comes=2 d/n/g/h=2 d/k/x=2 d/t=2 d/l->comes d/to->../shared d/big*300000";
const FOREIGN_FILES: &str = "app/foreign=x app/e/foreign=y shared=z";

const FILES: &str = "files: [{source: d, destination: SRV/app}]\n";
const OLD_PERMISSIONS: &str = "permissions: [{object: SRV/app/changes, mode: '2750'}]\n";
const NEW_PERMISSIONS: &str = "permissions:
  - {object: SRV/app/changes, mode: '4755'OWNER}
  - {object: SRV/app/n, mode: '640', type: [file]}
  - {object: SRV/app/n, mode: '1770', type: [directory], acls: ['d:12345:r']}
  - {object: SRV/app/to, mode: '640', acls: ['23456:r']}
  - {object: SRV/app/comes, acls: ['u:12345:rw'], type: [file]}
";
/// Its link leads nowhere, which is found out after the switch.
const FAILING_PERMISSIONS: &str = "  - {object: SRV/app/nowhere, mode: '600'}\n";

/// A host's folder: `root` of the agent, and `srv` for the application.
pub(crate) struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    /// A host after a first Install, with files of others in between, and the next revisions unpacked.
    pub(crate) fn with_old_revision() -> Host {
        // In memory where the system has such a place: an Install syncs.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("folder");
        let host = Host { folder };
        write_all(&host.srv(), FOREIGN_FILES);
        let old = host.unpack("d-1", OLD_FILES, &format!("{FILES}{OLD_PERMISSIONS}"));
        install(&old).expect("the first revision");
        host.unpack("d-2", NEW_FILES, &format!("{FILES}{NEW_PERMISSIONS}"));
        let failing = format!("{FILES}{NEW_PERMISSIONS}{FAILING_PERMISSIONS}");
        host.unpack("d-3", &format!("{NEW_FILES} d/nowhere->no/where"), &failing);
        host
    }

    fn srv(&self) -> PathBuf {
        self.folder.path().join("srv")
    }

    fn unpack(&self, deployment_id: &str, files: &str, sections: &str) -> InstallRequest {
        let request = deployment(self.folder.path(), deployment_id);
        write_all(&request.archive_dir, files);
        // Only root may give files away.
        let owner = if rustix::process::geteuid().is_root() { ", owner: 12345, group: '23456'" } else { "" };
        let sections = sections.replace("SRV", &self.srv().to_string_lossy()).replace("OWNER", owner);
        let text = format!("version: 0.0\nos: linux\n{sections}");
        fs::write(request.archive_dir.join("appspec.yml"), text).expect("appspec");
        let changes = request.archive_dir.join("d/changes");
        fs::set_permissions(&changes, fs::Permissions::from_mode(0o750)).expect("mode");
        request
    }

    /// Installs the new revision, in this process.
    pub(crate) fn install_new(&self) -> Result<(), InstallError> {
        install(&deployment(self.folder.path(), "d-2"))
    }

    /// Does what an agent does at its start, in this process.
    #[track_caller]
    pub(crate) fn recover(&self) {
        recover(&self.folder.path().join("root")).expect("recovery");
    }

    /// A command that does `work` on this host.
    pub(crate) fn command(&self, work: Work) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "work_in_a_process_of_its_own", "--test-threads=1"]);
        command.env(WORK, work.name()).env(FOLDER, self.folder.path());
        // A trace of a refused Install takes longer than the Install.
        command.env("RUST_BACKTRACE", "0");
        command
    }

    /// The application's files and what the agent knows about them.
    pub(crate) fn shown(&self) -> String {
        let folder = self.folder.path();
        let mut shown = tree::shown(&self.srv());
        shown.push_str(&tree::shown(&folder.join("root/deployment-instructions")));
        shown.replace(&*folder.to_string_lossy(), "FOLDER")
    }
}

/// The Install of a deployment whose revision is unpacked.
fn deployment(folder: &Path, deployment_id: &str) -> InstallRequest {
    let root_dir = folder.join("root");
    InstallRequest {
        archive_dir: root_dir.join("group").join(deployment_id).join("deployment-archive"),
        root_dir,
        deployment_group_id: "group".to_owned(),
        deployment_id: deployment_id.to_owned(),
        appspec_filename: "appspec.yml".to_owned(),
        file_exists_behavior: "DISALLOW".to_owned(),
        all_possible_lifecycle_events: None,
    }
}

/// Does the work that the environment asks for, if it does.
pub(crate) fn do_work_of_environment() {
    let (Some(name), Some(folder)) = (std::env::var_os(WORK), std::env::var_os(FOLDER)) else { return };
    let work = Work::ALL.into_iter().find(|work| name == work.name()).expect("a known work");
    let folder = PathBuf::from(folder);
    let _ = fs::metadata(MARK);
    match work {
        Work::Install => install(&deployment(&folder, "d-2")).expect("installs"),
        Work::FailingInstall => drop(install(&deployment(&folder, "d-3")).expect_err("fails")),
        Work::Recover => drop(recover(&folder.join("root")).expect("recovers")),
    }
}

/// Writes `name=content`, `name->link text` and `name*size`, with one time for all files.
fn write_all(dir: &Path, words: &str) {
    for word in words.split_whitespace() {
        let (name, text) = word.split_once("->").or_else(|| word.split_once(['=', '*'])).expect(word);
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("dirs");
        if word.contains("->") {
            symlink(text, &path).expect("link");
            continue;
        }
        let content =
            if word.contains('*') { "x".repeat(text.parse().expect("size")) } else { text.to_owned() };
        fs::write(&path, content).expect("file");
        let file = fs::File::options().write(true).open(&path).expect("open");
        file.set_modified(UNIX_EPOCH + Duration::from_nanos(1_000_000_000_123_456_789)).expect("time");
    }
}
