//! The checked configuration: its existence proves that the agent can start with it.

use std::path::PathBuf;
use std::time::Duration;

use super::raw::RawConfig;
use super::unused_keys;

/// Regions with FIPS endpoints. Source: agent.md §3.
const FIPS_REGIONS: [&str; 6] =
    ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-west-1", "us-gov-east-1"];

/// The longest wait for running commands at shutdown: a day, as AWS's 2.x agent caps it.
const MAX_SHUTDOWN_WAIT_SECS: u64 = 86_400;

/// Keys that this agent acts on.
const KNOWN_KEYS: &[&str] = &[
    "log_dir",
    "pid_dir",
    "root_dir",
    "program_name",
    "verbose",
    "wait_between_runs",
    "max_revisions",
    "on_premises_config_file",
    "proxy_uri",
    "disable_imds_v1",
    "use_fips_mode",
    "enable_auth_policy",
    "log_aws_wire",
    "enable_archive_reuse",
    "github_api_endpoint",
    "deploy_control_endpoint",
    "s3_endpoint_override",
    "s3_force_path_style",
    "enable_deployments_log",
    "kill_agent_max_wait_time_seconds",
    "ongoing_deployment_tracking",
    "http_read_timeout",
    "children",
    "user",
    "group",
    "disable_core_dumps",
    "max_runs_per_worker",
    "deployment_signer_ca_file",
    "hook_kill_grace_seconds",
    "hook_supervision",
    "restrict_hook_env_to_allowlist",
    "strip_loader_env_in_hooks",
    "max_extracted_bytes",
    "archive_max_extraction_size",
    "reject_symlinks_in_bundle",
    "reject_path_traversal_in_bundle",
    "reject_unsafe_permissions_in_bundle",
    "ignore_ownership_in_bundle",
];

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
    /// Refuse paths of an AppSpec that climb; members of bundles never may.
    pub reject_path_traversal_in_bundle: bool,
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
        let mut reader = Reader { raw, problems: Vec::new() };
        let settings = reader.settings();
        if reader.problems.is_empty() {
            return Ok(settings);
        }
        Err(InvalidConfig { problems: reader.problems })
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

struct Reader<'a> {
    raw: &'a RawConfig,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn settings(&mut self) -> Settings {
        self.check_children();
        Settings {
            program_name: self.text("program_name", "codedeploy-agent"),
            log_dir: self.directory("log_dir", "log"),
            pid_dir: self.directory("pid_dir", "PID"),
            root_dir: self.directory("root_dir", "deployment root"),
            verbose: self.flag("verbose", false),
            wait_between_runs: self.seconds("wait_between_runs", 30),
            max_revisions: self.max_revisions(),
            on_premises_config_file: self
                .text("on_premises_config_file", "/etc/codedeploy-agent/conf/codedeploy.onpremises.yml")
                .into(),
            proxy_uri: self.optional("proxy_uri"),
            disable_imds_v1: self.flag("disable_imds_v1", false),
            use_fips_mode: self.flag("use_fips_mode", false),
            enable_auth_policy: self.flag("enable_auth_policy", false),
            deploy_control_endpoint: self.endpoint("deploy_control_endpoint"),
            s3_endpoint_override: self.endpoint("s3_endpoint_override"),
            s3_force_path_style: self.optional_flag("s3_force_path_style"),
            github_api_endpoint: self.endpoint("github_api_endpoint"),
            log_aws_wire: self.flag("log_aws_wire", false),
            enable_archive_reuse: self.flag("enable_archive_reuse", true),
            enable_deployments_log: self.flag("enable_deployments_log", true),
            shutdown_wait: self
                .seconds("kill_agent_max_wait_time_seconds", 7200)
                .min(Duration::from_secs(MAX_SHUTDOWN_WAIT_SECS)),
            ongoing_deployment_tracking: self.tracking_name(),
            http_read_timeout: self.seconds("http_read_timeout", 80).max(Duration::from_secs(1)),
            deployment_signer_ca_file: self.optional("deployment_signer_ca_file").map(PathBuf::from),
            hook_kill_grace: self.seconds("hook_kill_grace_seconds", 5),
            hook_supervision: self.hook_supervision(),
            restrict_hook_env_to_allowlist: self.flag("restrict_hook_env_to_allowlist", false),
            strip_loader_env_in_hooks: self.flag("strip_loader_env_in_hooks", false),
            max_extracted: self.max_extracted(),
            reject_symlinks_in_bundle: self.flag("reject_symlinks_in_bundle", false),
            reject_path_traversal_in_bundle: self.flag("reject_path_traversal_in_bundle", false),
            reject_unsafe_permissions_in_bundle: self.flag("reject_unsafe_permissions_in_bundle", false),
            ignore_ownership_in_bundle: self.flag("ignore_ownership_in_bundle", false),
            user: self.optional("user"),
            group: self.optional("group"),
            disable_core_dumps: self.flag("disable_core_dumps", true),
            max_runs_per_worker: self.max_runs(),
            unused_keys: self.other_keys(unused_keys::is_unused),
            unknown_keys: self.other_keys(|key| !unused_keys::is_unused(key)),
        }
    }

    fn optional(&self, key: &str) -> Option<String> {
        self.raw.text(key).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn text(&self, key: &str, default: &str) -> String {
        self.optional(key).unwrap_or_else(|| default.to_owned())
    }

    fn directory(&mut self, key: &str, name: &str) -> PathBuf {
        let dir = self.text(key, "");
        if dir.is_empty() {
            self.problems.push(format!(
                "Please make sure the path of the {name} directory exists and is writable: \"{dir}\""
            ));
        }
        dir.into()
    }

    fn flag(&mut self, key: &str, default: bool) -> bool {
        self.optional_flag(key).unwrap_or(default)
    }

    fn optional_flag(&mut self, key: &str) -> Option<bool> {
        let text = self.optional(key)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => {
                self.problems.push(format!("Invalid {key} {text}: expected true or false"));
                None
            }
        }
    }

    /// Whole seconds; a fraction is dropped, as the original does.
    fn seconds(&mut self, key: &str, default: u64) -> Duration {
        let Some(text) = self.optional(key) else { return Duration::from_secs(default) };
        match text.parse::<f64>() {
            Ok(secs) if (0.0..=1e9).contains(&secs) => Duration::from_secs(secs as u64),
            Ok(_) | Err(_) => {
                self.problems.push(format!("Invalid {key} {text}: expected a number of seconds"));
                Duration::from_secs(default)
            }
        }
    }

    fn max_revisions(&mut self) -> usize {
        let Some(text) = self.optional("max_revisions") else { return 5 };
        match text.parse::<usize>() {
            Ok(n_revisions) if 0 < n_revisions => n_revisions,
            Ok(_) | Err(_) => {
                self.problems.push(format!("Invalid configuration :max_revision={text}"));
                5
            }
        }
    }

    fn hook_supervision(&mut self) -> HookSupervision {
        match self.text("hook_supervision", "compatible").as_str() {
            "compatible" => HookSupervision::Compatible,
            "supervised" => HookSupervision::Supervised,
            other => {
                self.problems
                    .push(format!("Invalid hook_supervision {other}: expected compatible or supervised"));
                HookSupervision::default()
            }
        }
    }

    /// A number of bytes, with or without a unit as AWS's 2.x agent reads it (`10MB`, `2GiB`).
    fn bytes(&mut self, key: &'static str) -> Option<ByteLimit> {
        let text = self.optional(key)?;
        let bytes = parse_bytes(&text).filter(|bytes| 0 < *bytes);
        if bytes.is_none() {
            self.problems
                .push(format!("Invalid {key} {text}: expected a number of bytes, e.g. 500MB or 2GiB"));
        }
        bytes.map(|bytes| ByteLimit { key, bytes })
    }

    /// Both names are known from elsewhere; the smaller of two bounds holds.
    fn max_extracted(&mut self) -> Option<ByteLimit> {
        let limits = [self.bytes("max_extracted_bytes"), self.bytes("archive_max_extraction_size")];
        limits.into_iter().flatten().min_by_key(|limit| limit.bytes)
    }

    fn endpoint(&mut self, key: &str) -> Option<String> {
        let text = self.optional(key)?;
        if text.starts_with("http://") || text.starts_with("https://") {
            return Some(text);
        }
        self.problems
            .push(format!("{key} has invalid scheme: \"{text}\"; only https:// or http:// is accepted"));
        None
    }

    fn check_children(&mut self) {
        let children = self.text("children", "1");
        if children.parse() != Ok(1) {
            self.problems.push("children can only be set to 1".to_owned());
        }
    }

    /// The name becomes a path component under the root, and recovery deletes in there.
    fn tracking_name(&mut self) -> String {
        let name = self.text("ongoing_deployment_tracking", "ongoing-deployment");
        if name.contains('/') || name == "." || name == ".." {
            self.problems
                .push(format!("Invalid ongoing_deployment_tracking {name}: expected one path component"));
        }
        name
    }

    /// Polls per worker; none means without end, as 0 does.
    fn max_runs(&mut self) -> Option<u64> {
        let text = self.optional("max_runs_per_worker")?;
        let n_runs = text.parse::<u64>();
        if n_runs.is_err() {
            self.problems.push(format!("Invalid max_runs_per_worker {text}"));
        }
        n_runs.ok().filter(|n_runs| 0 < *n_runs)
    }

    /// The keys of the file that do nothing and ask for something, sorted, as far as they are
    /// `of_interest`.
    fn other_keys(&self, of_interest: fn(&str) -> bool) -> Vec<String> {
        let is_other = |key: &&str| !KNOWN_KEYS.contains(key) && of_interest(key);
        let others = self.raw.keys().filter(is_other).filter(|key| !self.raw.asks_for_nothing(key));
        let mut others: Vec<String> = others.map(str::to_owned).collect();
        others.sort();
        others.dedup();
        others
    }
}

fn parse_bytes(text: &str) -> Option<u64> {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at(n_digits);
    let factor: u64 = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KIB" => 1 << 10,
        "MIB" => 1 << 20,
        "GIB" => 1 << 30,
        "TIB" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRS: &str = ":log_dir: /l\n:pid_dir: /p\n:root_dir: /r\n";

    fn read(text: &str) -> Result<Settings, InvalidConfig> {
        let raw = RawConfig::parse(&format!("{DIRS}{text}")).expect("yaml");
        Settings::from_raw(&raw)
    }

    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(text: &str, field: fn(Settings) -> T, expected: T) {
        assert_eq!(field(read(text).expect(text)), expected, "text: {text}");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(read(text).expect_err(text).to_string(), expected);
    }

    #[test]
    fn the_shipped_file_of_the_original_works() {
        let text = ":program_name: codedeploy-agent\n:verbose: false\n:wait_between_runs: 1\n:proxy_uri:\n\
                    :max_revisions: 5\n:log_aws_wire: false\n";
        check(text, |settings| settings.wait_between_runs, Duration::from_secs(1));
        check(text, |settings| settings.proxy_uri, None);
        check(text, |settings| settings.unused_keys, Vec::new());
        check(text, |settings| settings.unknown_keys, Vec::new());
    }

    #[test]
    fn defaults_are_the_code_defaults_of_the_original() {
        check("", |settings| settings.wait_between_runs, Duration::from_secs(30));
        check("", |settings| settings.max_revisions, 5);
        check("", |settings| settings.shutdown_wait, Duration::from_secs(7200));
        check("", |settings| settings.ongoing_deployment_tracking, "ongoing-deployment".to_owned());
        check("", |settings| settings.enable_deployments_log, true);
    }

    #[test]
    fn quoted_scalars_are_accepted() {
        check("max_revisions: '2'\n", |settings| settings.max_revisions, 2);
        check("verbose: \"true\"\n", |settings| settings.verbose, true);
    }

    #[test]
    fn a_fraction_of_a_second_is_dropped() {
        check("wait_between_runs: 1.9\n", |settings| settings.wait_between_runs, Duration::from_secs(1));
    }

    #[test]
    fn the_last_of_a_repeated_key_wins() {
        check("max_revisions: 2\n:max_revisions: 3\n", |settings| settings.max_revisions, 3);
    }

    #[test]
    fn the_wait_at_shutdown_is_capped_at_a_day() {
        let text = "kill_agent_max_wait_time_seconds: 999999\n";
        check(text, |settings| settings.shutdown_wait, Duration::from_secs(86_400));
    }

    #[test]
    fn extraction_limits_take_units() {
        let limit = |text: &str, key, bytes| {
            check(text, |settings| settings.max_extracted, Some(ByteLimit { key, bytes }));
        };
        limit("archive_max_extraction_size: 2GiB\n", "archive_max_extraction_size", 2 << 30);
        limit("archive_max_extraction_size: '10 mb'\n", "archive_max_extraction_size", 10_000_000);
        limit("max_extracted_bytes: 500\n", "max_extracted_bytes", 500);
        let both = "max_extracted_bytes: 1KB\narchive_max_extraction_size: 1KiB\n";
        limit(both, "max_extracted_bytes", 1000);
        check("", |settings| settings.max_extracted, None);
        for text in ["0", "-1", "1.5GB", "MB", "10 parrots", "99999999999TiB"] {
            check_refused(
                &format!("archive_max_extraction_size: {text}\n"),
                &format!(
                    "Invalid archive_max_extraction_size {text}: expected a number of bytes, e.g. 500MB or 2GiB"
                ),
            );
        }
    }

    #[track_caller]
    fn check_flag(key: &str, field: fn(Settings) -> bool) {
        check("", field, false);
        check(&format!("{key}: true\n"), field, true);
        check(&format!(":{key}: 'true'\n"), field, true);
        check(&format!("{key}: \"false\"\n"), field, false);
    }

    #[test]
    fn hardening_of_bundles_is_off_unless_asked_for_with_or_without_quotes() {
        check_flag("reject_symlinks_in_bundle", |settings| settings.reject_symlinks_in_bundle);
        check_flag("reject_path_traversal_in_bundle", |settings| settings.reject_path_traversal_in_bundle);
        check_flag("reject_unsafe_permissions_in_bundle", |settings| {
            settings.reject_unsafe_permissions_in_bundle
        });
        check_flag("ignore_ownership_in_bundle", |settings| settings.ignore_ownership_in_bundle);
    }

    #[test]
    fn keys_of_both_lines_are_accepted_and_unused_ones_named() {
        let text = "enable_command_port: true\nshared_dir:\nplugins: [codedeploy]\nnonsense: 1\n\
                    log_aws_wire: false\nreject_symlinks_in_bundle: false\n";
        let unused = ["enable_command_port", "plugins"].map(str::to_owned).to_vec();
        check(text, |settings| settings.unused_keys, unused);
        check(text, |settings| settings.unknown_keys, vec!["nonsense".to_owned()]);
    }

    /// Every key of both of AWS's lines, as the documents of both list them, with a value that both take.
    #[test]
    fn every_key_of_both_lines_is_known() {
        let text = include_str!("every_key.yml");
        check(text, |settings| settings.unknown_keys, Vec::new());
    }

    #[test]
    fn privileges_core_dumps_and_the_life_of_a_worker_are_read() {
        check("", |settings| (settings.user, settings.group), (None, None));
        let user = (Some("deploy".to_owned()), Some("www".to_owned()));
        check("user: deploy\ngroup: www\n", |settings| (settings.user, settings.group), user);
        check("", |settings| settings.disable_core_dumps, true);
        check("disable_core_dumps: false\n", |settings| settings.disable_core_dumps, false);
        check("max_runs_per_worker: 0\n", |settings| settings.max_runs_per_worker, None);
        check("max_runs_per_worker: 7\n", |settings| settings.max_runs_per_worker, Some(7));
        check_refused("max_runs_per_worker: -1\n", "Invalid max_runs_per_worker -1");
    }

    #[test]
    fn hooks_are_compatible_unless_told_otherwise() {
        check("", |settings| settings.hook_supervision, HookSupervision::Compatible);
        check(
            "hook_supervision: supervised\n",
            |settings| settings.hook_supervision,
            HookSupervision::Supervised,
        );
        check_refused(
            "hook_supervision: strict\n",
            "Invalid hook_supervision strict: expected compatible or supervised",
        );
        check("restrict_hook_env_to_allowlist: true\n", |s| s.restrict_hook_env_to_allowlist, true);
        check("strip_loader_env_in_hooks: true\n", |s| s.strip_loader_env_in_hooks, true);
        check("", |s| s.restrict_hook_env_to_allowlist || s.strip_loader_env_in_hooks, false);
    }

    #[test]
    fn every_problem_is_one_line() {
        check_refused(
            "max_revisions: 0\nchildren: 2\n",
            "children can only be set to 1\nInvalid configuration :max_revision=0",
        );
        check_refused(
            "deploy_control_endpoint: ftp://x\n",
            "deploy_control_endpoint has invalid scheme: \"ftp://x\"; only https:// or http:// is accepted",
        );
        check_refused(
            "wait_between_runs: soon\n",
            "Invalid wait_between_runs soon: expected a number of seconds",
        );
        check_refused(
            "root_dir: ''\n",
            "Please make sure the path of the deployment root directory exists and is writable: \"\"",
        );
    }

    #[test]
    fn fips_mode_is_for_regions_in_the_usa() {
        let settings = read("use_fips_mode: true\n").expect("settings");
        assert!(settings.check_region("us-gov-west-1").is_ok());
        assert!(settings.check_region("eu-central-1").is_err());
    }
}
