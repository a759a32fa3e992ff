//! One command of a deployment group at a time on this host, whoever runs it: the agent or a person with
//! the local tool. The lock is on the group's directory itself, so it leaves no file. Source: agent.md I-49.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// How often a held lock is tried again. The kernel could wake us, but only a thread that nothing stops.
const TRY_EVERY: Duration = Duration::from_millis(50);

/// The turn of one command; given back when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub struct GroupLock {
    _directory: Flock<File>,
}

/// Takes the lock of the group whose directory is `group_dir`; `None` while somebody else holds it.
///
/// # Errors
/// When the directory cannot be opened, or its file system has no locks.
pub fn try_take(group_dir: &Path) -> io::Result<Option<GroupLock>> {
    match Flock::lock(File::open(group_dir)?, FlockArg::LockExclusiveNonblock) {
        Ok(directory) => Ok(Some(GroupLock { _directory: directory })),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

/// Waits for the lock, on a thread that may be held up.
///
/// # Errors
/// As [`try_take`].
pub fn take_blocking(group_dir: &Path) -> io::Result<GroupLock> {
    let locked = Flock::lock(File::open(group_dir)?, FlockArg::LockExclusive);
    locked.map(|directory| GroupLock { _directory: directory }).map_err(|(_, errno)| errno.into())
}

/// Waits for the lock. `on_wait` is called once, when it is not free at once.
///
/// # Errors
/// As [`try_take`].
pub async fn take(group_dir: &Path, on_wait: impl FnOnce()) -> io::Result<GroupLock> {
    if let Some(lock) = try_take(group_dir)? {
        return Ok(lock);
    }
    on_wait();
    loop {
        tokio::time::sleep(TRY_EVERY).await;
        if let Some(lock) = try_take(group_dir)? {
            return Ok(lock);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_one_holder_and_other_groups_are_free() {
        let dir = tempfile::tempdir().expect("dir");
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        std::fs::create_dir(&one).expect("create");
        std::fs::create_dir(&two).expect("create");
        let lock = try_take(&one).expect("lock");
        assert!(lock.is_some());
        assert!(try_take(&one).expect("lock").is_none());
        assert!(try_take(&two).expect("lock").is_some());
        drop(lock);
        assert!(try_take(&one).expect("lock").is_some());
        assert_eq!(std::fs::read_dir(&one).expect("list").count(), 0, "a lock leaves no file");
    }

    #[test]
    fn a_thread_that_waits_goes_on_when_the_lock_is_free() {
        let dir = tempfile::tempdir().expect("dir");
        let lock = try_take(dir.path()).expect("lock").expect("free");
        let path = dir.path().to_owned();
        let waiting = std::thread::spawn(move || take_blocking(&path).is_ok());
        assert!(try_take(dir.path()).expect("lock").is_none());
        drop(lock);
        assert!(waiting.join().expect("no panic"));
    }

    #[tokio::test]
    async fn whoever_comes_second_waits_and_is_told_once() {
        let dir = tempfile::tempdir().expect("dir");
        let mut n_told = 0;
        let first = take(dir.path(), || n_told += 1).await.expect("free");
        assert_eq!(n_told, 0);
        let path = dir.path().to_owned();
        let (told, when_told) = tokio::sync::oneshot::channel();
        let second = tokio::spawn(async move { take(&path, || told.send(()).expect("heard")).await });
        when_told.await.expect("told");
        assert!(!second.is_finished());
        drop(first);
        second.await.expect("no panic").expect("lock");
    }
}
