//! What the allocator keeps: an agent lives for months and mostly waits. Other C libraries than glibc have no
//! such settings; there both functions do nothing.

/// Lets the allocator keep little. By itself glibc makes an arena for each thread that blocking work has ever
/// needed at once, a megabyte after some deployments, and after each large block keeps more at the end of the
/// heap. For the start of a program.
pub fn keep_little() {
    #[cfg(target_env = "gnu")]
    glibc::keep_little();
}

/// Gives what is free back to the system. Takes some 0.1 ms: for when there is nothing to do.
pub(crate) fn give_back() {
    #[cfg(target_env = "gnu")]
    glibc::give_back();
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
