//! What stands outside the engine: alarms that Prometheus or CloudWatch know, and notifications that go to
//! SNS topics and webhooks. The engine sees its own traits only. Source: design.md §8.
//!
//! What goes wrong outside is told in words for people, without secrets.

mod alarms;
mod aws;
mod reason;
mod triggers;

pub use alarms::{Alarms, CloudWatch, CloudWatchConfig, Limit, Prometheus, PrometheusConfig, Rule};
pub use aws::{AwsKeys, is_region};
pub use triggers::{Network, NotANetwork, Sns, SnsConfig, Triggers, WebhookConfig, Webhooks, signature};

use std::path::PathBuf;
use std::sync::Arc;

use longshore_engine::{Outside, SystemRandom};
use longshore_wire::client::{CaBundle, ClientError};

/// What is outside, as an operator has it.
#[derive(Clone, Debug, Default)]
pub struct OutsideConfig {
    /// With which keys AWS is asked.
    pub aws_keys: AwsKeys,
    /// A Prometheus, and what is asked of it.
    pub prometheus: Option<PrometheusConfig>,
    /// CloudWatch, if it is to be asked.
    pub cloudwatch: Option<CloudWatchConfig>,
    /// SNS, if topics are to be reached.
    pub sns: Option<SnsConfig>,
    /// How webhooks are reached.
    pub webhooks: WebhookConfig,
}

/// Why nothing outside can be reached.
#[derive(Debug, thiserror::Error)]
pub enum OutsideStartError {
    /// A file of certificates cannot be read.
    #[error("cannot read the certificates `{path}`")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A client cannot be made.
    #[error("cannot set up the client of {what}")]
    Client {
        /// Whose.
        what: &'static str,
        /// Why not.
        #[source]
        source: ClientError,
    },
}

/// Everything outside, as the engine asks for it. Webhooks are signed with `webhook_secret`.
///
/// # Errors
/// [`OutsideStartError`]; nothing is connected to yet.
pub fn outside(config: OutsideConfig, webhook_secret: String) -> Result<Outside, OutsideStartError> {
    let OutsideConfig { aws_keys, prometheus, cloudwatch, sns, webhooks } = config;
    let alarms = Alarms::new(
        prometheus.map(Prometheus::new).transpose()?,
        cloudwatch.map(|config| CloudWatch::new(config, aws_keys.clone())),
    );
    let triggers =
        Triggers::new(sns.map(|config| Sns::new(config, aws_keys)), Webhooks::new(webhooks, webhook_secret)?);
    Ok(Outside { alarms: Arc::new(alarms), publisher: Arc::new(triggers), random: Arc::new(SystemRandom) })
}

fn read_ca_file(path: PathBuf, what: &'static str) -> Result<CaBundle, OutsideStartError> {
    let pem = std::fs::read(&path).map_err(|source| OutsideStartError::CaFile { path, source })?;
    CaBundle::from_pem(&pem).map_err(|source| OutsideStartError::Client { what, source })
}
