//! What every request needs: the engine, the keys, the bundle store, and the server's own facts.

use std::time::Duration;

use longshore_bundles::BundleService;
use longshore_engine::Engine;
use longshore_wire::page_token::PageTokens;
use tokio_util::sync::CancellationToken;

use crate::auth::Keys;
use crate::host_api::Specifications;
use crate::throttle::Throttle;

/// The running server's parts; one per server, shared by all requests.
pub(crate) struct App {
    /// What callers may do.
    pub(crate) engine: Engine,
    /// Whose keys sign.
    pub(crate) keys: Keys,
    /// Who asks too often.
    pub(crate) throttle: Throttle,
    /// S3.
    pub(crate) bundles: BundleService,
    /// Signed deployment specifications.
    pub(crate) specifications: Specifications,
    /// `nextToken`.
    pub(crate) page_tokens: PageTokens,
    /// What webhooks are signed with.
    pub(crate) webhook_secret: String,
    /// Items on one page of a list.
    pub(crate) page_size: usize,
    /// Whether giving a deployment group a service role needs `iam:PassRole` on it.
    pub(crate) checks_pass_role: bool,
    /// The server's region.
    pub(crate) region: String,
    /// The account.
    pub(crate) account_id: String,
    /// How long audit events are kept.
    pub(crate) audit_retention: Duration,
    /// Cancelled when the server is to stop.
    pub(crate) shutdown: CancellationToken,
}
