//! From the keys of the file to [`Settings`]: defaults, bounds, and one line for each problem.

use std::path::PathBuf;
use std::time::Duration;

use super::raw::RawConfig;
use super::settings::{ByteLimit, HookSupervision, Settings};
use super::unused_keys;

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

/// Reads the keys one by one and collects what is wrong with them.
pub(super) struct Reader<'a> {
    raw: &'a RawConfig,
    problems: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn new(raw: &RawConfig) -> Reader<'_> {
        Reader { raw, problems: Vec::new() }
    }

    /// What is wrong, in the words that users know from the original agent.
    pub(super) fn problems(self) -> Vec<String> {
        self.problems
    }

    /// Every setting; those with a problem have their defaults.
    pub(super) fn settings(&mut self) -> Settings {
        self.check_children();
        // In force whatever it says: nothing of a revision may lead out of it.
        self.flag("reject_path_traversal_in_bundle", true);
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
