//! What the allocator keeps: an agent lives for months and mostly waits. Other C libraries than glibc have no
//! such settings; there both functions do nothing.

/// Lets all threads share one arena. By itself glibc makes one for each thread that blocking work has ever
/// needed at once, and keeps it: a megabyte after some deployments. For the start of a program.
pub fn share_arena() {
    #[cfg(target_env = "gnu")]
    glibc::share_arena();
}

/// Gives what is free back to the system. Takes some 0.1 ms: for when there is nothing to do.
pub(crate) fn give_back() {
    #[cfg(target_env = "gnu")]
    glibc::give_back();
}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "glibc's allocator has no safe interface")]
mod glibc {
    use nix::libc::{M_ARENA_MAX, malloc_trim, mallopt};

    pub(super) fn share_arena() {
        // SAFETY: takes two numbers, and no pointer. It must not run in two threads at once (mallopt(3),
        // attributes), and there is one yet. A value that it refuses changes nothing.
        unsafe { mallopt(M_ARENA_MAX, 1) };
    }

    pub(super) fn give_back() {
        // SAFETY: takes a number, and touches free memory only; safe in every thread (malloc_trim(3),
        // attributes).
        unsafe { malloc_trim(0) };
    }
}
