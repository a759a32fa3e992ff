//! What will be written where, and whether it may be.

use std::path::{Path, PathBuf};

use longshore_model::id::HostName;
use longshore_wire::enrollment::EnrollHostOutput;

use super::agent_file::{self, Composed, Required};
use super::arguments::{CONFIG_DIR, EnrollArguments};
use super::error::EnrollError;
use super::place::NewFile;
use crate::config::{RawConfig, Settings, on_premises};
use crate::pid_file::PidFile;

/// The agent's configuration.
const AGENT_FILE: &str = "codedeployagent.yml";
/// The identity, named as `aws deploy register` names it.
const IDENTITY_FILE: &str = "codedeploy.onpremises.yml";
/// The certificate of the server's signer.
const SIGNER_FILE: &str = "codedeploy-signer.pem";
/// Where Linux says how the machine is called.
const OWN_NAME: &str = "/proc/sys/kernel/hostname";

/// Where an agent keeps what is not configuration, when nothing is said.
const SYSTEM_DIRS: [(&str, &str); 3] = [
    ("log_dir", "/var/log/aws/codedeploy-agent"),
    ("pid_dir", "/opt/codedeploy-agent/state/.pid"),
    ("root_dir", "/opt/codedeploy-agent/deployment-root"),
];
/// The same, below a configuration folder of one's own.
const OWN_DIRS: [(&str, &str); 3] = [("log_dir", "log"), ("pid_dir", "pid"), ("root_dir", "deployment-root")];

/// The files of a host.
pub(super) struct Plan {
    server: String,
    agent_file: PathBuf,
    identity_file: PathBuf,
    signer_file: PathBuf,
    /// The text of the agent's file, if there is one.
    existing: Option<String>,
    /// What the agent's file must have besides the endpoints.
    required: Vec<Required>,
}

/// The name to enroll under.
pub(super) fn host_name(given: Option<&str>) -> Result<HostName, EnrollError> {
    let own;
    let name = match given {
        Some(name) => name,
        None => {
            own = std::fs::read_to_string(OWN_NAME).unwrap_or_default();
            own.trim()
        }
    };
    Ok(HostName::parse(name)?)
}

impl Plan {
    /// The plan for this machine as it is now.
    pub(super) fn of(arguments: &EnrollArguments) -> Result<Plan, EnrollError> {
        let absolute = |path: &Path| std::path::absolute(path).map_err(EnrollError::System);
        let config_dir = absolute(arguments.config_dir.as_deref().unwrap_or(Path::new(CONFIG_DIR)))?;
        let agent_file = resolved(config_dir.join(AGENT_FILE));
        let existing = existing_text(&agent_file)?;
        let raw = RawConfig::parse(existing.as_deref().unwrap_or_default())
            .map_err(|error| EnrollError::AgentFile { path: agent_file.clone(), source: error.into() })?;
        let named = raw.text("on_premises_config_file").map(str::trim).filter(|text| !text.is_empty());
        let identity_file = resolved(named.map_or_else(|| config_dir.join(IDENTITY_FILE), PathBuf::from));
        check_identity(&identity_file, arguments.force)?;
        let signer_file = config_dir.join(SIGNER_FILE);
        let mut required = vec![("deployment_signer_ca_file", text(&signer_file))];
        if named.is_none() {
            required.push(("on_premises_config_file", text(&identity_file)));
        }
        for (key, path) in directories(arguments, &config_dir, &raw) {
            required.push((key, text(&absolute(&path)?)));
        }
        if existing.is_none() {
            required.push(("wait_between_runs", String::from("1")));
        }
        let server = arguments.server.trim_end_matches('/').to_owned();
        let plan = Plan { server, agent_file, identity_file, signer_file, existing, required };
        // Whether it can be composed at all must be known before a token is used.
        plan.compose(&plan.server)?;
        Ok(plan)
    }

    /// Where files will be put.
    pub(super) fn directories(&self) -> Vec<PathBuf> {
        let files = [&self.signer_file, &self.agent_file, &self.identity_file];
        files.iter().filter_map(|file| file.parent()).map(Path::to_owned).collect()
    }

    /// The proxy that the agent's file names.
    pub(super) fn proxy_uri(&self) -> Option<String> {
        let raw = RawConfig::parse(self.existing.as_deref().unwrap_or_default()).ok()?;
        raw.text("proxy_uri").map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// What is to be written, the identity last: without it an agent does nothing.
    pub(super) fn files(&self, answer: &EnrollHostOutput, signer: &str) -> Result<Vec<NewFile>, EnrollError> {
        let mut files = vec![NewFile::new(&self.signer_file, signer, 0o644)];
        let bundles = answer.bundle_endpoint.as_deref().unwrap_or(&self.server);
        if let Some(Composed { text, changed }) = self.compose(bundles)? {
            let file = NewFile::new(&self.agent_file, &text, 0o644);
            files.push(match self.existing {
                Some(_) => file.changing(changed),
                None => file,
            });
        }
        files.push(NewFile::new(&self.identity_file, &identity_text(answer), 0o600));
        Ok(files)
    }

    /// Files that are good as they are.
    pub(super) fn kept(&self, files: &[NewFile]) -> Vec<PathBuf> {
        let is_written = files.iter().any(|file| file.path == self.agent_file);
        if is_written { Vec::new() } else { vec![self.agent_file.clone()] }
    }

    /// What starts the agent with these files; `default_path` is where it looks by itself.
    pub(super) fn next_command(&self, default_path: &Path) -> String {
        let verb = if self.is_running() { "restart" } else { "start" };
        if self.agent_file == default_path {
            return format!("longshore-agent {verb}");
        }
        format!("longshore-agent {verb} --config_file={}", self.agent_file.display())
    }

    fn is_running(&self) -> bool {
        let Ok(raw) = RawConfig::read(&self.agent_file) else { return false };
        let Ok(settings) = Settings::from_raw(&raw) else { return false };
        PidFile::new(&settings.pid_dir, &settings.program_name).running().is_some()
    }

    fn compose(&self, bundle_endpoint: &str) -> Result<Option<Composed>, EnrollError> {
        let mut required = self.required.clone();
        required.extend([
            ("deploy_control_endpoint", self.server.clone()),
            ("s3_endpoint_override", bundle_endpoint.to_owned()),
            ("s3_force_path_style", String::from("true")),
        ]);
        agent_file::compose(self.existing.as_deref(), &required)
            .map_err(|source| EnrollError::AgentFile { path: self.agent_file.clone(), source })
    }
}

/// The directories that the agent's file must name: those asked for, and those that it lacks.
fn directories(
    arguments: &EnrollArguments,
    config_dir: &Path,
    raw: &RawConfig,
) -> Vec<(&'static str, PathBuf)> {
    let asked = [&arguments.log_dir, &arguments.pid_dir, &arguments.root_dir];
    let defaults = match arguments.config_dir {
        None => SYSTEM_DIRS.map(|(key, path)| (key, PathBuf::from(path))),
        Some(_) => OWN_DIRS.map(|(key, name)| (key, config_dir.join(name))),
    };
    let pairs = defaults.into_iter().zip(asked);
    pairs
        .filter_map(|((key, default), asked)| match asked {
            Some(path) => Some((key, path.clone())),
            None => raw.text(key).is_none().then_some((key, default)),
        })
        .collect()
}

/// A link's target, so that the link stays.
fn resolved(path: PathBuf) -> PathBuf {
    std::fs::canonicalize(&path).unwrap_or(path)
}

fn existing_text(path: &Path) -> Result<Option<String>, EnrollError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EnrollError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Refuses to take a machine from somebody else.
fn check_identity(path: &Path, force: bool) -> Result<(), EnrollError> {
    if force || existing_text(path)?.is_none() {
        return Ok(());
    }
    let arn = match on_premises::read(path) {
        Ok(Some(identity)) => Some(identity.arn),
        Ok(None) | Err(_) => None,
    };
    Err(EnrollError::HasIdentity { path: path.to_owned(), arn })
}

/// What `aws deploy register` writes.
fn identity_text(answer: &EnrollHostOutput) -> String {
    let EnrollHostOutput { region, iam_user_arn, access_key_id, secret_access_key, .. } = answer;
    let pairs = [
        ("region", region),
        ("iam_user_arn", iam_user_arn),
        ("aws_access_key_id", access_key_id),
        ("aws_secret_access_key", secret_access_key),
    ];
    let lines = pairs.map(|(key, value)| format!("{key}: '{}'\n", value.replace('\'', "''")));
    format!("---\n{}", lines.concat())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
