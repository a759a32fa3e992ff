//! Bundles: whatever an archive says, nothing outside of its folder appears or changes, and no more is
//! written than allowed.
//!
//! Tar headers get their checksums put right first, or every change to a header would end there.

#![no_main]

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use longshore_agent::config::ByteLimit;
use longshore_agent::execute::unpack::{BundleKind, UnpackLimits, unpack};

const MAX_BYTES: ByteLimit = ByteLimit { key: "max_extracted_bytes", bytes: 256 * 1024 };

/// What one run leaves behind besides the folder of the archive.
const EXPECTED: [&str; 6] = ["a", "a/b", "a/b/bundle", "a/neighbour", "outside", "outside/precious"];

static GUARD: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    parent.join(format!("longshore-fuzz-{}", std::process::id()))
});

fuzz_target!(|data: &[u8]| {
    let guard = GUARD.as_path();
    remove(guard);
    prepare(guard);
    let before = stats(guard);
    let (kind, bundle) = bundle(data);
    let (path, into) = (guard.join("a/b/bundle"), guard.join("a/b/archive"));
    fs::write(&path, bundle).expect("bundle");
    let limits = UnpackLimits { max_bytes: Some(MAX_BYTES), ..UnpackLimits::default() };
    if let Err(error) = unpack(&path, kind, &into, &limits) {
        assert!(!error.to_string().is_empty());
    }
    let n_bytes = n_bytes_below(&into, &mut HashMap::new());
    assert!(n_bytes <= MAX_BYTES.bytes, "{n_bytes} bytes unpacked");
    remove(&into);
    // Where a leading directory waits while it is stripped.
    remove(&guard.join("a/b/archive-temp"));
    assert_eq!(stats(guard), before, "something outside of the archive's folder has changed");
    remove(guard);
});

fn prepare(guard: &Path) {
    fs::create_dir_all(guard.join("a/b")).expect("guard");
    fs::create_dir(guard.join("outside")).expect("outside");
    fs::write(guard.join("outside/precious"), "kept").expect("precious");
    fs::write(guard.join("a/neighbour"), "kept").expect("neighbour");
    fs::write(guard.join("a/b/bundle"), "").expect("bundle");
}

fn bundle(data: &[u8]) -> (BundleKind, Vec<u8>) {
    let mut bundle = data.to_vec();
    if data.starts_with(b"PK") {
        return (BundleKind::Zip, bundle);
    }
    for block in bundle.chunks_exact_mut(512) {
        if block[257..262] == *b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    (BundleKind::Tar, bundle)
}

/// What can be seen of everything outside: kind, mode, owner, size, content; and that nothing is new.
/// The sizes of directories and the bundle's own times are the run's own doing.
fn stats(guard: &Path) -> Vec<(String, u32, u32, u32, Vec<u8>)> {
    let mut names = Vec::new();
    list_below(guard, guard, &mut names);
    names.sort();
    assert_eq!(names, EXPECTED);
    let stat = |name: String| {
        let path = guard.join(&name);
        let metadata = fs::symlink_metadata(&path).expect("stat");
        let is_own = name.ends_with("bundle");
        let content = if metadata.is_file() && !is_own { fs::read(&path).expect("read") } else { Vec::new() };
        (name, metadata.mode(), metadata.uid(), metadata.gid(), content)
    };
    names.into_iter().map(stat).collect()
}

fn list_below(guard: &Path, directory: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("list") {
        let path = entry.expect("entry").path();
        names.push(path.strip_prefix(guard).expect("below").to_string_lossy().into_owned());
        if fs::symlink_metadata(&path).expect("stat").is_dir() {
            list_below(guard, &path, names);
        }
    }
}

/// Of files only, each once however many names it has. Holes have been written by nobody.
fn n_bytes_below(path: &Path, seen: &mut HashMap<u64, u64>) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    if metadata.is_file() {
        return if seen.insert(metadata.ino(), 0).is_none() { metadata.len() } else { 0 };
    }
    if !metadata.is_dir() {
        return 0;
    }
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    let entries = fs::read_dir(path).expect("list");
    entries.map(|entry| n_bytes_below(&entry.expect("entry").path(), seen)).sum()
}

fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path).expect("remove"),
        Ok(_) => fs::remove_file(path).expect("remove"),
        Err(_) => {}
    }
}
