//! The agent at work: takes its turn, builds the parts, recovers, polls, and ends well
//! when it is told to; in the foreground or as the worker of a master. Source: agent.md §9.2, §9.3.

use std::sync::Arc;
use std::time::Duration;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal as SignalNumber};
use nix::unistd::getppid;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::causes::with_causes;
use crate::command::{self, GroupLocks, Runner};
use crate::config::Settings;
use crate::execute::Executor;
use crate::execute::caller::Caller;
use crate::execute::download::Downloader;
use crate::execute::events::HookMapping;
use crate::identity::{self, Identity};
use crate::layout::Layout;
use crate::pid_file::{LockError, PidFile, WorkerLock};
use crate::poll::{CertificateRefused, Poller};
use crate::recovery;
use crate::report::Reporter;
use crate::service::{CommandService, Outgoing};
use crate::service_manager;
use crate::specification::SpecificationReader;
use crate::startup::{self, RunError};
use crate::tracker::Tracker;
use crate::version;

/// How long blocking work may go on after everything else has ended.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// How often an earlier worker is looked at that still finishes its commands.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Who looks after this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A supervisor, systemd for one, or a person at a terminal.
    Foreground,
    /// The master of this process id.
    Worker {
        /// Whose end is this process's end too, once its commands are finished (I-52).
        master: i32,
    },
}

/// Runs the agent in this process until SIGTERM, SIGINT or SIGQUIT, or the end of its master.
///
/// # Errors
/// [`RunError`]; nothing was polled then.
pub fn run(settings: Settings, role: Role) -> Result<(), RunError> {
    startup::enter(&settings)?;
    run_logged(settings, role).inspect_err(|error| tracing::error!("{}", with_causes(error)))
}

fn run_logged(settings: Settings, role: Role) -> Result<(), RunError> {
    let pid_file = PidFile::new(&settings.pid_dir, &settings.program_name);
    let lock = match role {
        Role::Foreground => {
            startup::check(&settings)?;
            startup::warn_about_keys(&settings);
            if settings.max_runs_per_worker.is_some() {
                tracing::warn!("max_runs_per_worker has no effect in the foreground: there is no worker");
            }
            Some(pid_file.acquire()?)
        }
        Role::Worker { master } => {
            follow(master)?;
            None
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Held until nothing of this process runs any more.
    let mut turn = None;
    let result = runtime.block_on(serve(Arc::new(settings), role, &pid_file, &mut turn));
    runtime.shutdown_timeout(LAST_WAIT);
    drop((turn, lock));
    tracing::info!("agent exiting now");
    result
}

/// Makes the end of the master a SIGTERM to this process.
fn follow(master: i32) -> Result<(), RunError> {
    set_pdeathsig(SignalNumber::SIGTERM)?;
    // It may have ended before that.
    if getppid().as_raw() == master { Ok(()) } else { Err(RunError::MasterGone(master)) }
}

/// Why an agent stops polling.
enum End {
    /// A signal of this name.
    Told(&'static str),
    /// Its loop has ended by itself.
    OfItself,
}

async fn serve(
    settings: Arc<Settings>,
    role: Role,
    pid_file: &PidFile,
    turn: &mut Option<WorkerLock>,
) -> Result<(), RunError> {
    // Before anything else, so that no signal finds the default action.
    let mut signals = Signals::new()?;
    // A master has its signals blocked, and its worker begins like that.
    SigSet::all().thread_unblock()?;
    let agent = tokio::select! {
        // Asking a metadata service that does not answer takes its time.
        built = Agent::build(&settings, role) => built?,
        received = signals.next() => {
            log_end(role, received);
            return Ok(());
        }
    };
    service_manager::ready();
    let _alive = AbortOnDropHandle::new(tokio::spawn(service_manager::keep_alive()));
    tokio::select! {
        taken = take_turn(pid_file) => *turn = Some(taken?),
        received = signals.next() => {
            log_end(role, received);
            return Ok(());
        }
    }
    let (shutdown, tasks) = (agent.shutdown.clone(), agent.tasks.clone());
    let mut working = tokio::spawn(agent.work(settings.hook_kill_grace));
    let end = tokio::select! {
        received = signals.next() => End::Told(received),
        ended = &mut working => match ended {
            Ok(ended) => {
                ended?;
                End::OfItself
            }
            Err(error) => return Err(RunError::System(std::io::Error::other(error))),
        },
    };
    shutdown.cancel();
    let working = match end {
        End::Told(received) => {
            log_end(role, received);
            Some(working)
        }
        End::OfItself => None,
    };
    wait_for_commands(&tasks, settings.shutdown_wait, working).await;
    Ok(())
}

fn log_end(role: Role, received: &str) {
    match role {
        Role::Worker { master } if getppid().as_raw() != master => {
            tracing::warn!("{}", RunError::MasterGone(master));
        }
        Role::Worker { .. } | Role::Foreground => {
            tracing::info!("Received {received} - stopping children and shutting down");
        }
    }
}

/// Waits until no other worker is left: one whose master died finishes its commands, and must not see
/// them reported as dead meanwhile.
async fn take_turn(pid_file: &PidFile) -> Result<WorkerLock, LockError> {
    let mut has_waited = false;
    loop {
        if let Some(lock) = pid_file.try_worker_lock()? {
            return Ok(lock);
        }
        if !has_waited {
            tracing::warn!("An earlier worker still finishes its commands, waiting for its end");
            has_waited = true;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn wait_for_commands(
    tasks: &TaskTracker,
    limit: Duration,
    working: Option<JoinHandle<Result<(), CertificateRefused>>>,
) {
    service_manager::stopping("Waiting for running commands", limit);
    tracing::info!(
        "Gracefully shutting down agent child threads now, will wait up to {} seconds",
        limit.as_secs()
    );
    tasks.close();
    let all_ended = async {
        if let Some(working) = working {
            // The loop may be in its recovery; a failure inside it has been logged by its absence.
            let _ = working.await;
        }
        tasks.wait().await;
    };
    match tokio::time::timeout(limit, all_ended).await {
        Ok(()) => tracing::info!("All agent child threads have been shut down"),
        Err(_) => tracing::warn!("Stopping the agent while {} commands are still running", tasks.len()),
    }
}

/// The parts of an agent.
struct Agent {
    layout: Layout,
    tracker: Tracker,
    reporter: Arc<Reporter>,
    poller: Poller,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Agent {
    async fn build(settings: &Arc<Settings>, role: Role) -> Result<Agent, RunError> {
        let identity = Arc::new(identity::resolve(settings).await?);
        settings.check_region(&identity.region)?;
        let layout = Layout::new(&settings.root_dir, &settings.ongoing_deployment_tracking);
        let tracker = Tracker::new(&layout);
        let agent_version = version::read(&settings.root_dir);
        let outgoing = Arc::new(Outgoing::new(settings)?);
        let service =
            Arc::new(CommandService::new(settings, &outgoing, Arc::clone(&identity), &agent_version)?);
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let reporter = Arc::new(Reporter::new(
            layout.pending_reports(),
            Arc::clone(&service),
            tasks.clone(),
            shutdown.clone(),
        ));
        let runner = Arc::new(Runner {
            service: Arc::clone(&service),
            specifications: SpecificationReader::new(settings)?,
            executor: executor(settings, &layout, &tracker, &outgoing, &identity),
            tracker: tracker.clone(),
            reporter: Arc::clone(&reporter),
            groups: GroupLocks::default(),
            patience: command::PATIENCE,
            progress: Arc::new(Notify::new()),
        });
        let max_runs = match role {
            Role::Worker { .. } => settings.max_runs_per_worker,
            Role::Foreground => None,
        };
        let poller = Poller::new(
            service,
            runner,
            settings.wait_between_runs,
            max_runs,
            Box::new(rand::random),
            tasks.clone(),
            shutdown.clone(),
        );
        Ok(Agent { layout, tracker, reporter, poller, tasks, shutdown })
    }

    async fn work(self, kill_grace: Duration) -> Result<(), CertificateRefused> {
        recovery::recover(&self.layout, &self.tracker, &self.reporter, kill_grace).await;
        self.poller.run().await
    }
}

fn executor(
    settings: &Arc<Settings>,
    layout: &Layout,
    tracker: &Tracker,
    outgoing: &Arc<Outgoing>,
    identity: &Arc<Identity>,
) -> Executor {
    Executor {
        settings: Arc::clone(settings),
        layout: layout.clone(),
        tracker: tracker.clone(),
        downloader: Downloader::new(Arc::clone(settings), Arc::clone(outgoing), Arc::clone(identity)),
        host_identifier: identity.host_identifier.clone(),
        region: identity.region.clone(),
        mapping: HookMapping::of_service(),
        caller: Caller::Service,
    }
}

/// The signals that end the agent.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    /// The name of the next one.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "TERM",
            _ = self.interrupt.recv() => "INT",
            _ = self.quit.recv() => "QUIT",
        }
    }
}
