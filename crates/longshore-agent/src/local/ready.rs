//! What deploying and planning both need: as whom to sign, and an executor.

use std::path::Path;
use std::sync::Arc;

use longshore_wire::host_command::specification::RevisionSource;

use super::request::Request;
use crate::causes::with_causes;
use crate::config::Settings;
use crate::execute::Executor;
use crate::execute::caller::{Caller, Person, RunningScript};
use crate::execute::download::Downloader;
use crate::identity::{self, Identity, IdentityError};
use crate::layout::Layout;
use crate::service::{ConnectError, Outgoing};
use crate::terminal;
use crate::tracker::Tracker;

/// Nothing can be fetched without keys.
const NO_CREDENTIALS: &str = "We were unable to download content from the Amazon S3 bucket due to missing or invalid credentials. For information about specifying your AWS credentials, see https://aws.amazon.com/blogs/security/a-new-and-standardized-way-to-manage-credentials-in-the-aws-sdks";

/// Why nothing could be begun.
#[derive(Debug, thiserror::Error)]
pub(super) enum BeginError {
    /// The on-premises file is wrong.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// There are no keys for the bucket.
    #[error("{NO_CREDENTIALS}")]
    NoCredentials,
    /// Nothing can be reached from here.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The system refuses what every process needs.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

/// Who this host is, with keys when the bundle is in a bucket.
pub(super) async fn identity(request: &Request, settings: &Settings) -> Result<Identity, BeginError> {
    let is_in_bucket = matches!(request.spec.revision, RevisionSource::S3 { .. });
    let identity = identity::resolve_for_person(settings, is_in_bucket).await?;
    if is_in_bucket && let Err(error) = identity.credentials.current().await {
        tracing::error!("{}", with_causes(&error));
        return Err(BeginError::NoCredentials);
    }
    Ok(identity)
}

/// An executor of the request's events on the deployment root `root_dir`.
pub(super) fn executor(
    request: &Request,
    settings: Arc<Settings>,
    root_dir: &Path,
    identity: &Arc<Identity>,
    running: RunningScript,
) -> Result<Executor, ConnectError> {
    let layout = Layout::new(root_dir, &settings.ongoing_deployment_tracking);
    let outgoing = Arc::new(Outgoing::new(&settings)?);
    Ok(Executor {
        tracker: Tracker::new(&layout),
        layout,
        downloader: Downloader::new(Arc::clone(&settings), outgoing, Arc::clone(identity)),
        settings,
        host_identifier: identity.host_identifier.clone(),
        region: identity.region.clone(),
        mapping: request.mapping.clone(),
        caller: Caller::Person(Person { on_wait: say_wait, running }),
    })
}

fn say_wait(group_dir: &Path) {
    let group = group_dir.display();
    terminal::complain(format_args!(
        "    waiting for another command of this deployment group to end: {group}"
    ));
}
