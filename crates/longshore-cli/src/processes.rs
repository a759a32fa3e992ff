//! The programs that `up` and `demo` start: found, started, watched and ended, all of them and
//! nothing else.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::advice::Advice;
use crate::service::{NewToken, Service, Tag};

/// The server makes its database and keys at its first start; a slow disk needs a few seconds.
const SERVER_START: Duration = Duration::from_secs(30);
/// The server promises to end within 10 s of SIGTERM.
const PATIENCE: Duration = Duration::from_secs(12);
/// How much of a program's log is shown when it ends unasked.
const LOG_TAIL_LINES: usize = 8;

/// A program that was started, in a process group of its own: Ctrl-C at the terminal reaches this
/// program only, which then ends the others in order.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program`, its output going to the end of `log`.
    fn start(name: &str, command: &mut Command, log: &Path) -> anyhow::Result<Process> {
        let log_file = open_log(log).with_context(|| format!("cannot write the log `{}`", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stderr(log_file)
            .process_group(0)
            // Also when this program panics or returns early.
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Process { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// Returns when the program has ended, which nobody asked it to, with an error that says why.
    pub(crate) async fn ended_unasked(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => self.failure(status),
            Err(error) => anyhow::Error::from(error).context(format!("cannot wait for {}", self.name)),
        }
    }

    /// Asks the program to end and waits; kills it when it does not.
    pub(crate) async fn stop(mut self) {
        let Some(id) = self.child.id() else { return };
        if let Ok(id) = i32::try_from(id) {
            // It may end in this very moment: then there is nothing left to do.
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }

    fn failure(&self, status: ExitStatus) -> anyhow::Error {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        let shown: String = tail.iter().map(|line| format!("\n  | {line}")).collect();
        let what = format!("{} ended unexpectedly: {status}{shown}", self.name);
        anyhow::Error::new(Advice::new(what, format!("see {}", self.log.display())))
    }
}

fn open_log(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::options().create(true).append(true).open(path)
}

/// A server, and where it listens.
#[derive(Debug)]
pub(crate) struct Server {
    /// The program.
    pub(crate) process: Process,
    /// Its URL.
    pub(crate) endpoint: String,
}

/// Starts a server and waits until it is ready.
///
/// # Errors
/// When the program is not found, or ends or stays silent instead of saying where it listens.
pub(crate) async fn start_server(
    data_dir: &Path,
    listen: &str,
    variables: &[(&str, String)],
) -> anyhow::Result<Server> {
    let program = find_program("longshore-server")?;
    let mut command = Command::new(program);
    command.arg("--data-dir").arg(data_dir).args(["--listen", listen]).stdout(Stdio::piped());
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let mut process = Process::start("longshore-server", &mut command, &data_dir.join("log/server.log"))?;
    let stdout = process.child.stdout.take().context("the server has no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let first_line = timeout(SERVER_START, lines.next_line()).await;
    match first_line {
        Ok(Ok(Some(line))) => match line.strip_prefix("listening on ") {
            Some(endpoint) => Ok(Server { endpoint: endpoint.trim().to_owned(), process }),
            None => bail!("longshore-server said `{line}` instead of where it listens"),
        },
        // It closed its output: it has ended, or is about to.
        Ok(Ok(None) | Err(_)) => Err(process.ended_unasked().await),
        Err(_) => bail!("longshore-server was not ready within {} s", SERVER_START.as_secs()),
    }
}

/// What an agent is started with.
#[derive(Debug)]
pub(crate) struct AgentStart<'a> {
    /// The host's name, for messages.
    pub(crate) host: &'a str,
    /// The agent's configuration file.
    pub(crate) config_file: &'a Path,
    /// Where it runs; relative destinations in AppSpec files are below it.
    pub(crate) working_dir: &'a Path,
    /// Where its output goes.
    pub(crate) log: &'a Path,
    /// Variables for it and for the hooks it runs.
    pub(crate) variables: &'a [(&'a str, String)],
}

/// Starts an agent.
///
/// # Errors
/// When the program is not found or cannot be started.
pub(crate) fn start_agent(start: &AgentStart<'_>) -> anyhow::Result<Process> {
    let program = find_program("longshore-agent")?;
    let log =
        open_log(start.log).with_context(|| format!("cannot write the log `{}`", start.log.display()))?;
    let mut command = Command::new(program);
    command
        .arg("run")
        .arg(format!("--config_file={}", start.config_file.display()))
        .current_dir(start.working_dir)
        .envs(start.variables.iter().map(|(name, value)| (name, value)))
        .stdout(log);
    Process::start(&format!("longshore-agent of {}", start.host), &mut command, start.log)
}

/// Makes this machine the host `name` with its files in `folder`: a token for it, and the agent's own
/// `enroll`.
///
/// # Errors
/// When there is no token, or the program is not found or refuses.
pub(crate) async fn enroll_host(
    service: &Service,
    name: &str,
    tags: &[Tag],
    folder: &Path,
) -> anyhow::Result<()> {
    let token = service.create_token(NewToken::at_once(tags)).await?.token;
    let mut command = Command::new(find_program("longshore-agent")?);
    command.args(["enroll", "--server", &service.connection().endpoint, "--token", "-", "--name", name]);
    command.arg("--config-dir").arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot start longshore-agent")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(token.as_bytes()).await.context("cannot hand over the token")?;
    }
    let ended = child.wait_with_output().await.context("cannot wait for longshore-agent")?;
    if ended.status.success() {
        return Ok(());
    }
    bail!("cannot enroll the host `{name}`\n{}", String::from_utf8_lossy(&ended.stderr).trim_end())
}

/// The program beside this one, which belongs to the same build, else the one in `PATH`.
fn find_program(name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe().context("cannot find out where this program is")?;
    let beside = here.parent().map(|folder| folder.join(name));
    let in_path = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).map(|folder| folder.join(name)).collect::<Vec<_>>())
        .unwrap_or_default();
    let found = beside.into_iter().chain(in_path).find(|path| path.is_file());
    found.with_context(|| {
        let hint = "build it with `make build`; it is looked for beside this program and in PATH";
        Advice::new(format!("there is no program `{name}`"), hint)
    })
}
