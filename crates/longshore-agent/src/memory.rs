//! What the agent keeps in memory: it lives for months and mostly waits.

use std::ops::Range;

use rustix::mm::{Advice, madvise};

/// Lets the allocator keep little, where it is glibc's. By itself glibc makes an arena for each thread that blocking work has ever
/// needed at once, a megabyte after some deployments, and after each large block keeps more at the end of the
/// heap. For the start of a program.
pub fn keep_little() {
    #[cfg(target_env = "gnu")]
    glibc::keep_little();
}

/// Gives back to the system what waiting does not need: free memory, where the allocator is glibc's, and code
/// that was run to start or to deploy. Takes some 0.2 ms: for when there is nothing to do.
pub(crate) fn give_back() {
    // Without this file no code is given back, and all else is as it was.
    if let Ok(maps) = std::fs::read_to_string("/proc/self/maps") {
        executables(&maps).for_each(let_go);
    }
    #[cfg(target_env = "gnu")]
    glibc::give_back();
}

/// Where the code of the program and its libraries is: what may be run and not written, out of a file.
/// Source: proc_pid_maps(5).
fn executables(maps: &str) -> impl Iterator<Item = Range<usize>> {
    maps.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (range, access) = (words.next()?, words.next()?);
        let is_of_file = words.nth(2)? != "0";
        if access != "r-xp" || !is_of_file {
            return None;
        }
        let (from, to) = range.split_once('-')?;
        Some(usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?)
    })
}

/// Takes the mapping's pages out of this process; whatever runs next is mapped again from its file, which is
/// mostly still in the page cache.
#[expect(unsafe_code, reason = "there is no safe interface to a mapping that is not one's own")]
fn let_go(code: Range<usize>) {
    // SAFETY: the mapping is private, comes from a file and may not be written, so its pages are those of the
    // file, and reading them again gives the same. Where the linker writes (relocations) nothing may be run,
    // so none of that is in it. A mapping that is gone is an error, which changes nothing.
    let _ = unsafe { madvise(code.start as *mut _, code.len(), Advice::LinuxDontNeed) };
}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "glibc's allocator has no safe interface")]
mod glibc {
    use nix::libc::{M_ARENA_MAX, M_TRIM_THRESHOLD, c_int, malloc_trim, mallopt};

    /// Bytes at the end of the heap that may be free: more than the state of a decompressor, which comes and
    /// goes with each member of an archive.
    const MAX_FREE: c_int = 64 * 1024;

    pub(super) fn keep_little() {
        for (setting, value) in [(M_ARENA_MAX, 1), (M_TRIM_THRESHOLD, MAX_FREE)] {
            // SAFETY: takes two numbers, and no pointer. It must not run in two threads at once (mallopt(3),
            // attributes), and there is one yet. A value that it refuses changes nothing.
            unsafe { mallopt(setting, value) };
        }
    }

    pub(super) fn give_back() {
        // SAFETY: takes a number, and touches free memory only; safe in every thread (malloc_trim(3),
        // attributes).
        unsafe { malloc_trim(0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_out_of_files_is_let_go() {
        let maps = "\
55d0c0a00000-55d0c0b00000 r--p 00000000 fe:00 42                         /usr/bin/longshore-agent
55d0c0b00000-55d0c0e00000 r-xp 00100000 fe:00 42                         /usr/bin/longshore-agent
55d0c0e00000-55d0c0e20000 rw-p 00400000 fe:00 42                         /usr/bin/longshore-agent
55d0c1000000-55d0c1080000 rw-p 00000000 00:00 0                          [heap]
7f0000001000-7f0000002000 r-xs 00000000 fe:00 44                         /shared by others
7f0000010000-7f0000020000 r-xp 00028000 fe:00 43                         /a folder/libc.so.6 (deleted)
7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]
nonsense
";
        let found: Vec<Range<usize>> = executables(maps).collect();
        assert_eq!(found, [0x55d0_c0b0_0000..0x55d0_c0e0_0000, 0x7f00_0001_0000..0x7f00_0002_0000]);
    }

    /// In kilobytes, of what is mapped from files.
    fn mapped_from_files() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("read");
        let line = status.lines().find_map(|line| line.strip_prefix("RssFile:")).expect("there");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    #[test]
    fn code_that_is_let_go_still_runs() {
        let before = mapped_from_files();
        give_back();
        let after = mapped_from_files();
        assert!(after < before, "{before} kB before, {after} kB after");
    }
}
