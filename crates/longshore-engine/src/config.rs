//! The engine's settings. Defaults are the service's values.

use std::time::Duration;

use longshore_model::notification::MessageForm;
use longshore_model::target::Clocks;

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// 12 digits; one for the whole server.
    pub account_id: String,
    /// One for the whole server.
    pub region: String,
    /// Tells this server from others on the same database, also after a restart.
    pub server_id: String,
    /// The clocks that run on targets and deployments. Source: service.md §8.
    pub clocks: Clocks,
    /// How long a poll without a command is held before it is answered empty. AWS: about 45 s; an
    /// agent gives up after 80 s.
    pub poll_hold: Duration,
    /// After this long without an acknowledgement a command is handed out again. Source: service.md §9.2.
    pub redelivery: Duration,
    /// How often the alarms of a running deployment are looked at. Source: service.md §7.5.
    pub alarm_poll: Duration,
    /// The form of what triggers are sent.
    pub trigger_payload: MessageForm,
    /// How long tombstones of deregistered hosts are kept. Source: service.md §2.5.
    pub tombstone: Duration,
    /// Limits. Source: service.md §12.
    pub quotas: Quotas,
    /// How much of the history is kept.
    pub retention: Retention,
}

/// How much of the history is kept: whichever of the two keeps more. Source: service.md §2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Deployments that are younger stay.
    pub age: Duration,
    /// So many of the newest deployments stay.
    pub deployments: usize,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { age: Duration::from_secs(90 * 24 * 3600), deployments: 10_000 }
    }
}

/// Limits of the account.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Applications.
    pub applications: usize,
    /// Deployment groups of one application.
    pub deployment_groups: usize,
    /// Custom deployment configs.
    pub deployment_configs: usize,
    /// Hosts in one deployment.
    pub hosts_per_deployment: usize,
    /// Deployments in progress at the same time; further ones are queued.
    pub concurrent_deployments: usize,
    /// Hosts in deployments that are in progress at the same time; further deployments are queued.
    pub concurrent_hosts: usize,
    /// Tokens for GitHub accounts.
    pub git_hub_tokens: usize,
}

impl Default for Quotas {
    fn default() -> Quotas {
        Quotas {
            applications: 1000,
            deployment_groups: 1000,
            deployment_configs: 200,
            hosts_per_deployment: 1000,
            concurrent_deployments: 1000,
            concurrent_hosts: 1000,
            git_hub_tokens: 25,
        }
    }
}

impl Default for EngineConfig {
    fn default() -> EngineConfig {
        EngineConfig {
            account_id: String::from("000000000000"),
            region: String::from("us-east-1"),
            server_id: uuid::Uuid::new_v4().to_string(),
            clocks: Clocks::default(),
            poll_hold: Duration::from_secs(45),
            redelivery: Duration::from_secs(60),
            alarm_poll: Duration::from_secs(30),
            trigger_payload: MessageForm::default(),
            tombstone: Duration::from_secs(24 * 3600),
            quotas: Quotas::default(),
            retention: Retention::default(),
        }
    }
}
