//! For tests: a PostgreSQL of our own, in a temporary folder, which ends with the process that started
//! it, however that ends. `tools/setup test` installs the programs.
//!
//! The cluster does not sync to disk unless it is asked for a durable one, and sorts text as English does: a
//! statement that relied on the database's own order would be seen.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};

/// How long the cluster may take to answer.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs `initdb` and the cluster in the folder `$2` with the programs in `$1`, again whenever it has ended
/// and the file `down` is not there, until standard input ends, which it does with the process that
/// holds the other end; then stops it and removes the folder.
const SUPERVISOR: &str = r#"
"$1/initdb" --pgdata="$2/data" --username=postgres --auth=trust --no-sync --encoding=UTF8 \
    --locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US >"$2/initdb.log" 2>&1 || exit 1
(
    until [ -e "$2/end" ]; do
        if [ -e "$2/down" ]; then sleep 0.05; continue; fi
        "$1/postgres" -D "$2/data" -c listen_addresses= -c unix_socket_directories="$2" -c fsync="$3" \
            -c full_page_writes="$3" -c max_connections=400 >>"$2/log" 2>&1 </dev/null &
        echo $! >"$2/pid"
        wait $!
    done
    : >"$2/over"
) &
cat >/dev/null
: >"$2/end"
# More than once: it may be starting again at this moment.
until [ -e "$2/over" ]; do kill -QUIT "$(cat "$2/pid")" 2>/dev/null; sleep 0.05; done
rm -rf "$2"
"#;

/// How a cluster is stopped. Source: PostgreSQL's documentation, "Shutting Down the Server".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Connections are broken off, and what is open is rolled back.
    Fast,
    /// As if it had crashed: the next start recovers from its log.
    Immediate,
}

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    /// Held open for as long as the cluster shall run.
    _stdin: ChildStdin,
    _supervisor: Child,
    n_databases: AtomicU32,
}

impl Cluster {
    /// The cluster of this process, started when first asked for.
    ///
    /// # Panics
    /// When there is no PostgreSQL here, or it does not start.
    pub async fn shared() -> &'static Cluster {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        let cluster = CLUSTER.get_or_init(|| Cluster::start(Path::new("/tmp"), false).expect("it starts"));
        cluster.wait_until_it_answers().await;
        cluster
    }

    /// A cluster of its own under `folder`, which syncs to disk as an operator's does. Its user must be able
    /// to get there.
    ///
    /// # Panics
    /// When there is no PostgreSQL here, or it does not start.
    pub async fn durable(folder: &Path) -> Cluster {
        let cluster = Cluster::start(folder, true).expect("PostgreSQL starts");
        cluster.wait_until_it_answers().await;
        cluster
    }

    /// Makes an empty database and answers its address.
    ///
    /// # Panics
    /// When the cluster does not make it.
    pub async fn new_database(&self) -> String {
        let number = self.n_databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let mut conn = self.connect().await.expect("the cluster answers");
        // Safe: the name was made from a number alone.
        let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(sql).execute(&mut conn).await.expect("a new database");
        format!("postgres://postgres@localhost/{name}?host={}", self.folder.display())
    }

    /// Starts one beside that of this process, for a test that stops it.
    ///
    /// # Panics
    /// As [`Cluster::shared`].
    pub async fn of_its_own() -> Cluster {
        let cluster = Cluster::start(Path::new("/tmp"), false).expect("PostgreSQL starts");
        cluster.wait_until_it_answers().await;
        cluster
    }

    /// Stops it so, and waits until it has stopped. It starts again with [`Cluster::go_on`].
    ///
    /// # Errors
    /// When it cannot be told to, or has not ended after a minute.
    pub fn stop(&self, how: Shutdown) -> io::Result<()> {
        std::fs::write(self.folder.join("down"), "")?;
        let pid = std::fs::read_to_string(self.folder.join("pid"))?;
        let signal = match how {
            Shutdown::Fast => "-INT",
            Shutdown::Immediate => "-QUIT",
        };
        let status = Command::new("kill").args([signal, pid.trim()]).status()?;
        if !status.success() {
            return Err(io::Error::other(format!("kill {signal} {}: {status}", pid.trim())));
        }
        let deadline = Instant::now() + DEADLINE;
        // Its own file: gone when the last of its processes is.
        while self.folder.join("data/postmaster.pid").exists() {
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("PostgreSQL does not stop\n{}", self.logs())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Lets it start again.
    ///
    /// # Errors
    /// When it was not stopped.
    pub fn go_on(&self) -> io::Result<()> {
        std::fs::remove_file(self.folder.join("down"))
    }

    fn start(parent: &Path, is_durable: bool) -> io::Result<Cluster> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("longshore-postgres-").tempdir_in(parent)?;
        let mut command = as_nobody_special(folder.path())?;
        command.args(["sh", "-c", SUPERVISOR, "sh"]).arg(programs).arg(folder.path());
        command.arg(if is_durable { "on" } else { "off" });
        command.stdin(Stdio::piped()).stdout(Stdio::null()).current_dir("/");
        // Not to be ended by an interrupt at the terminal: it would not tidy up.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut supervisor = command.spawn()?;
        let stdin = supervisor.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        // From here on the supervisor removes it.
        let folder = folder.keep();
        Ok(Cluster { folder, _stdin: stdin, _supervisor: supervisor, n_databases: AtomicU32::new(0) })
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.folder)
            .username("postgres")
            .database("postgres")
            .connect()
            .await
    }

    async fn wait_until_it_answers(&self) {
        let deadline = Instant::now() + DEADLINE;
        while let Err(error) = self.connect().await {
            assert!(Instant::now() < deadline, "PostgreSQL does not answer: {error}\n{}", self.logs());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn logs(&self) -> String {
        let read = |name| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        format!("{}{}", read("initdb.log"), read("log"))
    }
}

/// The folder with `initdb` and `postgres`: Debian keeps them out of everybody's PATH.
fn programs() -> io::Result<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    versions.sort();
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    versions
        .into_iter()
        .rev()
        .chain(std::env::split_paths(&in_path))
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
        .ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "no initdb here: tools/setup test installs PostgreSQL")
        })
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package made, who is given
/// `folder`.
fn as_nobody_special(folder: &Path) -> io::Result<Command> {
    if id(&["-u"])? != 0 {
        return Ok(Command::new("env"));
    }
    let user = if id(&["-u", "postgres"]).is_ok() { "postgres" } else { "nobody" };
    let (uid, gid) = (id(&["-u", user])?, id(&["-g", user])?);
    std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups"]);
    Ok(command)
}

fn id(arguments: &[&str]) -> io::Result<u32> {
    let Output { stdout, .. } = Command::new("id").args(arguments).stderr(Stdio::null()).output()?;
    String::from_utf8_lossy(&stdout).trim().parse().map_err(io::Error::other)
}
