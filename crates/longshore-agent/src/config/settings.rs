//! The checked configuration: its existence proves that the agent can start with it.

use std::path::PathBuf;
use std::time::Duration;

use super::raw::RawConfig;
use super::reader::Reader;

/// Regions with FIPS endpoints. Source: agent.md §3.
const FIPS_REGIONS: [&str; 6] =
    ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-west-1", "us-gov-east-1"];

/// Every problem of a configuration file, one line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct InvalidConfig {
    /// The problems, in the words that users know from the original agent.
    pub problems: Vec<String>,
}

/// A bound on bytes, with the key that sets it: messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteLimit {
    /// The key.
    pub key: &'static str,
    /// The most bytes there may be.
    pub bytes: u64,
}

/// The agent's configuration, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Base of log and PID file names.
    pub program_name: String,
    /// Where the agent log goes.
    pub log_dir: PathBuf,
    /// Where the PID and lock files go.
    pub pid_dir: PathBuf,
    /// The deployment root.
    pub root_dir: PathBuf,
    /// Log level DEBUG instead of INFO.
    pub verbose: bool,
    /// The pause after an empty or failed poll.
    pub wait_between_runs: Duration,
    /// Revisions kept per deployment group, the new one included; at least 1.
    pub max_revisions: usize,
    /// Names this host when it is not an EC2 instance.
    pub on_premises_config_file: PathBuf,
    /// Proxy for the command service and S3.
    pub proxy_uri: Option<String>,
    /// Never fall back to version 1 of the instance metadata service.
    pub disable_imds_v1: bool,
    /// Use FIPS endpoints.
    pub use_fips_mode: bool,
    /// Use the secure flavour of the command service.
    pub enable_auth_policy: bool,
    /// The command service, when it is not AWS's regional one.
    pub deploy_control_endpoint: Option<String>,
    /// The bundle store, when it is not AWS's regional one.
    pub s3_endpoint_override: Option<String>,
    /// Whether buckets go into the path of S3 addresses; `None` decides by the endpoint.
    pub s3_force_path_style: Option<bool>,
    /// The API that GitHub revisions are fetched from, when it is not github.com's: a GitHub Enterprise
    /// Server's `https://<host>/api/v3`. A key of this agent only. Tokens are sent there.
    pub github_api_endpoint: Option<String>,
    /// Whether every request and answer of the services is logged, without secrets.
    pub log_aws_wire: bool,
    /// Whether a deployment may copy the unpacked revision of an earlier one instead of downloading it.
    pub enable_archive_reuse: bool,
    /// Whether the combined log of all deployments is written.
    pub enable_deployments_log: bool,
    /// How long a shutdown waits for running commands.
    pub shutdown_wait: Duration,
    /// The name of the tracking directory under the root.
    pub ongoing_deployment_tracking: String,
    /// How long one call to the command service may take.
    pub http_read_timeout: Duration,
    /// Certificates that a deployment specification's signer must chain to.
    pub deployment_signer_ca_file: Option<PathBuf>,
    /// How long a timed-out script has between SIGTERM and SIGKILL.
    pub hook_kill_grace: Duration,
    /// What ends a hook.
    pub hook_supervision: HookSupervision,
    /// Hooks get a short list of the agent's variables only.
    pub restrict_hook_env_to_allowlist: bool,
    /// Hooks do not get the variables that make the dynamic linker load other libraries.
    pub strip_loader_env_in_hooks: bool,
    /// The most bytes a bundle may unpack to.
    pub max_extracted: Option<ByteLimit>,
    /// Refuse bundles with symbolic or hard links in them.
    pub reject_symlinks_in_bundle: bool,
    /// Refuse setuid and setgid.
    pub reject_unsafe_permissions_in_bundle: bool,
    /// Unpacked files belong to the agent's user, whatever the archive says.
    pub ignore_ownership_in_bundle: bool,
    /// Whose privileges the agent keeps; root's when absent.
    pub user: Option<String>,
    /// The group to go with `user`, when it is not the user's own.
    pub group: Option<String>,
    /// Whether a crash of the agent must not write its memory to disk.
    pub disable_core_dumps: bool,
    /// Polls after which a worker makes way for a new one.
    pub max_runs_per_worker: Option<u64>,
    /// Keys of AWS's agents that are in the file and have no effect here; logged once.
    pub unused_keys: Vec<String>,
    /// Keys of the file that no agent knows; logged once.
    pub unknown_keys: Vec<String>,
}

/// What ends a hook, and what becomes of the processes that its script leaves behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HookSupervision {
    /// As in the original: the hook lasts until its outputs are closed, and fails at its timeout if a
    /// process keeps one open. Only a script that outlives its timeout is ended.
    #[default]
    Compatible,
    /// The script's exit ends the hook; who keeps an output open is named. A hook that fails leaves nothing
    /// running.
    Supervised,
}

impl Settings {
    /// Checks `raw` and fills in the defaults.
    ///
    /// # Errors
    /// [`InvalidConfig`] with every problem found.
    pub fn from_raw(raw: &RawConfig) -> Result<Settings, InvalidConfig> {
        let mut reader = Reader::new(raw);
        let settings = reader.settings();
        let problems = reader.problems();
        if problems.is_empty() { Ok(settings) } else { Err(InvalidConfig { problems }) }
    }

    /// Checks what depends on the region, which is known only after the identity is.
    ///
    /// # Errors
    /// [`InvalidConfig`] when FIPS mode is asked for where it does not exist.
    pub fn check_region(&self, region: &str) -> Result<(), InvalidConfig> {
        if !self.use_fips_mode || FIPS_REGIONS.contains(&region) {
            return Ok(());
        }
        let problem = "use_fips_mode can be set to true only in regions located in the USA".to_owned();
        Err(InvalidConfig { problems: vec![problem] })
    }
}

#[cfg(test)]
mod tests;
