//! One server from its start to its end.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use longshore_adapters::OutsideStartError;
use longshore_bundles::{BundleService, BundleSettings, OpenError, StoredKeys};
use longshore_engine::deployment_config::DeploymentConfigError;
use longshore_engine::{Engine, EngineStartError, SystemClock};
use longshore_model::deployment_config::DEFAULT_CONFIG;
use longshore_model::id::{DeploymentConfigName, PrincipalArn};
use longshore_store::{AnyStore, ServerRecord, ServerRecordStore, StoreError};
use rand::Rng;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::auth::Keys;
use crate::config::{Config, Settings};
use crate::data_dir::{DataDir, DataDirError, RootKey};
use crate::host_api::{SignerRecordError, Specifications};
use crate::listen::{ListenError, Port};
use crate::shared::SharedError;
use crate::throttle::Throttle;
use crate::{dispatch, shared, shutdown, telemetry};
use longshore_wire::page_token::PageTokens;

/// How long requests in flight may take after the server was asked to stop: it ends within 10 s.
const GRACE: Duration = Duration::from_secs(8);
/// How often metrics are tidied up, and abandoned uploads looked for.
const UPKEEP: Duration = Duration::from_secs(10);

/// Why the server did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("cannot use the data folder")]
    DataDir(#[from] DataDirError),
    /// The database cannot be used.
    #[error("cannot use the database")]
    Store(#[from] StoreError),
    /// It does not fit to the other servers on the database.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// The bundle store cannot be used.
    #[error("cannot use the bundle store")]
    Bundles(#[from] OpenError),
    /// There is no signer for specifications.
    #[error("cannot sign deployment specifications")]
    Signer(#[from] SignerRecordError),
    /// What is outside cannot be reached.
    #[error("cannot set up alarms and triggers")]
    Outside(#[from] OutsideStartError),
    /// The engine did not start.
    #[error("cannot start the engine")]
    Engine(#[from] EngineStartError),
    /// The time of the first start cannot be read or noted.
    #[error("cannot read the time of the first start")]
    FirstStart(#[from] DeploymentConfigError),
    /// The port cannot be opened.
    #[error("cannot open the port")]
    Listen(#[from] ListenError),
    /// A key of the server in the database is damaged.
    #[error("the stored page token key is not 64 hexadecimal digits")]
    PageTokenKey,
    /// The system refused something small.
    #[error("cannot {doing}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    url: String,
    root_key: RootKey,
    data_dir: DataDir,
    store: AnyStore,
    engine: Engine,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    /// Starts a server: when this returns, it answers.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(settings: Settings) -> Result<Server, StartError> {
        telemetry::count();
        let data_dir = DataDir::open(&settings.data_dir)?;
        // A server that was killed may have left its own.
        data_dir.remove_endpoint();
        let root_key = data_dir.root_key(settings.root_key.clone())?;
        let store = open_store(&settings.config, &data_dir).await?;
        let root_key = fit_in(&settings, &data_dir, &store, root_key).await?;
        // The port comes before the engine: a server that cannot be reached must not act either.
        let port =
            Port::open(settings.listen, settings.config.tls.as_ref(), settings.config.request_head).await?;
        let system = |doing| move |source| StartError::System { doing, source };
        let url = port.url().map_err(system("read the address of the port"))?;
        let shutdown = CancellationToken::new();
        let app = app(&settings, &data_dir, &root_key, &store, shutdown.clone()).await?;
        let engine = app.engine.clone();
        data_dir.write_signer(app.specifications.certificate_pem())?;
        let app = Arc::new(app);
        tokio::spawn(expire_uploads(Arc::clone(&app), settings.config.upload));
        let serving = tokio::spawn(serve(port, engine.clone(), app, shutdown.clone()));
        data_dir.write_endpoint(&url)?;
        tracing::info!(server.url = url, "listening on {url}");
        Ok(Server { url, root_key, data_dir, store, engine, shutdown, serving })
    }

    /// Where it is reached.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that may do everything.
    pub fn root_key(&self) -> &RootKey {
        &self.root_key
    }

    /// Stops in order: no new connections, parked polls answered empty, requests in flight finished.
    pub async fn stop(self) {
        let Server { data_dir, store, engine, shutdown, serving, .. } = self;
        data_dir.remove_endpoint();
        shutdown.cancel();
        engine.shutdown().await;
        if tokio::time::timeout(GRACE, serving).await.is_err() {
            tracing::warn!("some requests did not finish in time");
        }
        store.close().await;
    }
}

/// Runs a server until SIGTERM or SIGINT, and calls `ready` with its address once it answers.
///
/// # Errors
/// [`StartError`].
pub async fn run(settings: Settings, ready: impl FnOnce(&str)) -> Result<(), StartError> {
    allow_many_connections();
    let asked_to_stop =
        shutdown::on_signal().map_err(|source| StartError::System { doing: "listen for signals", source })?;
    let server = Server::start(settings).await?;
    ready(server.url());
    asked_to_stop.cancelled().await;
    server.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// Every host holds a connection: the system's usual limit for a process is for fewer.
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "cannot raise the limit of open files; so many hosts can be connected");
    }
}

/// The database of the configuration, or the file in the data folder.
pub(crate) async fn open_store(config: &Config, data_dir: &DataDir) -> Result<AnyStore, StoreError> {
    match &config.store {
        Some(url) => AnyStore::open_url(url.reveal()).await,
        None => AnyStore::open_file(&data_dir.database()).await,
    }
}

/// Makes sure that this server can share the database with others, and answers the root key of all.
async fn fit_in(
    settings: &Settings,
    data_dir: &DataDir,
    store: &AnyStore,
    own_key: RootKey,
) -> Result<RootKey, StartError> {
    if !store.is_shared() {
        return Ok(own_key);
    }
    let records = store.shared();
    shared::check_place(&*records, settings).await?;
    shared::check_bundles(&*records, &bundle_folder(settings, data_dir)).await?;
    let root_key = shared::root_key(&*records, own_key).await?;
    data_dir.keep_root_key(&root_key)?;
    Ok(root_key)
}

fn bundle_folder(settings: &Settings, data_dir: &DataDir) -> PathBuf {
    settings.config.bundle_folder.clone().unwrap_or_else(|| data_dir.bundles())
}

async fn app(
    settings: &Settings,
    data_dir: &DataDir,
    root_key: &RootKey,
    store: &AnyStore,
    shutdown: CancellationToken,
) -> Result<App, StartError> {
    let is_shared = store.is_shared();
    let store = store.shared();
    let stored_keys = Arc::new(StoredKeys::new(
        longshore_bundles::RootKey {
            id: root_key.id.clone(),
            secret: root_key.secret.clone(),
            arn: PrincipalArn(format!("arn:aws:iam::{}:root", settings.account_id)),
        },
        Arc::clone(&store) as _,
    ));
    let bundle_settings = BundleSettings {
        folder: bundle_folder(settings, data_dir),
        is_shared: is_shared || settings.config.bundle_folder.is_some(),
        region: settings.region.clone(),
        account: settings.account_id.clone(),
        domains: Vec::new(),
    };
    let bundles =
        BundleService::open(Arc::clone(&store) as _, Arc::clone(&stored_keys) as _, bundle_settings).await?;
    let page_tokens = PageTokens::new(page_token_key(&*store).await?);
    let webhook_secret = webhook_secret(&*store).await?;
    let outside = longshore_adapters::outside(settings.config.outside.clone(), webhook_secret.clone())?;
    let engine = Engine::start(
        Arc::clone(&store),
        Arc::new(SystemClock),
        outside,
        settings.engine(data_dir.server_id()?),
    )
    .await?;
    // The predefined configs were made at the first start, which reading one takes note of.
    let predefined = DeploymentConfigName::parse(DEFAULT_CONFIG).expect("a constant that obeys the rule");
    engine.deployment_config(&predefined).await?;
    let specifications = Specifications::open(&*store, &settings.region, engine.now()).await?;
    Ok(App {
        engine,
        keys: Keys::new(stored_keys, is_shared.then(|| Arc::clone(&store))),
        throttle: Throttle::new(settings.config.rate),
        bundles,
        specifications,
        page_tokens,
        webhook_secret,
        page_size: settings.config.page_size,
        checks_pass_role: settings.config.checks_pass_role,
        region: settings.region.clone(),
        account_id: settings.account_id.clone(),
        audit_retention: settings.config.audit_retention,
        shutdown,
    })
}

async fn serve(port: Port, engine: Engine, app: Arc<App>, shutdown: CancellationToken) {
    let answer = move |connection, request| dispatch::answer(Arc::clone(&app), connection, request);
    let serving = port.serve(engine, answer, shutdown);
    tokio::pin!(serving);
    let mut upkeep = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = &mut serving => return,
            _ = upkeep.tick() => telemetry::upkeep(),
        }
    }
}

/// Gives up multipart uploads that go on for longer than `longest`, until the server stops.
async fn expire_uploads(app: Arc<App>, longest: Duration) {
    let mut upkeep = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            _ = upkeep.tick() => {}
        }
        match app.bundles.expire_uploads(app.engine.now().minus(longest)).await {
            Ok(0) => {}
            Ok(n_uploads) => tracing::info!(n_uploads, "gave up {n_uploads} abandoned multipart uploads"),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot look for abandoned uploads"
                );
            }
        }
    }
}

/// What webhooks are signed with, drawn at the first start.
async fn webhook_secret(store: &dyn ServerRecordStore) -> Result<String, StoreError> {
    let record = ServerRecord { name: String::from("webhook_secret"), value: drawn_key() };
    store.server_record(&record).await
}

/// 32 bytes in hexadecimal digits.
fn drawn_key() -> String {
    let mut drawn = [0_u8; 32];
    rand::rng().fill(&mut drawn);
    drawn.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The key of page tokens, drawn at the first start.
async fn page_token_key(store: &dyn ServerRecordStore) -> Result<[u8; 32], StartError> {
    let record = ServerRecord { name: String::from("page_token_key"), value: drawn_key() };
    let stored = store.server_record(&record).await?;
    let mut key = [0_u8; 32];
    if stored.len() != 64 || !stored.is_ascii() {
        return Err(StartError::PageTokenKey);
    }
    for (byte, digits) in key.iter_mut().zip(stored.as_bytes().chunks(2)) {
        let text = std::str::from_utf8(digits).map_err(|_| StartError::PageTokenKey)?;
        *byte = u8::from_str_radix(text, 16).map_err(|_| StartError::PageTokenKey)?;
    }
    Ok(key)
}
