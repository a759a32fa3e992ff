//! One agent per host: the lock that says so and the file that says which process it is.
//! Source: agent.md §4.7, §9.2.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::state_file;

/// How long a start waits for the lock: `status` and `stop` hold it for an instant when they look.
const LOCK_WAIT: Duration = Duration::from_millis(500);

/// How long it waits when the agent that took the lock is dead: a script that it was just starting has the
/// lock's file open until it is executed, which takes a while on a busy machine.
const DEAD_HOLDER_WAIT: Duration = Duration::from_secs(10);

/// Why the agent may not run.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another agent has it.
    #[error("Could not acquire lock on {} - aborting start!", path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// The directory cannot be used.
    #[error(
        "Please make sure the path of the PID directory exists and is writable: \"{}\"",
        directory.display()
    )]
    Unwritable {
        /// The PID directory.
        directory: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Where the PID and lock files of a program are.
#[derive(Clone, Debug)]
pub struct PidFile {
    directory: PathBuf,
    program_name: String,
}

/// The right to run; given back when dropped.
#[derive(Debug)]
pub struct RunningLock {
    pid_path: PathBuf,
    // Held for its lock, which ends with it.
    _lock: Flock<File>,
}

/// The right to run commands; given back when dropped.
#[derive(Debug)]
pub struct WorkerLock {
    // Held for its lock, which ends with it.
    _lock: Flock<File>,
}

impl Drop for RunningLock {
    fn drop(&mut self) {
        // A file left behind is recognised as stale by the next start.
        let _ = state_file::remove(&self.pid_path);
    }
}

impl PidFile {
    /// The files of `program_name` in `directory`.
    pub fn new(directory: &Path, program_name: &str) -> PidFile {
        PidFile { directory: directory.to_owned(), program_name: program_name.to_owned() }
    }

    fn pid_path(&self) -> PathBuf {
        self.directory.join(format!("{}.pid", self.program_name))
    }

    fn lock_path(&self) -> PathBuf {
        self.directory.join(format!("{}.pid.lock", self.program_name))
    }

    /// Takes the lock and writes the PID file for this process.
    ///
    /// # Errors
    /// [`LockError`]; a running agent's files are then untouched.
    pub fn acquire(&self) -> Result<RunningLock, LockError> {
        let unwritable = |source| LockError::Unwritable { directory: self.directory.clone(), source };
        std::fs::create_dir_all(&self.directory).map_err(unwritable)?;
        let lock = self.lock(unwritable)?;
        if self.pid_path().exists() {
            let path = self.pid_path();
            tracing::info!(
                "Pidfile {} present but no matching process running - cleaning up",
                path.display()
            );
        }
        let pid = std::process::id();
        state_file::write(&self.pid_path(), format!("{pid}\n").as_bytes()).map_err(unwritable)?;
        Ok(RunningLock { pid_path: self.pid_path(), _lock: lock })
    }

    /// Takes the lock of the one process that runs commands; `None` while another holds it.
    ///
    /// It is apart from the lock of [`Self::acquire`], because a worker may outlive its master (I-52).
    ///
    /// # Errors
    /// [`LockError::Unwritable`]
    pub fn try_worker_lock(&self) -> Result<Option<WorkerLock>, LockError> {
        let unwritable = |source| LockError::Unwritable { directory: self.directory.clone(), source };
        let path = self.directory.join(format!("{}.worker.lock", self.program_name));
        let file = File::options().create(true).append(true).open(&path).map_err(unwritable)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(WorkerLock { _lock: lock })),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(unwritable(errno.into())),
        }
    }

    fn lock(&self, unwritable: impl Fn(io::Error) -> LockError) -> Result<Flock<File>, LockError> {
        let path = self.lock_path();
        let open = || File::options().create(true).append(true).open(&path);
        let begin = Instant::now();
        loop {
            match Flock::lock(open().map_err(&unwritable)?, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(lock),
                Err((_, Errno::EWOULDBLOCK)) if begin.elapsed() < self.lock_wait() => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err((_, Errno::EWOULDBLOCK)) => return Err(LockError::Busy { path }),
                Err((_, errno)) => return Err(unwritable(errno.into())),
            }
        }
    }

    fn lock_wait(&self) -> Duration {
        if self.read().is_some_and(|holder| !is_alive(holder)) { DEAD_HOLDER_WAIT } else { LOCK_WAIT }
    }

    /// The process id of the running agent; `None` when none runs.
    pub fn running(&self) -> Option<i32> {
        let pid = self.read()?;
        (is_alive(pid) && !self.is_lock_free()).then_some(pid)
    }

    /// Removes the PID file of an agent that no longer runs; that of a running one stays.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn remove_stale(&self) -> io::Result<()> {
        // Held meanwhile, or the file might be that of an agent that has started since somebody looked.
        let _lock = match File::open(self.lock_path()) {
            Ok(file) => match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => Some(lock),
                Err((_, Errno::EWOULDBLOCK)) => return Ok(()),
                Err((_, errno)) => return Err(errno.into()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        state_file::remove(&self.pid_path())
    }

    fn read(&self) -> Option<i32> {
        let text = std::fs::read_to_string(self.pid_path()).ok()?;
        text.trim().parse().ok().filter(|pid| 1 < *pid)
    }

    /// Whether nobody holds the lock; not knowing counts as held, because the process is alive.
    fn is_lock_free(&self) -> bool {
        match File::open(self.lock_path()) {
            Ok(file) => Flock::lock(file, FlockArg::LockSharedNonblock).is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }
}

/// Whether a process exists. Not being allowed to signal it means that it does (I-40).
fn is_alive(pid: i32) -> bool {
    match kill(Pid::from_raw(pid), None) {
        Ok(()) => true,
        Err(errno) => errno == Errno::EPERM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid_file(dir: &tempfile::TempDir) -> PidFile {
        PidFile::new(&dir.path().join("pids"), "codedeploy-agent")
    }

    #[test]
    fn the_holder_of_the_lock_is_the_running_agent() {
        let dir = tempfile::tempdir().expect("dir");
        let file = pid_file(&dir);
        assert_eq!(file.running(), None);
        let lock = file.acquire().expect("lock");
        assert_eq!(file.running(), Some(std::process::id() as i32));
        let written = std::fs::read_to_string(dir.path().join("pids/codedeploy-agent.pid")).expect("file");
        assert_eq!(written, format!("{}\n", std::process::id()));
        drop(lock);
        assert_eq!(file.running(), None);
        assert!(dir.path().join("pids/codedeploy-agent.pid.lock").exists());
    }

    #[test]
    fn a_second_agent_is_refused_and_touches_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let file = pid_file(&dir);
        let _lock = file.acquire().expect("lock");
        let refused = file.acquire().expect_err("busy").to_string();
        assert!(refused.ends_with("codedeploy-agent.pid.lock - aborting start!"), "{refused}");
        assert!(file.running().is_some());
    }

    #[test]
    fn the_lock_of_a_dead_agent_is_waited_for_longer() {
        let dir = tempfile::tempdir().expect("dir");
        let file = pid_file(&dir);
        assert_eq!(file.lock_wait(), LOCK_WAIT);
        let _lock = file.acquire().expect("lock");
        assert_eq!(file.lock_wait(), LOCK_WAIT);
        let mut dead = std::process::Command::new("true").spawn().expect("true");
        dead.wait().expect("wait");
        std::fs::write(file.pid_path(), dead.id().to_string()).expect("write");
        assert_eq!(file.lock_wait(), DEAD_HOLDER_WAIT);
    }

    #[test]
    fn the_pid_file_of_a_running_agent_is_never_stale() {
        let dir = tempfile::tempdir().expect("dir");
        let file = pid_file(&dir);
        let lock = file.acquire().expect("lock");
        file.remove_stale().expect("nothing to do");
        assert!(file.running().is_some());
        drop(lock);
        assert_eq!(file.running(), None);
    }

    #[test]
    fn one_process_at_a_time_runs_commands_whoever_is_master() {
        let dir = tempfile::tempdir().expect("dir");
        let file = pid_file(&dir);
        let _master = file.acquire().expect("lock");
        let worker = file.try_worker_lock().expect("usable").expect("free");
        assert!(file.try_worker_lock().expect("usable").is_none());
        drop(worker);
        assert!(file.try_worker_lock().expect("usable").is_some());
    }

    #[test]
    fn an_empty_or_stale_pid_file_means_not_running() {
        let dir = tempfile::tempdir().expect("dir");
        let file = pid_file(&dir);
        drop(file.acquire().expect("lock"));
        for content in ["", "\n", "0\n", "1\n", "-5\n", "junk"] {
            std::fs::write(dir.path().join("pids/codedeploy-agent.pid"), content).expect("write");
            assert_eq!(file.running(), None, "{content:?}");
        }
        // This process lives, but nobody holds the lock: the number was used again.
        std::fs::write(dir.path().join("pids/codedeploy-agent.pid"), std::process::id().to_string())
            .expect("write");
        assert_eq!(file.running(), None);
        file.remove_stale().expect("remove");
        assert!(!dir.path().join("pids/codedeploy-agent.pid").exists());
    }
}
