//! Archives made to do harm, and archives that are broken.

use super::*;

#[test]
fn absolute_members_lose_their_slash() {
    check_tar(&["/etc/f=x"], "etc/ etc/f=x");
    check_zip(&["/etc/f=x"], "etc/ etc/f=x");
}

#[test]
fn members_that_climb_out_are_refused() {
    check_tar(&["../x=evil"], "Error extracting tar archive: unsafe entry ../x");
    check_tar(&["a/../../x=evil"], "Error extracting tar archive: unsafe entry a/../../x");
    check_tar(&["f=x", "h=>../bundle.tar"], "Error extracting tar archive: unsafe entry h");
    check_zip(&["../../x=evil"], "Error extracting zip archive: unsafe entry ../../x");
}

#[test]
fn writing_through_a_link_that_leads_out_is_refused() {
    check_tar(&["l->..", "l/x=evil"], "Error extracting tar archive: unsafe entry l/x");
    check_tar(&["l->/tmp", "l/x=evil"], "Error extracting tar archive: unsafe entry l/x");
    check_tar(&["d/", "d/l->../..", "d/l/x=evil"], "Error extracting tar archive: unsafe entry d/l/x");
    check_tar(&["a->b", "b->..", "a/x=evil"], "Error extracting tar archive: unsafe entry a/x");
    check_tar(&["a->a", "a/x=evil"], "Error extracting tar archive: unsafe entry a/x");
    check_tar(&["l->..", "h=>l/bundle.tar"], "Error extracting tar archive: unsafe entry h");
    check_zip(&["l->..", "l/x=evil"], "Error extracting zip archive: unsafe entry l/x");
}

#[test]
fn writing_through_a_link_that_stays_inside_works() {
    check_tar(
        &["releases/1/", "current->releases/1", "current/f=x"],
        "current->releases/1 releases/ releases/1/ releases/1/f=x",
    );
    check_tar(&["d/", "d/up->../e", "d/up/f=x", "e/"], "d/ d/up->../e e/ e/f=x");
}

#[test]
fn a_later_member_replaces_an_earlier_one_and_never_follows_it() {
    check_tar(&["f=old", "f=new"], "f=new");
    check_tar(&["f->../bundle.tar", "f=new"], "f=new");
    check_tar(&["d->..", "d/"], "d/");
    check_tar(&["d->..", "d/", "d/f=x"], "d/ d/f=x");
    check_tar(
        &["d/", "d/f=x", "other->..", "d=>other"],
        "Error extracting tar archive: 2 (d: Is a directory (os error 21))",
    );
}

#[test]
fn a_sparse_file_in_pax_format_is_refused_and_not_unpacked_wrongly() {
    let mut tar = tar::Builder::new(Vec::new());
    let fields: [(&str, &[u8]); 2] = [("GNU.sparse.major", b"1"), ("GNU.sparse.name", b"f")];
    tar.append_pax_extensions(fields).expect("append");
    let mut header = header(EntryType::Regular, "GNUSparseFile.1/f", 1);
    header.set_cksum();
    tar.append(&header, &b"0"[..]).expect("append");
    assert_eq!(
        Place::new(&tar.into_inner().expect("finish")).outcome(BundleKind::Tar),
        "Error extracting tar archive: 2 (GNUSparseFile.1/f: sparse files in PAX format are not available yet)"
    );
}

#[test]
fn devices_are_refused_and_pipes_are_left_to_install() {
    check_tar(&["dev!"], "Error extracting tar archive: unsafe entry dev");
    check_tar(&["pipe|"], "pipe|");
}

#[test]
fn damaged_archives_fail() {
    let starts = |bytes: &[u8], kind: BundleKind, expected: &str| {
        let outcome = Place::new(bytes).outcome(kind);
        assert!(outcome.starts_with(expected), "{outcome}");
    };
    starts(b"", BundleKind::Tar, "Error extracting tar archive: 2 (the archive is empty)");
    starts(b"no archive at all", BundleKind::Tar, "Error extracting tar archive: 2 (");
    starts(b"no archive at all", BundleKind::Zip, "Error extracting zip archive: 2 (");
    let mut cut = gzip(&tar_of(&["f=x"]));
    cut.truncate(cut.len() - 4);
    starts(&cut, BundleKind::Tgz, "Error extracting tar archive: 2 (");
    let tar = tar_of(&["f=some content that is long enough"]);
    starts(&tar[..520], BundleKind::Tar, "Error extracting tar archive: 2 (unexpected EOF");
}

#[test]
fn headers_that_would_fill_the_memory_are_refused() {
    let mut header = header(EntryType::GNULongName, "long", 8 << 20);
    header.set_cksum();
    let mut tar = tar::Builder::new(Vec::new());
    tar.append(&header, io::repeat(b'x').take(8 << 20)).expect("append");
    let outcome = Place::new(&gzip(&tar.into_inner().expect("finish"))).outcome(BundleKind::Tgz);
    assert_eq!(outcome, "Error extracting tar archive: 2 (the header of a member is too large)");
}

#[test]
fn padding_after_a_compressed_archive_does_not_matter() {
    let mut padded = gzip(&tar_of(&["f=x"]));
    padded.extend([0; 512]);
    assert_eq!(Place::new(&padded).outcome(BundleKind::Tgz), "f=x");
}

fn tar_with_pax(fields: &[(&str, &[u8])], member: &[(EntryType, &str, u64)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_pax_extensions(fields.iter().copied()).expect("append");
    for (kind, name, size) in member {
        let mut header = header(*kind, name, *size);
        header.set_cksum();
        tar.append(&header, io::repeat(b'x').take(*size)).expect("append");
    }
    tar.into_inner().expect("finish")
}

#[track_caller]
fn check_pax(field: (&str, &[u8]), kind: EntryType, expected: &str) {
    let tar = tar_with_pax(&[field], &[(kind, "f", 0)]);
    let outcome = Place::new(&tar).outcome(BundleKind::Tar);
    assert!(outcome.starts_with(expected), "{field:?}: {outcome}");
}

#[test]
fn names_sizes_and_targets_of_extended_headers_obey_the_same_rules() {
    let unsafe_entry = |name: &str| format!("Error extracting tar archive: unsafe entry {name}");
    check_pax(("path", b"../x"), EntryType::Regular, &unsafe_entry("../x"));
    check_pax(("path", b"/abs"), EntryType::Regular, "abs=");
    check_pax(("path", b"a\0b"), EntryType::Regular, &unsafe_entry("a\0b"));
    check_pax(("linkpath", b"../bundle.tar"), EntryType::Link, &unsafe_entry("f"));
    check_pax(("size", b"18446744073709551615"), EntryType::Regular, "Error extracting tar archive: 2 (");
    check_pax(("size", b"99999999999999"), EntryType::Regular, "Error extracting tar archive: 2 (");
    check_pax(("path", &[b'n'; 300]), EntryType::Regular, "Error extracting tar archive: 2 (nnn");
}

#[test]
fn a_header_that_is_no_number_or_has_no_sum_is_damage() {
    let tar = tar_of(&["f=x"]);
    for (place, bytes) in [(124, &b"99999999"[..]), (148, b"7777777"), (100, b"rwxrwxr")] {
        let mut broken = tar.clone();
        broken[place..place + bytes.len()].copy_from_slice(bytes);
        let outcome = Place::new(&broken).outcome(BundleKind::Tar);
        assert!(outcome.starts_with("Error extracting tar archive: 2 ("), "{place}: {outcome}");
    }
}

#[test]
fn links_to_links_and_hard_links_to_links_do_not_lead_out() {
    let leads_out = |name: &str| format!("Error extracting tar archive: unsafe entry {name}");
    check_tar(&["a->..", "h=>a", "h/x=evil"], &leads_out("h/x"));
    check_tar(&["d/", "d/a->..", "b->d/a/..", "b/x=evil"], &leads_out("b/x"));
    check_tar(&["a->./b", "b->./c", "c->/", "a/x=evil"], &leads_out("a/x"));
    check_tar(&["abs->/etc", "abs/x=evil"], &leads_out("abs/x"));
    check_tar(
        &["h=>/etc/hostname"],
        "Error extracting tar archive: 2 (h: No such file or directory (os error 2))",
    );
    check_tar(&["f=old", "h=>f", "h=new"], "f=old h=new");
    check_tar(&["l->../bundle.tar", "h=>l", "h=new"], "h=new l->../bundle.tar");
}

#[test]
fn a_directory_that_replaces_a_link_is_where_later_members_go() {
    check_tar(&["real/", "d->real", "d/a=1", "d/", "d/b=2"], "d/ d/b=2 real/ real/a=1");
    check_tar(&["one/", "two/", "l->one", "l/a=1", "l->two", "l/b=2"], "l->two one/ one/a=1 two/ two/b=2");
    check_tar(&["d/f=x", "d->.."], "Error extracting tar archive: 2 (d: Is a directory (os error 21))");
}

#[test]
fn names_that_differ_in_case_only_are_two() {
    check_tar(&["D->..", "d/x=fine"], "D->.. d/ d/x=fine");
}

#[test]
fn kinds_of_members_that_only_gnu_tar_writes_are_known() {
    let of_kind = |byte: u8| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = header(EntryType::new(byte), "m", 0);
        header.set_cksum();
        tar.append(&header, io::empty()).expect("append");
        Place::new(&tar.into_inner().expect("finish")).outcome(BundleKind::Tar)
    };
    assert_eq!(of_kind(b'D'), "m/");
    assert_eq!(of_kind(b'M'), "Error extracting tar archive: 2 (m: the archive is one of several volumes)");
    assert_eq!(of_kind(b'7'), "m=");
}

#[test]
fn what_follows_the_last_member_has_an_end() {
    let mut tar = tar_of(&["f=x"]);
    tar.extend(vec![0; 65 << 20]);
    assert_eq!(
        Place::new(&gzip(&tar)).outcome(BundleKind::Tgz),
        "Error extracting tar archive: 2 (too much follows the last member)"
    );
}

/// Replaces bytes by others of the same length.
fn replaced(archive: &[u8], from: &[u8], to: &[u8], which: usize) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        archive.windows(from.len()).enumerate().filter(|(_, at)| *at == from).map(|(idx, _)| idx).collect();
    let mut archive = archive.to_vec();
    archive[places[which]..][..to.len()].copy_from_slice(to);
    archive
}

#[test]
fn only_the_directory_of_a_zip_counts() {
    let zip = zip_of(&["name=x"]);
    // The first is the local header's, the second the directory's.
    assert_eq!(Place::new(&replaced(&zip, b"name", b"../x", 0)).outcome(BundleKind::Zip), "name=x");
    assert_eq!(
        Place::new(&replaced(&zip, b"name", b"../x", 1)).outcome(BundleKind::Zip),
        "Error extracting zip archive: unsafe entry ../x"
    );
    assert_eq!(
        Place::new(&replaced(&zip, b"name", b"na\0e", 1)).outcome(BundleKind::Zip),
        "Error extracting zip archive: unsafe entry na\0e"
    );
}

#[test]
fn a_zip_whose_content_is_not_what_its_directory_says_is_damaged() {
    let crc = |text: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(text);
        crc.sum().to_le_bytes()
    };
    let zip = zip_of(&["f=some text"]);
    let outcome = |zip: &[u8]| Place::new(zip).outcome(BundleKind::Zip);
    assert_eq!(
        outcome(&replaced(&zip, &crc(b"some text"), &crc(b"another"), 1)),
        "Error extracting zip archive: 2 (f: the checksum is wrong)"
    );
    // The size stands behind the checksum and the packed size of the directory's entry.
    let place = zip.windows(4).rposition(|at| at == crc(b"some text")).expect("checksum") + 8;
    for (size, expected) in
        [(10_u32, "1 bytes are missing"), (8, "there is more content than the archive's directory says")]
    {
        let mut wrong = zip.clone();
        wrong[place..place + 4].copy_from_slice(&size.to_le_bytes());
        assert_eq!(outcome(&wrong), format!("Error extracting zip archive: 2 (f: {expected})"));
    }
    let starts = |zip: &[u8], expected: &str| {
        let outcome = outcome(zip);
        assert!(outcome.starts_with(expected), "{outcome}");
    };
    starts(&zip[..zip.len() - 30], "Error extracting zip archive: 2 (");
    starts(b"", "Error extracting zip archive: 2 (the archive is empty)");
}

#[test]
fn members_of_a_zip_that_share_their_bytes_are_refused() {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("a", stored).expect("add");
    zip.write_all(&[0; 1000]).expect("write");
    let zip = zip.finish().expect("finish").into_inner();
    let directory = zip.windows(4).position(|at| at == b"PK\x01\x02").expect("directory");
    let end = zip.windows(4).position(|at| at == b"PK\x05\x06").expect("end");
    let entry = &zip[directory..end];
    let mut bomb = [&zip[..end], &replaced(entry, b"a", b"b", 0), &zip[end..]].concat();
    let end = end + entry.len();
    for place in [8, 10] {
        bomb[end + place] = 2;
    }
    let length = u32::try_from(2 * entry.len()).expect("short").to_le_bytes();
    bomb[end + 12..end + 16].copy_from_slice(&length);
    assert_eq!(
        Place::new(&bomb).outcome(BundleKind::Zip),
        "Error extracting zip archive: 2 (its members overlap)"
    );
}

#[test]
fn a_zip_link_with_a_text_longer_than_any_path_is_refused() {
    let long = format!("l->{}", "x".repeat(1 << 20));
    check_zip(&[&long], "Error extracting zip archive: 2 (l: a link with a text that is too long)");
}

#[test]
fn a_zip_that_is_encrypted_or_packed_strangely_is_refused() {
    let zip = zip_of(&["f=x"]);
    let directory = zip.windows(4).position(|at| at == b"PK\x01\x02").expect("directory");
    let with = |place: usize, value: u8| {
        let mut zip = zip.clone();
        zip[directory + place] = value;
        Place::new(&zip).outcome(BundleKind::Zip)
    };
    assert!(with(8, 1).contains("Password required"), "{}", with(8, 1));
    // Method 99 is no compression at all.
    assert!(with(10, 98).contains("not supported"), "{}", with(10, 98));
}
