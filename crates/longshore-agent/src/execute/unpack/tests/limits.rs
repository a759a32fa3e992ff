//! What the operator forbids, what the disk does not take, and what is seen of both.

use longshore_model::evidence::Evidence;

use super::*;
use crate::config::ByteLimit;
use crate::failure::Evident;

#[test]
fn the_total_size_can_be_limited() {
    let limits = UnpackLimits {
        max_bytes: Some(ByteLimit { key: "archive_max_extraction_size", bytes: 10 }),
        ..UnpackLimits::default()
    };
    let place = Place::new(&tar_of(&["a=12345", "b=123456"]));
    let error = place.unpack(BundleKind::Tar, limits).expect_err("11 bytes");
    assert_eq!(
        error.to_string(),
        "Error extracting tar archive: the content exceeds archive_max_extraction_size (10)"
    );
    let place = Place::new(&tar_of(&["a=12345", "b=12345"]));
    place.unpack(BundleKind::Tar, limits).expect("10 bytes");
}

fn limit(bytes: u64) -> UnpackLimits {
    UnpackLimits {
        max_bytes: Some(ByteLimit { key: "max_extracted_bytes", bytes }),
        ..UnpackLimits::default()
    }
}

/// What comes of a bundle, its evidence as JSON, and whether the archive's directory is there.
fn refused(bundle: &[u8], kind: BundleKind, limits: UnpackLimits) -> (String, String, bool) {
    let place = Place::new(bundle);
    let error = place.unpack(kind, limits).expect_err("refused");
    let evidence = serde_json::to_string(&error.evidence()).expect("json");
    (error.to_string(), evidence, place.archive().exists())
}

#[test]
fn a_size_that_is_announced_is_refused_before_it_is_unpacked() {
    let zip = zip_of(&["a=12345", "b=123456"]);
    let (message, evidence, is_there) = refused(&zip, BundleKind::Zip, limit(10));
    assert_eq!(message, "Error extracting zip archive: the content exceeds max_extracted_bytes (10)");
    assert_eq!(evidence, r#"[{"kind":"rule_broken","rule":"max_extracted_bytes","subjects":["10"]}]"#);
    assert!(!is_there, "what was unpacked is removed");
    Place::new(&zip).unpack(BundleKind::Zip, limit(11)).expect("11 bytes");
}

#[test]
fn a_small_archive_of_a_large_file_is_stopped_at_the_limit() {
    let mut header = header(EntryType::Regular, "zeros", 1 << 30);
    header.set_cksum();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(header.as_bytes()).expect("header");
    io::copy(&mut io::repeat(0).take(4 << 20), &mut gzip).expect("content");
    let (message, _, is_there) = refused(&gzip.finish().expect("finish"), BundleKind::Tgz, limit(1 << 20));
    assert_eq!(message, "Error extracting tar archive: the content exceeds max_extracted_bytes (1048576)");
    assert!(!is_there, "what was unpacked is removed");
}

#[test]
fn members_without_end_are_refused() {
    let mut tree = Tree::open(tempfile::tempdir().expect("folder").path(), limit(1)).expect("tree");
    tree.announce(rules::MAX_MEMBERS, 1).expect("as many as may be");
    let fault = tree.announce(rules::MAX_MEMBERS + 1, 1).expect_err("one more");
    assert!(fault.is_excess());
    assert_eq!(
        fault.into_error("zip", Path::new("bundle")).to_string(),
        "Error extracting zip archive: more than 1000000 members"
    );
}

#[track_caller]
fn check_forbidden(bundle: &[u8], kind: BundleKind, limits: UnpackLimits, name: &str, what: &str, key: &str) {
    let format = if kind == BundleKind::Zip { "zip" } else { "tar" };
    let (message, evidence, _) = refused(bundle, kind, limits);
    assert_eq!(message, format!("Error extracting {format} archive: {name} {what}, which {key} forbids"));
    assert_eq!(evidence, format!(r#"[{{"kind":"rule_broken","rule":"{key}","subjects":["{name}"]}}]"#));
}

#[test]
fn links_can_be_forbidden() {
    let limits = UnpackLimits { rejects_links: true, ..UnpackLimits::default() };
    let check = |bundle: &[u8], kind, name| {
        check_forbidden(bundle, kind, limits, name, "is a link", "reject_symlinks_in_bundle");
    };
    check(&tar_of(&["f=x", "l->f"]), BundleKind::Tar, "l");
    check(&tar_of(&["f=x", "h=>f"]), BundleKind::Tar, "h");
    check(&zip_of(&["f=x", "l->f"]), BundleKind::Zip, "l");
    Place::new(&tar_of(&["d/f=x"])).unpack(BundleKind::Tar, limits).expect("no link");
}

#[test]
fn setuid_and_setgid_can_be_forbidden() {
    let limits = UnpackLimits { rejects_special_bits: true, ..UnpackLimits::default() };
    let with_mode = |mode| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = header(EntryType::Regular, "f", 0);
        header.set_mode(mode);
        header.set_cksum();
        tar.append(&header, io::empty()).expect("append");
        tar.into_inner().expect("finish")
    };
    let check = |bundle: &[u8], kind| {
        let key = "reject_unsafe_permissions_in_bundle";
        check_forbidden(bundle, kind, limits, "f", "has setuid or setgid", key);
    };
    check(&with_mode(0o4755), BundleKind::Tar);
    check(&with_mode(0o2755), BundleKind::Tar);
    // The writer leaves these bits out, so they are put into the directory's entry.
    let mut zip = zip_of(&["f=x"]);
    let directory = zip.windows(4).position(|at| at == b"PK\x01\x02").expect("directory");
    zip[directory + 41] |= 0o4000_u16.to_be_bytes()[0];
    check(&zip, BundleKind::Zip);
    Place::new(&with_mode(0o1755)).unpack(BundleKind::Tar, limits).expect("sticky does no harm");
}

#[test]
fn owners_of_the_archive_can_be_ignored() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = header(EntryType::Regular, "f", 0);
    header.set_uid(12_345);
    header.set_gid(23_456);
    header.set_cksum();
    tar.append(&header, io::empty()).expect("append");
    let place = Place::new(&tar.into_inner().expect("finish"));
    let limits = UnpackLimits { ignores_owners: true, ..UnpackLimits::default() };
    place.unpack(BundleKind::Tar, limits).expect("unpack");
    let metadata = fs::metadata(place.archive().join("f")).expect("stat");
    assert_eq!(metadata.uid(), rustix::process::geteuid().as_raw());
}

#[test]
fn what_was_seen_is_kept_typed() {
    let evidence = |members: &[&str]| refused(&tar_of(members), BundleKind::Tar, limit(u64::MAX)).1;
    assert_eq!(
        evidence(&["../x=evil"]),
        r#"[{"kind":"rule_broken","rule":"unsafe_entry","subjects":["../x"]}]"#
    );
    assert_eq!(
        evidence(&["d/", "d=x"]),
        r#"[{"kind":"system_refusal","path":"d","errno":21,"name":"EISDIR"}]"#
    );
    assert_eq!(
        refused(b"no archive", BundleKind::Zip, limit(1)).1,
        r#"[{"kind":"archive_damaged","format":"zip","member":null,"detail":"invalid Zip archive: Could not find EOCD"}]"#
    );
    let missing = unpack(Path::new("/nonexistent/b"), BundleKind::Zip, Path::new("x"), &limit(1));
    assert_eq!(
        serde_json::to_string(&missing.expect_err("missing").evidence()).expect("json"),
        r#"[{"kind":"system_refusal","path":"/nonexistent/b","errno":2,"name":"ENOENT"}]"#
    );
}

/// Where the test below finds itself again, in a file system of its own of 256 KiB.
const SMALL_DISK: &str = "LONGSHORE_TEST_SMALL_DISK";

#[test]
fn a_full_disk_is_said_and_what_was_unpacked_is_removed() {
    if let Some(disk) = std::env::var_os(SMALL_DISK) {
        return in_a_small_disk(Path::new(&disk));
    }
    let folder = tempfile::tempdir().expect("folder");
    // The mount is in a namespace of the child: nobody else sees it, and it goes with the child.
    let script = "mount -t tmpfs -o size=256k none \"$1\" && shift && exec \"$@\"";
    let output = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "--nocapture"])
        .arg("execute::unpack::tests::limits::a_full_disk_is_said_and_what_was_unpacked_is_removed")
        .env(SMALL_DISK, folder.path())
        .output()
        .expect("unshare runs");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn in_a_small_disk(disk: &Path) {
    let content = "x".repeat(300 << 10);
    let large = format!("large={content}");
    let members = ["small=x", large.as_str()];
    for (kind, bundle) in [(BundleKind::Tgz, gzip(&tar_of(&members))), (BundleKind::Zip, zip_of(&members))] {
        let (bundle_file, into) = (disk.join("bundle"), disk.join("archive"));
        fs::write(&bundle_file, bundle).expect("write");
        let error = unpack(&bundle_file, kind, &into, &UnpackLimits::default()).expect_err("full");
        assert_eq!(error.to_string(), "The disk is (or was) full during extraction.");
        assert!(!into.exists());
        match error.evidence().as_slice() {
            [Evidence::DiskFull { path, needed_bytes, available_bytes: Some(available), .. }] => {
                assert_eq!((path.as_str(), *needed_bytes), (into.to_str().expect("text"), (300 << 10) + 1));
                assert!((1..256 << 10).contains(available), "{available}");
            }
            other => panic!("{other:?}"),
        }
    }
}
