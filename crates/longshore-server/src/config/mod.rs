//! What the server is started with, in three steps: the file as written ([`RawConfig`]), the file as
//! checked ([`Config`]), and everything together ([`Settings`]), which is passed down from there.
//! Each section of the file has a module of its own.

mod alarms;
mod api;
mod aws;
mod check;
mod quotas;
mod retention;
mod settings;
mod store;
mod timeouts;
mod triggers;

use std::path::{Path, PathBuf};
use std::time::Duration;

use longshore_adapters::OutsideConfig;
use longshore_engine::{EngineConfig, Quotas, Retention};
use longshore_model::notification::MessageForm;
use longshore_model::rate::Rate;
use longshore_model::target::Clocks;
use serde::Deserialize;

pub use self::aws::AwsEnvironment;
pub use self::settings::Settings;
pub(crate) use self::settings::config;
pub use self::store::StoreUrl;

/// Why the server cannot be started as asked.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file `{path}`")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a configuration; the source shows the place.
    #[error("`{path}` is not a configuration file")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        source: toml::de::Error,
    },
    /// A key has a value that it may not have.
    #[error("`{key}` is {value}, but must be {rule}")]
    Invalid {
        /// The key, with its section.
        key: String,
        /// Its value.
        value: String,
        /// What would be right.
        rule: String,
    },
    /// A key has a value that it may not have, and that may be secret.
    #[error("`{key}` is not of the form {rule}")]
    Secret {
        /// The key, with its section.
        key: &'static str,
        /// What would be right.
        rule: &'static str,
    },
}

/// The file as written. Every key may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    timeouts: timeouts::RawTimeouts,
    quotas: quotas::RawQuotas,
    retention: retention::RawRetention,
    api: api::RawApi,
    iam: RawIam,
    audit: retention::RawAudit,
    aws: aws::RawAws,
    alarms: alarms::RawAlarms,
    triggers: triggers::RawTriggers,
    store: store::RawStore,
    bundles: store::RawBundles,
    tls: Option<TlsFiles>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawIam {
    check_pass_role: Option<bool>,
}

/// Where the certificate chain and its key are, both PEM.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The file as checked, with the defaults in place of what it leaves out.
#[derive(Clone, Debug)]
pub struct Config {
    /// The clocks that run on targets and deployments.
    pub clocks: Clocks,
    /// How long a poll without a command is held.
    pub poll_hold: Duration,
    /// After this long without an acknowledgement a command is handed out again.
    pub redelivery: Duration,
    /// How often the alarms of a running deployment are looked at.
    pub alarm_poll: Duration,
    /// How long deregistered hosts are remembered.
    pub tombstone: Duration,
    /// How long a connection may take to send a request's head, idle time included.
    pub request_head: Duration,
    /// How long a multipart upload may go on before it is given up.
    pub upload: Duration,
    /// Limits of the account.
    pub quotas: Quotas,
    /// How much of the history is kept.
    pub retention: Retention,
    /// Items on one page of a list.
    pub page_size: usize,
    /// How often one principal may call; nobody is refused when absent.
    pub rate: Option<Rate>,
    /// Whether giving a deployment group a service role needs `iam:PassRole` on it.
    pub checks_pass_role: bool,
    /// How long audit events are kept.
    pub audit_retention: Duration,
    /// The form of what triggers are sent.
    pub trigger_payload: MessageForm,
    /// Who knows alarms, and how those are reached who want to be told.
    pub outside: OutsideConfig,
    /// The database to remember things in; the file in the data folder when absent.
    pub store: Option<StoreUrl>,
    /// The folder of the bundles' content; the one in the data folder when absent.
    pub bundle_folder: Option<PathBuf>,
    /// Plain HTTP when absent.
    pub tls: Option<TlsFiles>,
}

impl Default for Config {
    fn default() -> Config {
        let engine = EngineConfig::default();
        Config {
            clocks: engine.clocks,
            poll_hold: engine.poll_hold,
            redelivery: engine.redelivery,
            alarm_poll: engine.alarm_poll,
            tombstone: engine.tombstone,
            // Longer than any agent waits between two polls on one connection.
            request_head: Duration::from_secs(120),
            upload: Duration::from_secs(7 * 24 * 3600),
            quotas: engine.quotas,
            retention: engine.retention,
            page_size: 100,
            rate: Some(api::DEFAULT_RATE),
            checks_pass_role: true,
            audit_retention: retention::default_audit_retention(),
            trigger_payload: engine.trigger_payload,
            outside: OutsideConfig::default(),
            store: None,
            bundle_folder: None,
            tls: None,
        }
    }
}

impl Config {
    /// Reads and checks the file at `path`; the keys for AWS may be in the environment.
    ///
    /// # Errors
    /// The first thing that is wrong, with its key.
    pub fn read(path: &Path, environment: &AwsEnvironment) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let raw: RawConfig = toml::from_str(&text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source })?;
        Config::from_raw(raw, environment)
    }

    fn from_raw(raw: RawConfig, environment: &AwsEnvironment) -> Result<Config, ConfigError> {
        let default = Config::default();
        Ok(Config {
            clocks: raw.timeouts.clocks(default.clocks)?,
            poll_hold: raw.timeouts.poll_hold(default.poll_hold)?,
            redelivery: raw.timeouts.redelivery(default.redelivery)?,
            alarm_poll: raw.timeouts.alarm_poll(default.alarm_poll)?,
            tombstone: raw.timeouts.tombstone(default.tombstone)?,
            request_head: raw.timeouts.request_head(default.request_head)?,
            upload: raw.timeouts.upload(default.upload)?,
            quotas: raw.quotas.checked(default.quotas)?,
            retention: raw.retention.checked(default.retention)?,
            page_size: raw.api.page_size(default.page_size)?,
            rate: raw.api.rate()?,
            checks_pass_role: raw.iam.check_pass_role.unwrap_or(default.checks_pass_role),
            audit_retention: raw.audit.retention()?,
            trigger_payload: raw.triggers.payload(),
            outside: OutsideConfig {
                aws_keys: raw.aws.keys(environment),
                prometheus: raw.alarms.prometheus()?,
                cloudwatch: raw.alarms.cloudwatch()?,
                sns: raw.triggers.sns()?,
                webhooks: raw.triggers.webhooks()?,
            },
            store: raw.store.url()?,
            bundle_folder: raw.bundles.folder,
            tls: raw.tls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn parse(text: &str) -> Result<Config, String> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        Config::from_raw(raw, &AwsEnvironment::default()).map_err(|error| error.to_string())
    }

    #[track_caller]
    pub(super) fn check_refused(text: &str, expected: &str) {
        let error = parse(text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }

    /// service.md §8, the values.
    #[test]
    fn an_empty_file_means_the_service_s_values() {
        let config = parse("").expect("empty");
        let Clocks { pickup, event, deployment } = config.clocks;
        assert_eq!([pickup, event, deployment].map(|clock| clock.as_secs()), [300, 3600, 43_200]);
        assert_eq!([config.alarm_poll, config.redelivery].map(|clock| clock.as_secs()), [30, 60]);
        assert_eq!((config.page_size, config.poll_hold.as_secs()), (100, 45));
    }

    /// service.md §8, "All are configurable".
    #[test]
    fn clocks_are_seconds_with_fractions() {
        let config = parse("[timeouts]\npickup = 0.5\nevent = 10\npoll_hold = 2\n").expect("clocks");
        assert_eq!(config.clocks.pickup, Duration::from_millis(500));
        assert_eq!(config.clocks.event, Duration::from_secs(10));
        assert_eq!(config.clocks.deployment, Clocks::default().deployment);
        let config =
            parse("[timeouts]\ndeployment = 60\nalarm_poll = 0.25\nredelivery = 3\n").expect("clocks");
        assert_eq!(config.clocks, Clocks { deployment: Duration::from_secs(60), ..Clocks::default() });
        assert_eq!(
            (config.alarm_poll, config.redelivery),
            (Duration::from_millis(250), Duration::from_secs(3))
        );
    }

    #[test]
    fn a_rate_may_be_set_or_switched_off() {
        let rate = |text: &str| parse(text).expect(text).rate;
        assert_eq!(rate(""), Some(Rate { per_second: 1000, burst: 2000 }));
        assert_eq!(rate("[api]\nrequests_per_second = 50"), Some(Rate { per_second: 50, burst: 100 }));
        assert_eq!(rate("[api]\nburst = 5"), Some(Rate { per_second: 1000, burst: 5 }));
        assert_eq!(rate("[api]\nrequests_per_second = 0"), None);
    }

    #[test]
    fn the_history_is_kept_for_days_or_for_a_number_of_deployments() {
        let day = Duration::from_secs(86_400);
        let kept = |text: &str| parse(text).expect(text).retention;
        assert_eq!(kept(""), Retention { age: 90 * day, deployments: 10_000 });
        assert_eq!(kept("[retention]\ndays = 0.5\n"), Retention { age: day / 2, deployments: 10_000 });
        assert_eq!(kept("[retention]\ndeployments = 5\n"), Retention { age: 90 * day, deployments: 5 });
    }

    #[test]
    fn the_address_of_a_database_is_never_shown() {
        let url = "postgres://longshore:s3cret@db.example.com/longshore?sslmode=verify-full";
        let config = parse(&format!("[store]\nurl = \"{url}\"\n")).expect("an address");
        assert_eq!(config.store.as_ref().map(StoreUrl::reveal), Some(url));
        assert!(!format!("{config:?}").contains("s3cret"));
        for bad in ["mysql://u:s3cret@h/d", "postgres://u:s3cret@[h/d", "u:s3cret", ""] {
            let error = parse(&format!("[store]\nurl = \"{bad}\"\n")).expect_err(bad);
            assert!(error.contains("`store.url`") && !error.contains("s3cret"), "{error}");
        }
    }

    /// service.md §8 among others: no poll is held for more than a minute.
    #[test]
    fn what_cannot_be_is_refused_with_its_key() {
        check_refused("[timeouts]\npickup = 0", "`timeouts.pickup` is 0");
        check_refused("[timeouts]\npickup = -1", "`timeouts.pickup` is -1");
        check_refused("[timeouts]\nevent = nan", "`timeouts.event` is NaN");
        check_refused("[timeouts]\nevent = 1e300", "`timeouts.event`");
        check_refused("[timeouts]\npoll_hold = 61", "at most 60");
        check_refused("[timeouts]\npikcup = 1", "unknown field `pikcup`");
        check_refused("[quotas]\napplications = 0", "`quotas.applications` is 0, but must be at least 1");
        check_refused("[retention]\ndays = -1", "`retention.days` is -1");
        check_refused("[retention]\ndays = nan", "`retention.days` is NaN");
        check_refused("[retention]\ndeployments = 0", "`retention.deployments` is 0");
        check_refused("[api]\npage_size = 1001", "1 to 1000");
        check_refused("[api]\nburst = 0", "`api.burst` is 0, but must be at least 1");
        check_refused("[api]\nrequests_per_second = -1", "invalid value: integer `-1`");
        check_refused("[audit]\nretention_days = 0", "`audit.retention_days` is 0, but must be 1 to 3660");
        check_refused("[iam]\ncheck_pass_role = 1", "invalid type");
        check_refused("[tls]\ncertificate = \"a.pem\"", "missing field `key`");
        check_refused("listen = 1", "unknown field `listen`");
    }
}
