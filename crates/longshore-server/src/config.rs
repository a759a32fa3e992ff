//! What the server is started with, in three steps: the file as written ([`RawConfig`]), the file as
//! checked ([`Config`]), and everything together ([`Settings`]), which is passed down from there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use longshore_engine::{EngineConfig, Quotas, Retention};
use longshore_model::rate::Rate;
use longshore_model::target::Clocks;
use serde::Deserialize;

use crate::args::Args;
use crate::data_dir::RootKey;

/// No clock is longer: a month.
const MAX_CLOCK: Duration = Duration::from_secs(31 * 24 * 3600);
/// Agents give up a poll after 80 s; proxies often after 60 s. Source: service.md §8.
const MAX_POLL_HOLD: Duration = Duration::from_secs(60);
/// A hundred years.
const MAX_RETENTION_DAYS: f64 = 36_500.0;
const SECS_PER_DAY: f64 = 86_400.0;
/// The index of so many is read through whenever the history is tidied up.
const MAX_RETENTION_DEPLOYMENTS: usize = 10_000_000;
/// The most items on one page of a list.
const MAX_PAGE_SIZE: usize = 1000;
/// A quarter: long enough to find out who did it, short enough to stay small.
const DEFAULT_AUDIT_DAYS: usize = 90;
/// Ten years.
const MAX_AUDIT_DAYS: usize = 3660;

/// How often one principal may call. The service's own rates are not published (service.md §1.7);
/// clients may take for granted that nobody is refused below 1,000 a second (design.md §3).
const DEFAULT_RATE: Rate = Rate { per_second: 1000, burst: 2000 };

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
        key: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        rule: String,
    },
}

/// The file as written. Every key may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    timeouts: RawTimeouts,
    quotas: RawQuotas,
    retention: RawRetention,
    api: RawApi,
    iam: RawIam,
    audit: RawAudit,
    tls: Option<TlsFiles>,
}

/// Seconds, fractions allowed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawTimeouts {
    pickup: Option<f64>,
    event: Option<f64>,
    deployment: Option<f64>,
    poll_hold: Option<f64>,
    redelivery: Option<f64>,
    alarm_poll: Option<f64>,
    tombstone: Option<f64>,
    request_head: Option<f64>,
    upload: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawQuotas {
    applications: Option<usize>,
    deployment_groups: Option<usize>,
    deployment_configs: Option<usize>,
    hosts_per_deployment: Option<usize>,
    concurrent_deployments: Option<usize>,
    concurrent_hosts: Option<usize>,
    git_hub_tokens: Option<usize>,
}

/// Whichever of the two keeps more.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawRetention {
    days: Option<f64>,
    deployments: Option<usize>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawApi {
    page_size: Option<usize>,
    requests_per_second: Option<u32>,
    burst: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawIam {
    check_pass_role: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawAudit {
    retention_days: Option<usize>,
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
    /// Plain HTTP when absent.
    pub tls: Option<TlsFiles>,
}

/// Everything the server is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data folder.
    pub data_dir: PathBuf,
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The server's region.
    pub region: String,
    /// 12 digits.
    pub account_id: String,
    /// For the first start.
    pub root_key: Option<RootKey>,
    /// The configuration file.
    pub config: Config,
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
            rate: Some(DEFAULT_RATE),
            checks_pass_role: true,
            audit_retention: days(DEFAULT_AUDIT_DAYS),
            tls: None,
        }
    }
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its key.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let raw: RawConfig = toml::from_str(&text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source })?;
        Config::from_raw(raw)
    }

    fn from_raw(raw: RawConfig) -> Result<Config, ConfigError> {
        let default = Config::default();
        let timeouts = raw.timeouts;
        let clocks = Clocks {
            pickup: clock("timeouts.pickup", timeouts.pickup, default.clocks.pickup, MAX_CLOCK)?,
            event: clock("timeouts.event", timeouts.event, default.clocks.event, MAX_CLOCK)?,
            deployment: clock(
                "timeouts.deployment",
                timeouts.deployment,
                default.clocks.deployment,
                MAX_CLOCK,
            )?,
        };
        let longest = MAX_CLOCK;
        Ok(Config {
            clocks,
            poll_hold: clock("timeouts.poll_hold", timeouts.poll_hold, default.poll_hold, MAX_POLL_HOLD)?,
            redelivery: clock("timeouts.redelivery", timeouts.redelivery, default.redelivery, longest)?,
            alarm_poll: clock("timeouts.alarm_poll", timeouts.alarm_poll, default.alarm_poll, longest)?,
            tombstone: clock("timeouts.tombstone", timeouts.tombstone, default.tombstone, longest)?,
            request_head: clock(
                "timeouts.request_head",
                timeouts.request_head,
                default.request_head,
                longest,
            )?,
            upload: clock("timeouts.upload", timeouts.upload, default.upload, longest)?,
            quotas: quotas(&raw.quotas, default.quotas)?,
            retention: retention(&raw.retention, default.retention)?,
            page_size: number("api.page_size", raw.api.page_size, default.page_size, MAX_PAGE_SIZE)?,
            rate: rate(&raw.api)?,
            checks_pass_role: raw.iam.check_pass_role.unwrap_or(default.checks_pass_role),
            audit_retention: days(number(
                "audit.retention_days",
                raw.audit.retention_days,
                DEFAULT_AUDIT_DAYS,
                MAX_AUDIT_DAYS,
            )?),
            tls: raw.tls,
        })
    }
}

impl Settings {
    /// Checks what was typed, and reads the configuration file if there is one.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn from_args(args: Args) -> Result<Settings, ConfigError> {
        let config = match &args.config {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        let settings = Settings {
            data_dir: args.data_dir,
            listen: args.listen,
            region: args.region,
            account_id: args.account_id,
            root_key: root_key(args.root_access_key_id, args.root_secret_access_key)?,
            config,
        };
        settings.checked()
    }

    fn checked(self) -> Result<Settings, ConfigError> {
        let is_region = !self.region.is_empty()
            && self.region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_region {
            return Err(invalid("LONGSHORE_REGION", &self.region, "lower-case letters, digits and -"));
        }
        if self.account_id.len() != 12 || !self.account_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid("LONGSHORE_ACCOUNT_ID", &self.account_id, "12 digits"));
        }
        Ok(self)
    }

    /// The engine's part.
    pub(crate) fn engine(&self) -> EngineConfig {
        EngineConfig {
            account_id: self.account_id.clone(),
            region: self.region.clone(),
            clocks: self.config.clocks,
            poll_hold: self.config.poll_hold,
            redelivery: self.config.redelivery,
            alarm_poll: self.config.alarm_poll,
            tombstone: self.config.tombstone,
            quotas: self.config.quotas,
            retention: self.config.retention,
        }
    }
}

fn root_key(id: Option<String>, secret: Option<String>) -> Result<Option<RootKey>, ConfigError> {
    match (id, secret) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => Ok(Some(RootKey { id, secret })),
        (Some(_), None) => {
            Err(invalid("LONGSHORE_ROOT_SECRET_ACCESS_KEY", "not set", "set together with the key's id"))
        }
        (None, Some(_)) => {
            Err(invalid("LONGSHORE_ROOT_ACCESS_KEY_ID", "not set", "set together with the key's secret"))
        }
    }
}

fn quotas(raw: &RawQuotas, default: Quotas) -> Result<Quotas, ConfigError> {
    const NO_LIMIT: usize = usize::MAX;
    Ok(Quotas {
        applications: number("quotas.applications", raw.applications, default.applications, NO_LIMIT)?,
        deployment_groups: number(
            "quotas.deployment_groups",
            raw.deployment_groups,
            default.deployment_groups,
            NO_LIMIT,
        )?,
        deployment_configs: number(
            "quotas.deployment_configs",
            raw.deployment_configs,
            default.deployment_configs,
            NO_LIMIT,
        )?,
        hosts_per_deployment: number(
            "quotas.hosts_per_deployment",
            raw.hosts_per_deployment,
            default.hosts_per_deployment,
            NO_LIMIT,
        )?,
        concurrent_deployments: number(
            "quotas.concurrent_deployments",
            raw.concurrent_deployments,
            default.concurrent_deployments,
            NO_LIMIT,
        )?,
        concurrent_hosts: number(
            "quotas.concurrent_hosts",
            raw.concurrent_hosts,
            default.concurrent_hosts,
            NO_LIMIT,
        )?,
        git_hub_tokens: number(
            "quotas.git_hub_tokens",
            raw.git_hub_tokens,
            default.git_hub_tokens,
            NO_LIMIT,
        )?,
    })
}

/// 0 requests a second mean that nobody counts.
fn rate(raw: &RawApi) -> Result<Option<Rate>, ConfigError> {
    let per_second = raw.requests_per_second.unwrap_or(DEFAULT_RATE.per_second);
    // Who asks for a rate of their own gets the same proportion of burst, unless they ask for that too.
    let proportion = DEFAULT_RATE.burst / DEFAULT_RATE.per_second;
    let burst = raw.burst.unwrap_or(per_second.saturating_mul(proportion));
    match (per_second, raw.burst) {
        (_, Some(0)) => Err(invalid("api.burst", 0, "at least 1")),
        (0, _) => Ok(None),
        _ => Ok(Some(Rate { per_second, burst })),
    }
}

fn days(n_days: usize) -> Duration {
    Duration::from_secs(24 * 3600 * n_days as u64)
}

fn retention(raw: &RawRetention, default: Retention) -> Result<Retention, ConfigError> {
    let age = match raw.days {
        None => default.age,
        Some(days) if (0.0..=MAX_RETENTION_DAYS).contains(&days) => {
            Duration::from_secs_f64(days * SECS_PER_DAY)
        }
        Some(days) => {
            let rule = format!("days, 0 to {MAX_RETENTION_DAYS}");
            return Err(invalid("retention.days", days, &rule));
        }
    };
    let deployments =
        number("retention.deployments", raw.deployments, default.deployments, MAX_RETENTION_DEPLOYMENTS)?;
    Ok(Retention { age, deployments })
}

fn clock(
    key: &'static str,
    secs: Option<f64>,
    default: Duration,
    max: Duration,
) -> Result<Duration, ConfigError> {
    let Some(secs) = secs else { return Ok(default) };
    match Duration::try_from_secs_f64(secs) {
        Ok(duration) if Duration::from_millis(1) <= duration && duration <= max => Ok(duration),
        Ok(_) | Err(_) => {
            Err(invalid(key, secs, &format!("seconds, more than 0 and at most {}", max.as_secs())))
        }
    }
}

fn number(key: &'static str, value: Option<usize>, default: usize, max: usize) -> Result<usize, ConfigError> {
    match value {
        None => Ok(default),
        Some(value) if (1..=max).contains(&value) => Ok(value),
        Some(value) if max == usize::MAX => Err(invalid(key, value, "at least 1")),
        Some(value) => Err(invalid(key, value, &format!("1 to {max}"))),
    }
}

fn invalid(key: &'static str, value: impl ToString, rule: &str) -> ConfigError {
    ConfigError::Invalid { key, value: value.to_string(), rule: rule.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        Config::from_raw(raw).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let error = parse(text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }

    #[test]
    fn an_empty_file_means_the_service_s_values() {
        let config = parse("").expect("empty");
        assert_eq!(config.clocks, Clocks::default());
        assert_eq!((config.page_size, config.poll_hold.as_secs()), (100, 45));
    }

    #[test]
    fn clocks_are_seconds_with_fractions() {
        let config = parse("[timeouts]\npickup = 0.5\nevent = 10\npoll_hold = 2\n").expect("clocks");
        assert_eq!(config.clocks.pickup, Duration::from_millis(500));
        assert_eq!(config.clocks.event, Duration::from_secs(10));
        assert_eq!(config.clocks.deployment, Clocks::default().deployment);
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
