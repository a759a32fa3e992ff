//! Installs on a real disk. Source: agent.md §7, §11.

mod acls;
mod contexts;
mod crash;
mod evidence;
mod places;
mod preview;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A host with a deployment root, revisions, and a place `/srv` to install to.
struct Host {
    folder: tempfile::TempDir,
    n_deployments: AtomicUsize,
}

impl Host {
    fn new() -> Host {
        Host::in_folder(folder())
    }

    /// On a file system like those that revisions are installed on.
    fn on_disk() -> Host {
        Host::in_folder(tempfile::tempdir().expect("folder"))
    }

    fn in_folder(folder: tempfile::TempDir) -> Host {
        let host = Host { folder, n_deployments: AtomicUsize::new(0) };
        fs::create_dir_all(host.srv()).expect("srv");
        host
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn srv(&self) -> PathBuf {
        self.folder.path().join("srv")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.srv().join(name)
    }

    fn state(&self, name: &str) -> String {
        fs::read_to_string(instructions_dir(&self.root()).join(name)).unwrap_or_default()
    }

    /// A revision with these files (`name=content`, `name->text`, `name/`) and this AppSpec, in which
    /// `SRV` stands for the place.
    fn revision(&self, files: &str, sections: &str) -> InstallRequest {
        let id = format!("d-{}", self.n_deployments.fetch_add(1, Ordering::Relaxed));
        let archive_dir = self.root().join("group").join(&id).join("deployment-archive");
        for word in files.split_whitespace() {
            write(&archive_dir, word);
        }
        let sections = sections.replace("SRV", &self.srv().to_string_lossy());
        write(&archive_dir, "appspec.yml=");
        fs::write(archive_dir.join("appspec.yml"), format!("version: 0.0\nos: linux\n{sections}"))
            .expect("appspec");
        InstallRequest {
            root_dir: self.root(),
            deployment_group_id: "group".to_owned(),
            deployment_id: id,
            archive_dir,
            appspec_filename: "appspec.yml".to_owned(),
            file_exists_behavior: "DISALLOW".to_owned(),
            all_possible_lifecycle_events: None,
        }
    }

    /// Everything under the place and what the agent knows about it.
    fn snapshot(&self) -> Snapshot {
        let mut entries = BTreeMap::new();
        snapshot_below(&self.srv(), "", &mut entries);
        let state = ["group-cleanup", "group-install.json", "group_last_successful_install"];
        for name in state {
            entries.insert(name.to_owned(), self.state(name));
        }
        Snapshot { entries, n_instruction_files: list(&instructions_dir(&self.root())).len() }
    }

    /// The place as `a/ a/f=content l->text`.
    fn shown(&self) -> String {
        let mut entries = BTreeMap::new();
        snapshot_below(&self.srv(), "", &mut entries);
        entries.into_iter().map(|(name, value)| format!("{name}{value}")).collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(&self, request: &InstallRequest, expected: &str) {
        let shown = match install(request) {
            Ok(()) => self.shown(),
            Err(error) => error.to_string().replace(&*self.srv().to_string_lossy(), "SRV"),
        };
        assert_eq!(shown, expected);
    }
}

/// Installs with steps to look at.
fn install_observed(request: &InstallRequest, checkpoint: Checkpoint<'_>) -> Result<(), InstallError> {
    install_with(request, &Selinux::of_host(), checkpoint)
}

/// Recovers with steps to look at.
fn recover_observed(root_dir: &Path, checkpoint: Checkpoint<'_>) -> Result<Vec<String>, InstallError> {
    recover_with(root_dir, &Selinux::of_host(), checkpoint)
}

/// In memory where the system has such a place: an Install syncs, and these tests make hundreds.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("folder")
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Snapshot {
    entries: BTreeMap<String, String>,
    n_instruction_files: usize,
}

fn write(dir: &Path, word: &str) {
    let (name, content) = word.split_once("->").or_else(|| word.split_once('=')).unwrap_or((word, ""));
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("parent")).expect("dirs");
    if word.contains("->") {
        symlink(content, &path).expect("link");
    } else if word.ends_with('/') {
        fs::create_dir_all(&path).expect("dir");
    } else {
        fs::write(&path, content).expect("file");
    }
}

fn list(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())));
    entries.map(Iterator::collect).unwrap_or_default()
}

fn snapshot_below(dir: &Path, prefix: &str, entries: &mut BTreeMap<String, String>) {
    for path in list(dir) {
        let name = format!("{prefix}{}", path.file_name().expect("name").to_string_lossy());
        let metadata = fs::symlink_metadata(&path).expect("stat");
        if metadata.is_dir() {
            entries.insert(format!("{name}/"), String::new());
            snapshot_below(&path, &format!("{name}/"), entries);
        } else if metadata.is_symlink() {
            entries.insert(name, format!("->{}", fs::read_link(&path).expect("link").display()));
        } else {
            entries.insert(name, format!("={}", fs::read_to_string(&path).expect("content")));
        }
    }
}

const ALL_TO_APP: &str = "files: [{source: d, destination: SRV/app}]";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("stat").mode() & 0o7777
}

#[test]
fn a_revision_is_installed_and_written_down() {
    let host = Host::new();
    let request = host.revision("d/a=1 d/e/b=2 d/l->a d/dangling->nowhere", ALL_TO_APP);
    host.check(&request, "app/ app/a=1 app/dangling->nowhere app/e/ app/e/b=2 app/l->a");
    let srv = host.srv().display().to_string();
    assert_eq!(
        host.state("group-cleanup"),
        ["app", "app/a", "app/dangling", "app/e", "app/e/b", "app/l"]
            .map(|name| format!("{srv}/{name}\n"))
            .concat()
    );
    let json = host.state("group-install.json");
    assert!(
        json.starts_with(&format!("{{\"instructions\":[{{\"type\":\"mkdir\",\"directory\":\"{srv}/app\"}},"))
    );
    let last = host.root().join("group").join(&request.deployment_id);
    assert_eq!(host.state("group_last_successful_install"), last.to_str().expect("text"));
    assert_eq!(list(&instructions_dir(&host.root())).len(), 3);
}

#[test]
fn an_appspec_without_files_is_installed_too() {
    let host = Host::new();
    host.check(&host.revision("d/a=1", ""), "");
    assert_eq!(host.state("group-install.json"), "{\"instructions\":[]}");
    assert_eq!(list(&instructions_dir(&host.root())).len(), 3);
}

#[test]
fn the_next_revision_replaces_the_previous_one() {
    let host = Host::new();
    host.check(&host.revision("d/a=1 d/old/x=1", ALL_TO_APP), "app/ app/a=1 app/old/ app/old/x=1");
    host.check(&host.revision("d/a=2 d/new/y=2", ALL_TO_APP), "app/ app/a=2 app/new/ app/new/y=2");
    host.check(&host.revision("d/a=3", "files: [{source: d, destination: SRV/other}]"), "other/ other/a=3");
    host.check(&host.revision("", ""), "");
}

#[test]
fn foreign_files_keep_their_directories_and_themselves() {
    let host = Host::new();
    install(&host.revision("d/a=1 d/e/b=1 d/gone=1", ALL_TO_APP)).expect("first");
    write(&host.srv(), "app/foreign=x");
    write(&host.srv(), "app/e/foreign=y");
    host.check(
        &host.revision("d/a=2 d/e/c=2", ALL_TO_APP),
        "app/ app/a=2 app/e/ app/e/c=2 app/e/foreign=y app/foreign=x",
    );
}

#[test]
fn a_failed_plan_leaves_everything_as_it_was() {
    let host = Host::new();
    install(&host.revision("d/a=1 d/b=1", ALL_TO_APP)).expect("first");
    write(&host.srv(), "app/foreign=x");
    let before = host.snapshot();
    let refused = host.revision("d/a=2 d/foreign=2", ALL_TO_APP);
    host.check(
        &refused,
        "The deployment failed because a specified file already exists at this location: SRV/app/foreign",
    );
    assert_eq!(host.snapshot(), before);
    host.check(&host.revision("d/a=3", ALL_TO_APP), "app/ app/a=3 app/foreign=x");
}

#[test]
fn an_overwritten_file_is_removed_by_the_next_install_and_a_retained_one_is_not() {
    let host = Host::new();
    write(&host.srv(), "app/f=foreign");
    let mut request = host.revision("d/f=1", ALL_TO_APP);
    request.file_exists_behavior = "OVERWRITE".to_owned();
    host.check(&request, "app/ app/f=1");
    host.check(&host.revision("d/g=2", ALL_TO_APP), "app/ app/g=2");

    write(&host.srv(), "app/f=foreign");
    let mut request = host.revision("d/f=1 d/g=3", ALL_TO_APP);
    request.file_exists_behavior = "RETAIN".to_owned();
    host.check(&request, "app/ app/f=foreign app/g=3");
    host.check(&host.revision("", ""), "app/ app/f=foreign");
}

#[test]
fn links_at_the_target_are_replaced_and_never_written_through() {
    let host = Host::new();
    write(&host.srv(), "precious=x");
    write(&host.srv(), "app/f->../precious");
    write(&host.srv(), "app/l->../precious");
    let mut request = host.revision("d/f=1 d/l->f", ALL_TO_APP);
    request.file_exists_behavior = "OVERWRITE".to_owned();
    host.check(&request, "app/ app/f=1 app/l->f precious=x");
}

#[test]
fn relative_links_are_installed_again_and_again() {
    let host = Host::new();
    for _ in 0..3 {
        let request = host.revision("d/libx.so.1=x d/libx.so->libx.so.1 d/dangling->no", ALL_TO_APP);
        host.check(&request, "app/ app/dangling->no app/libx.so->libx.so.1 app/libx.so.1=x");
    }
}

#[test]
fn linked_directories_become_real_ones() {
    let host = Host::new();
    host.check(&host.revision("d/l->../e e/f=1", ALL_TO_APP), "app/ app/l/ app/l/f=1");
}

#[test]
fn mode_and_time_of_files_are_kept_and_made_directories_are_plain() {
    let host = Host::new();
    let request = host.revision("d/e/f=1", ALL_TO_APP);
    let source = request.archive_dir.join("d/e/f");
    fs::set_permissions(&source, fs::Permissions::from_mode(0o4757)).expect("mode");
    fs::set_permissions(request.archive_dir.join("d/e"), fs::Permissions::from_mode(0o700)).expect("mode");
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(1_000_000_000_123_456_789);
    fs::File::options().write(true).open(&source).expect("open").set_modified(at).expect("time");
    install(&request).expect("install");
    assert_eq!(mode(&host.path("app/e/f")), 0o4757);
    assert_eq!(fs::metadata(host.path("app/e/f")).expect("stat").modified().expect("time"), at);
    assert_eq!(mode(&host.path("app/e")), 0o777 & !crate::execute::umask::current());
}

#[test]
fn large_files_are_copied_whole() {
    let host = Host::new();
    let request = host.revision("d/f=", ALL_TO_APP);
    let content: Vec<u8> =
        (0..1_000_003_u32).map(|number| number.to_le_bytes()[number as usize % 3]).collect();
    for size in [1, 128 * 1024 - 1, 128 * 1024, 128 * 1024 + 1, content.len()] {
        fs::write(request.archive_dir.join("d/f"), &content[..size]).expect("write");
        install(&request).expect("install");
        assert!(fs::read(host.path("app/f")).expect("read") == content[..size], "{size} bytes");
    }
}

#[test]
fn permissions_are_set_on_what_was_installed_only() {
    let host = Host::new();
    write(&host.srv(), "app/foreign=x");
    let before = mode(&host.path("app/foreign"));
    let sections = format!(
        "{ALL_TO_APP}\npermissions: [{{object: SRV/app, mode: '751', type: [file]}}, {{object: SRV/app, mode: '2770', type: [directory]}}]"
    );
    install(&host.revision("d/f=1 d/e/g=1", &sections)).expect("install");
    assert_eq!(mode(&host.path("app/f")), 0o751);
    assert_eq!(mode(&host.path("app/e")), 0o2770);
    assert_eq!(mode(&host.path("app/e/g")), 0o751);
    assert_eq!(mode(&host.path("app/foreign")), before);
}

#[test]
fn owners_are_set_and_setuid_survives_it() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let host = Host::new();
    let sections = format!(
        "{ALL_TO_APP}\npermissions: [{{object: SRV/app, mode: '4755', owner: 12345, group: '23456'}}]"
    );
    install(&host.revision("d/f=1", &sections)).expect("install");
    let metadata = fs::metadata(host.path("app/f")).expect("stat");
    assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (12345, 23456, 0o4755));
}

#[test]
fn the_owner_of_a_file_of_the_revision_is_kept() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let host = Host::new();
    let request = host.revision("d/f=1", ALL_TO_APP);
    std::os::unix::fs::chown(request.archive_dir.join("d/f"), Some(12345), Some(23456)).expect("chown");
    install(&request).expect("install");
    let metadata = fs::metadata(host.path("app/f")).expect("stat");
    assert_eq!((metadata.uid(), metadata.gid()), (12345, 23456));
}

#[test]
fn attributes_of_a_link_go_to_what_it_leads_to() {
    let host = Host::new();
    write(&host.srv(), "outside=x");
    let sections = format!("{ALL_TO_APP}\npermissions: [{{object: SRV/app/l, mode: '604'}}]");
    install(&host.revision("d/f=1 d/l->../outside", &sections)).expect("install");
    assert_eq!(mode(&host.path("outside")), 0o604);

    let sections = format!("{ALL_TO_APP}\npermissions: [{{object: SRV/app, mode: '605'}}]");
    install(&host.revision("d/f=2 d/l->f", &sections)).expect("install");
    assert_eq!(mode(&host.path("app/f")), 0o605);

    let before = host.snapshot();
    host.check(&host.revision("d/f=3 d/l->nowhere", &sections), "No such file or directory - SRV/app/l");
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_failed_install_gives_back_what_it_changed_through_a_link() {
    let host = Host::new();
    write(&host.srv(), "outside=x");
    fs::set_permissions(host.path("outside"), fs::Permissions::from_mode(0o600)).expect("mode");
    let sections = format!("{ALL_TO_APP}\npermissions: [{{object: SRV/app, mode: '604'}}]");
    // The first link is changed, the second leads nowhere.
    let request = host.revision("d/a->../outside d/b->nowhere", &sections);
    host.check(&request, "No such file or directory - SRV/app/b");
    assert_eq!(mode(&host.path("outside")), 0o600);
}

#[test]
fn unusual_names_are_installed_and_removed_again() {
    let host = Host::new();
    let request = host.revision("d/x=1", ALL_TO_APP);
    let names: [&[u8]; 4] = [b" blanks ", b"new\nline", b"no text \xff", b"-rf"];
    for name in names {
        fs::write(request.archive_dir.join("d").join(OsStr::from_bytes(name)), name).expect("write");
    }
    install(&request).expect("install");
    for name in names {
        assert_eq!(fs::read(host.path("app").join(OsStr::from_bytes(name))).expect("read"), name);
    }
    assert!(host.state("group-install.json").contains("no text \u{fffd}"));
    host.check(&host.revision("d/y=2", ALL_TO_APP), "app/ app/y=2");
}

#[test]
fn the_appspec_is_found_under_its_usual_names() {
    let host = Host::new();
    for name in ["named.yml", "appspec.yaml", "appspec.yml"] {
        let mut request = host.revision("d/a=1", ALL_TO_APP);
        fs::rename(request.archive_dir.join("appspec.yml"), request.archive_dir.join(name)).expect("rename");
        request.appspec_filename = "named.yml".to_owned();
        host.check(&request, "app/ app/a=1");
    }
    let mut request = host.revision("d/a=1", ALL_TO_APP);
    request.appspec_filename = String::new();
    host.check(&request, "app/ app/a=1");

    let request = host.revision("d/a=1", ALL_TO_APP);
    fs::remove_file(request.archive_dir.join("appspec.yml")).expect("remove");
    let dir = request.archive_dir.display().to_string();
    assert_eq!(
        install(&request).expect_err("no AppSpec").to_string(),
        format!(
            "The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at revision-relative path \"appspec.yml\". The revision was unpacked to directory \"{dir}\", and the AppSpec file was expected but not found at path \"{dir}/appspec.yml\". Consult the AWS CodeDeploy Appspec documentation for more information at http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html"
        )
    );
}

#[test]
fn hooks_are_compared_with_the_events_of_the_deployment() {
    let host = Host::new();
    let mut request = host.revision("d/a=1", "hooks: {Bogus: []}");
    host.check(&request, "");
    let events = longshore_model::appspec::DEFAULT_EVENTS.map(str::to_owned).to_vec();
    request.all_possible_lifecycle_events = Some(events);
    host.check(&request, "appspec.yml file contains unknown lifecycle events: [\"Bogus\"]");
}

#[test]
fn two_groups_do_not_share_files() {
    let host = Host::new();
    install(&host.revision("d/a=1", ALL_TO_APP)).expect("first group");
    let mut request = host.revision("d/a=2", ALL_TO_APP);
    request.deployment_group_id = "other".to_owned();
    host.check(
        &request,
        "The deployment failed because a specified file already exists at this location: SRV/app/a",
    );
}
