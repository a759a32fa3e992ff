//! Looks at this host and calls its services. Changes nothing, and takes no command.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, Uri};
use longshore_wire::client::Fetcher;
use rustix::fs::{Access, access, statvfs};

use super::facts::{Agents, Answer, DirectoryFact, Leftovers, Permissions};
use super::finding::Finding;
use super::judge;
use crate::causes::with_causes;
use crate::config::{RawConfig, Settings};
use crate::identity::{self, CredentialSource, Identity};
use crate::layout::Layout;
use crate::pid_file::PidFile;
use crate::service::{CallError, CommandService, Outgoing, USER_AGENT, command_endpoint};
use crate::version;

/// A deployment that no service has. Asking for it takes no command, as a poll would.
const NO_DEPLOYMENT: &str = "deployment/d-CHECK0000";

/// Tracking files of before are leftovers.
const STALE_AFTER: Duration = Duration::from_secs(86_400);

/// Every finding, in the order in which they depend on each other.
pub(super) async fn findings(config_path: &Path) -> Vec<Finding> {
    let settings = match settings(config_path) {
        Ok(settings) => settings,
        Err(problem) => {
            let remedy = "mend the file; the keys are in the documentation of the agent";
            return vec![Finding::error("configuration", problem, remedy)];
        }
    };
    let mut findings = vec![judge::configuration(config_path, &settings.unknown_keys)];
    findings.extend(on_disk(&settings));
    findings.extend(in_reach(&settings).await);
    findings
}

fn settings(path: &Path) -> Result<Settings, String> {
    let raw = RawConfig::read(path).map_err(|error| with_causes(&error))?;
    Settings::from_raw(&raw).map_err(|error| error.to_string().replace('\n', "; "))
}

/// What this host's disk says.
fn on_disk(settings: &Settings) -> Vec<Finding> {
    let our_uid = rustix::process::geteuid().as_raw();
    let [root, logs, pids] =
        [&settings.root_dir, &settings.log_dir, &settings.pid_dir].map(|path| directory(path));
    let agents = agents(settings);
    let left = leftovers(settings, SystemTime::now());
    let mut findings = vec![
        version_told(&settings.root_dir),
        judge::directory("root_dir", &root, our_uid),
        judge::directory("log_dir", &logs, our_uid),
        judge::directory("pid_dir", &pids, our_uid),
        judge::space("space", &root),
        judge::space("space for logs", &logs),
        judge::agents(&agents),
        judge::leftovers(&left, agents.running.is_some()),
    ];
    let on_premises = &settings.on_premises_config_file;
    if let Some(found) = permissions(on_premises) {
        findings.push(judge::secret_file("on-premises file", on_premises, found, our_uid));
    }
    if let Some(path) = &settings.deployment_signer_ca_file {
        findings.push(judge::signer(path, &days_left(path, SystemTime::now())));
    }
    findings
}

fn version_told(root_dir: &Path) -> Finding {
    let program = concat!("longshore-agent ", env!("CARGO_PKG_VERSION"));
    Finding::ok("version", format!("{program}, told to the service as {}", version::read(root_dir)))
}

fn permissions(path: &Path) -> Option<Permissions> {
    let metadata = fs::metadata(path).ok()?;
    let mode = metadata.mode() & 0o7777;
    Some(Permissions { is_directory: metadata.is_dir(), uid: metadata.uid(), mode })
}

fn directory(path: &Path) -> DirectoryFact {
    // What is not there yet is made in the nearest folder that is.
    let existing = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    let space = statvfs(existing).ok();
    DirectoryFact {
        path: path.to_owned(),
        found: permissions(path),
        is_writable: access(existing, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        free_bytes: space.as_ref().map(|space| space.f_bavail.saturating_mul(space.f_frsize)),
        free_inodes: space.as_ref().filter(|space| 0 < space.f_files).map(|space| space.f_favail),
    }
}

fn agents(settings: &Settings) -> Agents {
    let running = PidFile::new(&settings.pid_dir, &settings.program_name).running();
    let is_other = |pid: &i32| {
        let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command_line.starts_with(b"codedeploy-agent: master") && Some(*pid) != running
    };
    let pids = names(Path::new("/proc")).into_iter().filter_map(|name| name.parse().ok());
    Agents { running, others: pids.filter(is_other).collect() }
}

fn leftovers(settings: &Settings, now: SystemTime) -> Leftovers {
    let layout = Layout::new(&settings.root_dir, &settings.ongoing_deployment_tracking);
    let count = |path: &Path, is_counted: &dyn Fn(&str) -> bool| {
        names(path).iter().filter(|name| !name.starts_with('.') && is_counted(name)).count()
    };
    let tracking = layout.tracking();
    let is_stale = |name: &str| {
        let modified = fs::metadata(tracking.join(name)).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| STALE_AFTER < age))
    };
    Leftovers {
        n_journals: count(&layout.instructions(), &|name| name.ends_with("-install.journal")),
        n_reports: count(&layout.pending_reports(), &|_| true),
        n_tracked: count(&tracking, &|name| !is_stale(name)),
        n_stale: count(&tracking, &is_stale),
    }
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// How many days the first of the file's certificates to end has left; negative when it has ended.
fn days_left(path: &Path, now: SystemTime) -> Result<i64, String> {
    let pem = fs::read(path).map_err(|error| error.to_string())?;
    let chain = x509_cert::Certificate::load_pem_chain(&pem).map_err(|error| error.to_string())?;
    let ends = chain.iter().map(|certificate| certificate.tbs_certificate.validity.not_after);
    let first = ends.map(|end| end.to_system_time()).min().ok_or("it has no certificate")?;
    let secs = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let left = match first.duration_since(now) {
        Ok(left) => secs(left),
        Err(ended) => -secs(ended.duration()) - 1,
    };
    Ok(left.div_euclid(86_400))
}

/// What others say.
async fn in_reach(settings: &Settings) -> Vec<Finding> {
    let identity = match identity::resolve(settings).await {
        Ok(identity) => Arc::new(identity),
        Err(error) => {
            let remedy = "register the host: longshore-agent enroll, or aws deploy register";
            return vec![Finding::error("identity", with_causes(&error), remedy)];
        }
    };
    let shown = format!("{} in {}", identity.host_identifier, identity.region);
    let mut findings = vec![Finding::ok("identity", shown), credentials(&identity).await];
    if let CredentialSource::SharedFile(file) = &identity.credentials
        && let Some(found) = permissions(file.path())
    {
        let our_uid = rustix::process::geteuid().as_raw();
        findings.push(judge::secret_file("credentials file", file.path(), found, our_uid));
    }
    match Outgoing::new(settings) {
        Ok(outgoing) => findings.extend(services(settings, &outgoing, &identity).await),
        Err(error) => {
            let remedy = "mend AWS_SSL_CA_BUNDLE, AWS_SSL_CA_DIRECTORY or SSL_CERT_FILE";
            findings.push(Finding::error("command endpoint", with_causes(&error), remedy));
        }
    }
    findings
}

async fn credentials(identity: &Identity) -> Finding {
    match identity.credentials.current().await {
        Ok(keys) => Finding::ok("credentials", format!("access key {}", keys.access_key_id)),
        Err(error) => {
            let remedy = "write them where the on-premises file says, or give the instance a role";
            Finding::error("credentials", with_causes(&error), remedy)
        }
    }
}

async fn services(settings: &Settings, outgoing: &Outgoing, identity: &Arc<Identity>) -> Vec<Finding> {
    let endpoint = command_endpoint(settings, &identity.region, identity.domain.as_deref());
    let (answer, date) = probe(outgoing, &endpoint).await;
    let mut findings = vec![judge::reached("command endpoint", &endpoint, &answer)];
    if answer == Answer::Good {
        let now = jiff::Timestamp::now().as_second();
        findings.push(judge::clock(date.map(|date| now - date)));
        findings.push(judge::signed_call(&signed_call(settings, outgoing, identity).await));
    }
    if let Some(endpoint) = &settings.s3_endpoint_override {
        findings.push(judge::reached("bundle store", endpoint, &probe(outgoing, endpoint).await.0));
    }
    findings
}

/// One unsigned GET, and the answer's time in seconds since 1970.
async fn probe(outgoing: &Outgoing, endpoint: &str) -> (Answer, Option<i64>) {
    let unreachable = |error: String| (Answer::Unreachable(error), None);
    let uri: Uri = match endpoint.parse() {
        Ok(uri) => uri,
        Err(error) => return unreachable(format!("{error}")),
    };
    let fetcher = match Fetcher::new(outgoing.transport(), USER_AGENT) {
        Ok(fetcher) => fetcher,
        Err(error) => return unreachable(with_causes(&error)),
    };
    match fetcher.get(&uri, HeaderMap::new()).await {
        Ok(answer) => {
            let date = answer.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
            let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
            (Answer::Good, date.map(|date| date.timestamp().as_second()))
        }
        Err(error) => (answer_of(&CallError::from(error)), None),
    }
}

async fn signed_call(settings: &Settings, outgoing: &Outgoing, identity: &Arc<Identity>) -> Answer {
    let agent_version = version::read(&settings.root_dir);
    let service = match CommandService::new(settings, outgoing, Arc::clone(identity), &agent_version) {
        Ok(service) => service,
        Err(error) => return Answer::Unreachable(with_causes(&error)),
    };
    let region = &identity.region;
    let nothing = format!("CodeDeploy/{region}/Check/arn:aws:sds:{region}:000000000000:{NO_DEPLOYMENT}");
    match service.specification(&nothing).await {
        Ok(_) => Answer::Good,
        Err(error) => answer_of(&error),
    }
}

fn answer_of(error: &CallError) -> Answer {
    let sentence = error.sentence();
    match error.status() {
        Some(status) => Answer::Refused {
            status,
            code: error.code().unwrap_or_default().to_owned(),
            message: sentence,
            is_about_credentials: error.is_about_credentials(),
        },
        None if error.is_certificate() => Answer::Certificate(sentence),
        None if error.is_network() => Answer::Unreachable(sentence),
        None => Answer::NoKeys(sentence),
    }
}

/// The configuration file that is checked unless one is named.
pub(super) fn config_path(named: Option<PathBuf>) -> PathBuf {
    named.unwrap_or_else(crate::config::default_path)
}
