//! Access control lists on a real file system. Source: agent.md §7.7.

use rustix::fs::{XattrFlags, getxattr, setxattr};

use super::super::attributes::{ACCESS_ACL, Attributes, DEFAULT_ACL};
use super::*;
use crate::install_plan::{AclRule, Instruction};
use longshore_model::appspec::AclEntry;

/// A list as `user:501:6 group::4`, in the kernel's order; empty when there is none.
pub(super) fn acl(path: &Path, name: &str) -> String {
    let mut value = vec![0; 64 * 1024];
    let Ok(n_bytes) = getxattr(path, name, &mut value[..]) else { return String::new() };
    let entry = |bytes: &[u8]| {
        let word = match bytes[0] {
            0x01 | 0x02 => "user",
            0x04 | 0x08 => "group",
            0x10 => "mask",
            _ => "other",
        };
        let id = u32::from_le_bytes(bytes[4..].try_into().expect("four bytes"));
        let id = if id == u32::MAX { String::new() } else { id.to_string() };
        format!("{word}:{id}:{}", bytes[2])
    };
    value[4..n_bytes].chunks(8).map(entry).collect::<Vec<_>>().join(" ")
}

fn with_acls(permissions: &str) -> String {
    format!("{ALL_TO_APP}\npermissions:\n{permissions}")
}

#[test]
fn each_object_has_the_list_of_its_own_mode() {
    let host = Host::on_disk();
    let sections = with_acls("  - {object: SRV/app, type: file, acls: ['u:12345:rwx', 'g:root:4']}\n");
    let request = host.revision("d/closed=1 d/open=2", &sections);
    for (name, bits) in [("d/closed", 0o600), ("d/open", 0o664)] {
        fs::set_permissions(request.archive_dir.join(name), fs::Permissions::from_mode(bits)).expect("mode");
    }
    install(&request).expect("install");
    let closed = "user::6 user:12345:7 group::0 group:0:4 mask::0 other::0";
    let open = "user::6 user:12345:7 group::6 group:0:4 mask::6 other::4";
    assert_eq!(acl(&host.path("app/closed"), ACCESS_ACL), closed);
    assert_eq!(acl(&host.path("app/open"), ACCESS_ACL), open);
    assert!(
        host.state("group-install.json")
            .contains("{\"type\":\"setfacl\",\"acl\":[\"user:12345:rwx\",\"group:root:r--\"],\"file\":")
    );
}

#[test]
fn directories_have_default_lists_too() {
    let host = Host::on_disk();
    let sections = with_acls(
        "  - {object: SRV/app, type: directory, mode: '750', acls: ['d:u:12345:rw', 'd:o:0', '12345:r']}\n",
    );
    install(&host.revision("d/e/f=1", &sections)).expect("install");
    let access = "user::7 user:12345:4 group::5 mask::5 other::0";
    let default = "user::7 user:12345:6 group::5 mask::5 other::0";
    assert_eq!(acl(&host.path("app/e"), ACCESS_ACL), access);
    assert_eq!(acl(&host.path("app/e"), DEFAULT_ACL), default);
}

#[test]
fn the_mask_survives_the_owner_and_the_special_bits() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let host = Host::on_disk();
    let sections = with_acls(
        "  - {object: SRV/app, type: file, mode: '4750', owner: 23456, acls: ['u:12345:rwx', 'm:7']}\n",
    );
    install(&host.revision("d/f=1", &sections)).expect("install");
    let metadata = fs::metadata(host.path("app/f")).expect("stat");
    assert_eq!((metadata.uid(), metadata.mode() & 0o7777), (23456, 0o4770));
    assert_eq!(acl(&host.path("app/f"), ACCESS_ACL), "user::7 user:12345:7 group::5 mask::7 other::0");
}

#[test]
fn a_copy_does_not_take_the_list_of_its_source() {
    let host = Host::on_disk();
    let request = host.revision("d/f=1", ALL_TO_APP);
    give_acl(&request.archive_dir.join("d/f"));
    install(&request).expect("install");
    assert_eq!(acl(&host.path("app/f"), ACCESS_ACL), "");
}

#[test]
fn files_keep_their_mode_where_the_folder_gives_lists() {
    let host = Host::on_disk();
    let sections = with_acls("  - {object: SRV/app, type: directory, acls: ['d:u::7', 'd:g::0', 'd:o:0']}\n");
    install(&host.revision("d/e/f=1", &sections)).expect("install");
    write(&host.srv(), "app/e/stays=x");
    let request = host.revision("d/e/f=1 d/e/g=2", ALL_TO_APP);
    for name in ["d/e/f", "d/e/g"] {
        let path = request.archive_dir.join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o664)).expect("mode");
    }
    install(&request).expect("install");
    assert_eq!(acl(&host.path("app/e"), DEFAULT_ACL), "user::7 group::0 other::0");
    assert_eq!(["app/e/f", "app/e/g"].map(|name| mode(&host.path(name))), [0o664, 0o664]);
}

#[test]
fn an_install_that_fails_gives_back_files_with_their_lists() {
    let host = Host::on_disk();
    write(&host.srv(), "app/f=foreign");
    give_acl(&host.path("app/f"));
    let before = acl(&host.path("app/f"), ACCESS_ACL);
    // A revision of which one attribute cannot be set.
    let sections = with_acls("  - {object: SRV/app/nowhere, mode: '600'}\n");
    let mut request = host.revision("d/f=1 d/nowhere->no/where", &sections);
    request.file_exists_behavior = "OVERWRITE".to_owned();
    install(&request).expect_err("the link leads nowhere");
    assert_eq!(host.shown(), "app/ app/f=foreign");
    assert_eq!(acl(&host.path("app/f"), ACCESS_ACL), before);
}

/// Gives a file a list of its own.
fn give_acl(path: &Path) {
    let rule = AclRule { entry: AclEntry::parse("u:12345:7").expect("entry"), id: Some(12345) };
    let instruction = Instruction::SetAcl { acl: [rule].into(), file: path.to_owned() };
    Attributes::default().set(&instruction, path).expect("set");
    assert!(!acl(path, ACCESS_ACL).is_empty());
}

#[test]
fn a_failing_list_undoes_the_install_in_the_original_words() {
    let host = Host::on_disk();
    install(&host.revision("d/f=1", ALL_TO_APP)).expect("first");
    let before = host.snapshot();
    // More entries than any file system takes.
    let entries: Vec<String> = (1..9000).map(|id| format!("'u:{id}:7'")).collect();
    let sections = with_acls(&format!("  - {{object: SRV/app/f, acls: [{}]}}\n", entries.join(", ")));
    let error = install(&host.revision("d/f=2", &sections)).expect_err("too long");
    let (path, text) = (host.path("app/f").display().to_string(), error.to_string());
    let begin = format!(
        "The deployment failed because of a problem with the acls permission settings in the application specification file for this object: {path}. Failed command: setfacl --set user:1:rwx,user:2:rwx,"
    );
    assert!(text.starts_with(&begin), "{}", &text[..300]);
    assert!(text.ends_with(&format!(",mask::r-- {path}. Exit code: 1")), "{}", &text[text.len() - 100..]);
    let evidence = error.evidence();
    assert!(matches!(&evidence[..], [Evidence::SystemRefusal { path: Some(at), .. }] if *at == path));
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_file_system_without_lists_is_an_error_unless_the_mode_says_it_all() {
    let file = Path::new("/proc/self/status");
    let set = |rules: &[AclRule]| {
        let instruction = Instruction::SetAcl { acl: rules.into(), file: file.to_owned() };
        Attributes::default().set(&instruction, file)
    };
    set(&[]).expect("nothing but the mode");
    let rule = AclRule { entry: AclEntry::parse("u:root:7").expect("entry"), id: Some(0) };
    let error = set(&[rule]).expect_err("not supported");
    assert_eq!(
        error.to_string(),
        "The deployment failed because of a problem with the acls permission settings in the application specification file for this object: /proc/self/status. Failed command: setfacl --set user:root:rwx,user::r--,group::r--,other::r--,mask::r-- /proc/self/status. Exit code: 1"
    );
    let name = "EOPNOTSUPP".to_owned();
    let path = Some("/proc/self/status".to_owned());
    assert_eq!(error.evidence(), [Evidence::SystemRefusal { path, errno: 95, name }]);
}

#[test]
fn lists_through_links_are_given_back() {
    let host = Host::on_disk();
    write(&host.srv(), "outside=x");
    give_acl(&host.path("outside"));
    let before = (mode(&host.path("outside")), acl(&host.path("outside"), ACCESS_ACL));
    let sections = with_acls("  - {object: SRV/app/l, mode: '640', acls: ['u:23456:r']}\n");
    install(&host.revision("d/l->../outside", &sections)).expect("install");
    let after = acl(&host.path("outside"), ACCESS_ACL);
    assert_eq!(after, "user::6 user:23456:4 group::4 mask::4 other::0");

    // Begins anew with what it was, and is stopped after the change.
    setxattr(host.path("outside"), ACCESS_ACL, &[2, 0, 0, 0], XattrFlags::empty()).expect("no list");
    give_acl(&host.path("outside"));
    fs::set_permissions(host.path("outside"), fs::Permissions::from_mode(before.0)).expect("mode");
    let before = (mode(&host.path("outside")), acl(&host.path("outside"), ACCESS_ACL));
    let request = host.revision("d/l->../outside", &sections);
    crash::stop_when(&host, |host| mode(&host.path("outside")) == 0o640, &request);
    assert_eq!(recover(&host.root()).expect("recover").len(), 1);
    assert_eq!((mode(&host.path("outside")), acl(&host.path("outside"), ACCESS_ACL)), before);
}
