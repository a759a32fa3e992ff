//! The agent as a process: takes the lock, opens the log, builds the parts, recovers, polls, and ends
//! well when it is told to. Source: agent.md §9.2, §9.3.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::agent_log::{self, OpenLogError};
use crate::causes::with_causes;
use crate::command::{self, GroupLocks, Runner};
use crate::config::{InvalidConfig, Settings};
use crate::execute::Executor;
use crate::execute::caller::Caller;
use crate::execute::download::Downloader;
use crate::execute::events::HookMapping;
use crate::identity::{self, Identity, IdentityError};
use crate::layout::Layout;
use crate::pid_file::{LockError, PidFile};
use crate::poll::{CertificateRefused, Poller};
use crate::recovery;
use crate::report::Reporter;
use crate::service::{CommandService, ConnectError};
use crate::specification::{SpecificationReader, TrustError};
use crate::tracker::Tracker;
use crate::version;

/// How long blocking work may go on after everything else has ended.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Why the agent cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no log.
    #[error(transparent)]
    Log(#[from] OpenLogError),
    /// Another agent runs, or the lock cannot be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The host does not know who it is.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The configuration does not fit the region.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// There is no client for the command service.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The file of trusted signers.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The service's certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateRefused),
    /// The deployment root cannot be used.
    #[error("cannot make the deployment root {path}")]
    Root {
        /// The root.
        path: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The system refuses what every process needs.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

/// Runs the agent in this process until SIGTERM, SIGINT or SIGQUIT.
///
/// # Errors
/// [`RunError`]; nothing was polled then.
pub fn run(settings: Settings) -> Result<(), RunError> {
    agent_log::open(&settings.log_dir, &settings.program_name, settings.verbose)?;
    run_logged(settings).inspect_err(|error| tracing::error!("{}", with_causes(error)))
}

fn run_logged(settings: Settings) -> Result<(), RunError> {
    let lock = PidFile::new(&settings.pid_dir, &settings.program_name).acquire()?;
    if !settings.ignored_keys.is_empty() {
        tracing::warn!("Configuration keys without effect here: {}", settings.ignored_keys.join(", "));
    }
    std::fs::create_dir_all(&settings.root_dir)
        .map_err(|source| RunError::Root { path: settings.root_dir.display().to_string(), source })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(serve(Arc::new(settings)));
    runtime.shutdown_timeout(LAST_WAIT);
    drop(lock);
    tracing::info!("agent exiting now");
    result
}

async fn serve(settings: Arc<Settings>) -> Result<(), RunError> {
    // Before anything else, so that no signal finds the default action.
    let mut signals = Signals::new()?;
    let agent = Agent::build(&settings).await?;
    let shutdown = agent.shutdown.clone();
    let tasks = agent.tasks.clone();
    let mut working = tokio::spawn(agent.work(settings.hook_kill_grace));
    let received = tokio::select! {
        received = signals.next() => received,
        // The loop ends by itself only for a reason that a person or a supervisor must deal with.
        ended = &mut working => return match ended {
            Ok(ended) => Ok(ended?),
            Err(error) => Err(RunError::System(std::io::Error::other(error))),
        },
    };
    tracing::info!("Received {received} - stopping children and shutting down");
    shutdown.cancel();
    wait_for_commands(&tasks, settings.shutdown_wait, &mut working).await;
    Ok(())
}

async fn wait_for_commands(
    tasks: &TaskTracker,
    limit: Duration,
    working: &mut JoinHandle<Result<(), CertificateRefused>>,
) {
    tracing::info!(
        "Gracefully shutting down agent child threads now, will wait up to {} seconds",
        limit.as_secs()
    );
    tasks.close();
    let all_ended = async {
        // The loop may be in its recovery; a failure inside it has been logged by its absence.
        let _ = working.await;
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
    async fn build(settings: &Arc<Settings>) -> Result<Agent, RunError> {
        let identity = Arc::new(identity::resolve(settings).await?);
        settings.check_region(&identity.region)?;
        let layout = Layout::new(&settings.root_dir, &settings.ongoing_deployment_tracking);
        let tracker = Tracker::new(&layout);
        let agent_version = version::read(&settings.root_dir);
        let service = Arc::new(CommandService::new(settings, Arc::clone(&identity), &agent_version)?);
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
            executor: executor(settings, &layout, &tracker, &identity),
            tracker: tracker.clone(),
            reporter: Arc::clone(&reporter),
            groups: GroupLocks::default(),
            patience: command::PATIENCE,
            progress: Arc::new(Notify::new()),
        });
        let poller = Poller::new(
            service,
            runner,
            settings.wait_between_runs,
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
    identity: &Arc<Identity>,
) -> Executor {
    Executor {
        settings: Arc::clone(settings),
        layout: layout.clone(),
        tracker: tracker.clone(),
        downloader: Downloader::new(Arc::clone(settings), Arc::clone(identity)),
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
