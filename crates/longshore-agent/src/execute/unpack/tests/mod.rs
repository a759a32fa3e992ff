//! One line per rule of agent.md §5.4. Members are written `d/`, `f=content`, `l->text`, `h=>member`,
//! `p|` (a named pipe), `c!` (a device); what was unpacked is shown the same way.

mod hostile;
mod limits;
mod tools;

use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::PathBuf;

use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;

use super::*;

fn tar_of(members: &[&str]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for member in members {
        let (kind, name, text) = parse(member);
        let (link, content) = match kind {
            EntryType::Regular => ("", text),
            _ => (text, ""),
        };
        let mut header = header(kind, name, content.len() as u64);
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        tar.append(&header, content.as_bytes()).expect("append");
    }
    tar.into_inner().expect("finish")
}

/// The builder refuses bad names, so they are written into the header directly.
fn header(kind: EntryType, name: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o640 });
    header.set_mtime(1_000_000_000);
    header.set_uid(u64::from(rustix::process::geteuid().as_raw()));
    header.set_gid(u64::from(rustix::process::getegid().as_raw()));
    header
}

fn parse(member: &str) -> (EntryType, &str, &str) {
    let forms = [("=>", EntryType::Link), ("->", EntryType::Symlink), ("=", EntryType::Regular)];
    for (mark, kind) in forms {
        if let Some((name, text)) = member.split_once(mark) {
            return (kind, name, text);
        }
    }
    match member.strip_suffix('!') {
        Some(name) => (EntryType::Char, name, ""),
        None => match member.strip_suffix('|') {
            Some(name) => (EntryType::Fifo, name, ""),
            None => (EntryType::Directory, member, ""),
        },
    }
}

fn zip_of(members: &[&str]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for member in members {
        let (kind, name, text) = parse(member);
        let options = SimpleFileOptions::default();
        match kind {
            EntryType::Directory => zip.add_directory(name, options.unix_permissions(0o755)).expect("add"),
            EntryType::Symlink => zip.add_symlink(name, text, options).expect("add"),
            _ => {
                zip.start_file(name, options.unix_permissions(0o6750)).expect("add");
                zip.write_all(text.as_bytes()).expect("write");
            }
        }
    }
    zip.finish().expect("finish").into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).expect("write");
    gzip.finish().expect("finish")
}

/// A folder of a test with a bundle in it. What lies beside the archive must stay as it is.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(bundle: &[u8]) -> Place {
        let folder = tempfile::tempdir().expect("folder");
        fs::write(folder.path().join("bundle.tar"), bundle).expect("bundle");
        Place { folder }
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join("deployment-archive")
    }

    fn unpack(&self, kind: BundleKind, limits: UnpackLimits) -> Result<(), UnpackError> {
        unpack(&self.folder.path().join("bundle.tar"), kind, &self.archive(), &limits)
    }

    /// Unpacks and shows the tree, or the error.
    fn outcome(&self, kind: BundleKind) -> String {
        match self.unpack(kind, UnpackLimits::default()) {
            Ok(()) => {
                let beside = fs::read_dir(self.folder.path()).expect("list").count();
                assert_eq!(beside, 2, "something was written beside the archive");
                show(&self.archive())
            }
            Err(error) => error.to_string(),
        }
    }
}

fn show(root: &Path) -> String {
    let mut shown = Vec::new();
    show_below(root, "", &mut shown);
    shown.sort();
    shown.join(" ")
}

fn show_below(dir: &Path, prefix: &str, shown: &mut Vec<String>) {
    for entry in fs::read_dir(dir).expect("list") {
        let entry = entry.expect("entry");
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().expect("type");
        if kind.is_dir() {
            shown.push(format!("{name}/"));
            show_below(&entry.path(), &format!("{name}/"), shown);
        } else if kind.is_symlink() {
            shown.push(format!("{name}->{}", fs::read_link(entry.path()).expect("link").display()));
        } else if kind.is_fifo() {
            shown.push(format!("{name}|"));
        } else {
            shown.push(format!("{name}={}", fs::read_to_string(entry.path()).expect("content")));
        }
    }
}

#[track_caller]
fn check_tar(members: &[&str], expected: &str) {
    let tar = tar_of(members);
    assert_eq!(Place::new(&tar).outcome(BundleKind::Tar), expected, "{members:?}");
    assert_eq!(Place::new(&gzip(&tar)).outcome(BundleKind::Tgz), expected, "gzip {members:?}");
}

#[track_caller]
fn check_zip(members: &[&str], expected: &str) {
    assert_eq!(Place::new(&zip_of(members)).outcome(BundleKind::Zip), expected, "{members:?}");
}

#[test]
fn files_directories_and_links_are_unpacked() {
    check_tar(&["d/", "d/f=hello", "l->d/f", "h=>d/f"], "d/ d/f=hello h=hello l->d/f");
    check_tar(&["deep/er/f=x", "g="], "deep/ deep/er/ deep/er/f=x g=");
    check_tar(&["dangling->nowhere", "absolute->/etc"], "absolute->/etc dangling->nowhere");
    check_zip(&["d/", "d/f=hello", "l->d/f", "e/f=x"], "d/ d/f=hello e/ e/f=x l->d/f");
}

#[test]
fn compression_is_told_by_content_for_tar_and_tgz() {
    let tar = tar_of(&["f=x"]);
    assert_eq!(Place::new(&gzip(&tar)).outcome(BundleKind::Tar), "f=x");
    assert_eq!(Place::new(&tar).outcome(BundleKind::Tgz), "f=x");
}

#[test]
fn modes_and_times_are_kept_whatever_the_umask() {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, kind, mode) in [
        ("./", EntryType::Directory, 0o751),
        ("locked/", EntryType::Directory, 0o555),
        ("locked/f", EntryType::Regular, 0o4757),
    ] {
        let mut header = header(kind, name, 0);
        header.set_mode(mode);
        header.set_cksum();
        tar.append(&header, io::empty()).expect("append");
    }
    let place = Place::new(&tar.into_inner().expect("finish"));
    place.unpack(BundleKind::Tar, UnpackLimits::default()).expect("unpack");
    for (name, mode) in [("", 0o751), ("locked", 0o555), ("locked/f", 0o4757)] {
        let metadata = fs::metadata(place.archive().join(name)).expect("stat");
        assert_eq!((metadata.mode() & 0o7777, metadata.mtime()), (mode, 1_000_000_000), "{name}");
    }
    // So that anyone can remove the folder.
    fs::set_permissions(place.archive().join("locked"), fs::Permissions::from_mode(0o755)).expect("chmod");
}

#[test]
fn owners_are_restored_by_root_only() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = header(EntryType::Regular, "f", 0);
    header.set_uid(12_345);
    header.set_gid(23_456);
    header.set_mode(0o4711);
    header.set_cksum();
    tar.append(&header, io::empty()).expect("append");
    let place = Place::new(&tar.into_inner().expect("finish"));
    place.unpack(BundleKind::Tar, UnpackLimits::default()).expect("unpack");
    let metadata = fs::metadata(place.archive().join("f")).expect("stat");
    let is_root = rustix::process::geteuid().is_root();
    let expected = if is_root { 12_345 } else { rustix::process::geteuid().as_raw() };
    assert_eq!((metadata.uid(), metadata.mode() & 0o7777), (expected, 0o4711));
}

#[test]
fn zip_modes_are_restored_without_special_bits() {
    let place = Place::new(&zip_of(&["f=x"]));
    place.unpack(BundleKind::Zip, UnpackLimits::default()).expect("unpack");
    let metadata = fs::metadata(place.archive().join("f")).expect("stat");
    assert_eq!(metadata.mode() & 0o7777, 0o750);
}

#[test]
fn one_leading_directory_with_an_appspec_is_stripped() {
    check_tar(&["top/appspec.yml=x", "top/d/f=y"], "appspec.yml=x d/ d/f=y");
    check_tar(&["top/MyAppSpec.txt=x"], "MyAppSpec.txt=x");
    check_zip(&["top/appspec.yaml=x"], "appspec.yaml=x");
}

#[test]
fn nothing_else_is_stripped() {
    check_tar(&["top/appspec.yml=x", "other="], "other= top/ top/appspec.yml=x");
    check_tar(&["top/f=x"], "top/ top/f=x");
    check_tar(&["a/b/appspec.yml=x"], "a/ a/b/ a/b/appspec.yml=x");
}

#[test]
fn long_names_and_names_that_are_no_text_are_kept() {
    let mut tar = tar::Builder::new(Vec::new());
    let long = "d/".repeat(80) + &"n".repeat(200);
    let mut header = header(EntryType::Regular, "", 0);
    tar.append_data(&mut header, &long, io::empty()).expect("append");
    let place = Place::new(&tar.into_inner().expect("finish"));
    place.unpack(BundleKind::Tar, UnpackLimits::default()).expect("unpack");
    assert!(place.archive().join(long).is_file());

    let mut raw = Header::new_gnu();
    raw.as_old_mut().name[..3].copy_from_slice(b"a\xffb");
    raw.set_entry_type(EntryType::Regular);
    raw.set_size(0);
    raw.set_mode(0o644);
    raw.set_cksum();
    let mut tar = tar::Builder::new(Vec::new());
    tar.append(&raw, io::empty()).expect("append");
    let place = Place::new(&tar.into_inner().expect("finish"));
    place.unpack(BundleKind::Tar, UnpackLimits::default()).expect("unpack");
    let name = std::os::unix::ffi::OsStringExt::from_vec(b"a\xffb".to_vec());
    let name: std::ffi::OsString = name;
    assert!(place.archive().join(name).is_file());
}

#[test]
fn what_is_in_the_way_is_replaced_and_what_is_not_stays() {
    for (bundle, kind) in [(tar_of(&["f=new"]), BundleKind::Tar), (zip_of(&["f=new"]), BundleKind::Zip)] {
        let place = Place::new(&bundle);
        fs::create_dir(place.archive()).expect("folder");
        fs::write(place.archive().join("f"), "old").expect("write");
        fs::write(place.archive().join("other"), "stays").expect("write");
        assert_eq!(place.outcome(kind), "f=new other=stays");
    }
}

#[test]
fn names_that_mean_something_to_a_shell_are_names() {
    let members = ["$(touch evil)=1", "`id`=2", "; rm -rf .=3", "a b\nc=4", "-rf=5", "*=6"];
    let expected = "$(touch evil)=1 *=6 -rf=5 ; rm -rf .=3 `id`=2 a b\nc=4";
    let mut shown: Vec<&str> = members.to_vec();
    shown.sort_unstable();
    assert_eq!(shown.join(" "), expected);
    check_tar(&members, expected);
    check_zip(&members, expected);
}
