//! Archives as the programs make them that people have: `tar`, `gzip`, `bzip2`, `xz`, `zstd`, `zip`.

use std::process::{Command, Stdio};

use super::*;

/// A folder with something of everything; what it is when unpacked.
fn source(folder: &Path) -> String {
    let source = folder.join("source");
    fs::create_dir_all(source.join("bin")).expect("folder");
    // More than one block of any packer, and not the same over and over.
    let text: String = (0..40_000_u32).map(|n| format!("{}\n", n.wrapping_mul(2_654_435_761))).collect();
    fs::write(source.join("large"), text).expect("write");
    fs::write(source.join("bin/tool"), "#!/bin/sh\n").expect("write");
    fs::set_permissions(source.join("bin/tool"), fs::Permissions::from_mode(0o750)).expect("mode");
    std::os::unix::fs::symlink("bin/tool", source.join("link")).expect("link");
    fs::hard_link(source.join("bin/tool"), source.join("second")).expect("link");
    let long = format!("{}/{}", "d".repeat(120), "n".repeat(140));
    fs::create_dir(source.join("d".repeat(120))).expect("folder");
    fs::write(source.join(long), "deep").expect("write");
    show(&source)
}

fn shell(folder: &Path, script: &str) -> Vec<u8> {
    let output = Command::new("sh")
        .args(["-c", &format!("set -e; {script}")])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("sh runs");
    assert!(output.status.success(), "{script}: {}", output.status);
    output.stdout
}

/// What `script` prints in a folder with `source` is unpacked to the same.
#[track_caller]
fn check(script: &str, kinds: &[BundleKind]) {
    let folder = tempfile::tempdir().expect("folder");
    let expected = source(folder.path());
    let bundle = shell(folder.path(), script);
    for kind in kinds {
        let place = Place::new(&bundle);
        assert!(place.outcome(*kind) == expected, "{script}: {}", shortened(&place.outcome(*kind)));
        let mode = fs::metadata(place.archive().join("bin/tool")).expect("stat").mode();
        assert_eq!(mode & 0o7777, 0o750, "{script}");
        if *kind != BundleKind::Zip {
            let n_names = fs::metadata(place.archive().join("second")).expect("stat").nlink();
            assert_eq!(n_names, 2, "{script}");
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}

const TAR: [BundleKind; 2] = [BundleKind::Tar, BundleKind::Tgz];

#[test]
fn every_compression_of_tar_archives_is_unpacked() {
    for packer in [
        "cat",
        "gzip -1",
        "gzip -9",
        "bzip2 -1",
        "bzip2 -9",
        "xz -0",
        "xz -9e",
        "xz --check=none",
        "xz --check=sha256",
        "xz -T2 --block-size=65536",
        "xz --x86 --lzma2",
        "zstd -1 -q",
        "zstd -19 -q",
        "zstd --ultra -21 -q",
        "zstd --no-check -q",
        "zstd --long=26 -q",
    ] {
        check(&format!("tar -cf - -C source . | {packer}"), &TAR);
    }
}

#[test]
fn the_options_of_tar_that_name_a_compression_work() {
    for option in ["-z", "-j", "-J", "--zstd"] {
        check(&format!("tar {option} -cf - -C source ."), &TAR);
    }
}

#[test]
fn several_streams_are_one_archive() {
    for packer in ["gzip", "bzip2", "xz", "zstd -q"] {
        let script = format!(
            "tar -cf all -C source .; head -c 100000 all | {packer} > a; tail -c +100001 all | {packer} > b; cat a b"
        );
        check(&script, &TAR);
    }
    // As parallel packers write: something to be skipped first, and between.
    let skipped = r"printf '\120\052\115\030\004\000\000\000skip'";
    check(&format!("{skipped}; tar -cf - -C source . | zstd -q; {skipped}"), &TAR);
}

#[test]
fn every_format_of_tar_is_unpacked() {
    for format in ["gnu", "oldgnu", "pax", "posix"] {
        check(&format!("tar --format={format} -cf - -C source ."), &TAR);
    }
}

#[test]
fn holes_of_sparse_files_are_zeros() {
    let folder = tempfile::tempdir().expect("folder");
    let bundle = shell(
        folder.path(),
        "printf begin > f; truncate -s 1M f; printf end >> f; tar -S --format=gnu -cf - f",
    );
    let place = Place::new(&bundle);
    place.unpack(BundleKind::Tar, UnpackLimits::default()).expect("unpack");
    let content = fs::read(place.archive().join("f")).expect("read");
    assert_eq!(
        (content.len(), &content[..6], &content[content.len() - 4..]),
        ((1 << 20) + 3, &b"begin\0"[..], &b"\0end"[..])
    );
}

#[test]
fn archives_of_zip_are_unpacked() {
    for options in ["-r", "-r -9", "-r -0", "-r -Z bzip2", "-r -fz"] {
        check(&format!("cd source; zip -q -y {options} ../a.zip .; cat ../a.zip"), &[BundleKind::Zip]);
    }
    // Written to a pipe: sizes and checksum stand behind the content.
    let folder = tempfile::tempdir().expect("folder");
    let bundle = shell(folder.path(), "echo hello > f; zip -q - f | cat");
    assert_eq!(Place::new(&bundle).outcome(BundleKind::Zip), "f=hello\n");
}

#[test]
fn a_compressed_archive_that_was_cut_off_or_changed_is_damaged() {
    let folder = tempfile::tempdir().expect("folder");
    source(folder.path());
    for packer in ["gzip", "bzip2", "xz", "zstd -q"] {
        let whole = shell(folder.path(), &format!("tar -cf - -C source . | {packer}"));
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 0x55;
        let mut wrong_sum = whole.clone();
        let last = wrong_sum.len() - if packer == "xz" { 20 } else { 3 };
        wrong_sum[last] ^= 0x55;
        for broken in [&whole[..whole.len() / 2], &whole[..whole.len() - 5], &changed, &wrong_sum] {
            let outcome = Place::new(broken).outcome(BundleKind::Tar);
            assert!(
                outcome.starts_with("Error extracting tar archive: 2 ("),
                "{packer}: {}",
                shortened(&outcome)
            );
        }
    }
}

#[test]
fn what_wants_too_much_memory_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    source(folder.path());
    for (packer, sentence) in [
        ("xz --lzma2=dict=128MiB", "its xz dictionary is larger than 67108864 bytes"),
        ("zstd -q --long=27", "its zstd window is larger than 67108864 bytes"),
    ] {
        let bundle = shell(folder.path(), &format!("tar -cf - -C source . | {packer}"));
        let outcome = Place::new(&bundle).outcome(BundleKind::Tar);
        assert_eq!(outcome, format!("Error extracting tar archive: 2 ({sentence})"));
    }
}

#[test]
fn tools_that_pad_what_they_write_are_understood() {
    check("tar -czf - -C source .; head -c 1000 /dev/zero", &TAR);
    check("tar -cjf - -C source .; head -c 1000 /dev/zero", &TAR);
    check("tar -cJf - -C source .; head -c 1000 /dev/zero", &TAR);
}
