//! Whom a script runs as, and which variables reach it, through the machine's own `su` and `sudo`.
//! Source: agent.md §8.2 and §8.3, with I-13 and I-37.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::host::{Agent, Host, specification, text};
use crate::service::{Received, Service};

/// No shell on the way may read it.
const APPLICATION: &str = "app one's \"best\" $HOME";

/// What the deployment below tells its scripts. `BUNDLE_VERSION` is null, so it is unset.
const OF_DEPLOYMENT: [(&str, &str); 9] = [
    ("APPLICATION_NAME", APPLICATION),
    ("AWS_REGION", "us-east-1"),
    ("BUNDLE_BUCKET", "bundles"),
    ("BUNDLE_ETAG", "e1"),
    ("BUNDLE_KEY", "app one.tar"),
    ("DEPLOYMENT_GROUP_ID", "5b9cb1a2-7d1c-4a4e-9c2e-0f6a1d3e5b77"),
    ("DEPLOYMENT_GROUP_NAME", "dg-one"),
    ("DEPLOYMENT_ID", "d-WIRE00001"),
    ("LIFECYCLE_EVENT", "AfterInstall"),
];

/// Only root may become somebody else without a password: whoever else runs these tests has no case for them.
fn may_become_others() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Somebody other than root whom `su` lets run a program; root where the machine has nobody else.
fn somebody() -> String {
    let accounts = fs::read_to_string("/etc/passwd").expect("every Linux has it");
    let shells = fs::read_to_string("/etc/shells").unwrap_or_default();
    let is_shell = |shell: &str| shells.lines().any(|line| line == shell) && shell.ends_with("sh");
    let may_log_in = |account: &&str| {
        let fields: Vec<&str> = account.split(':').collect();
        fields.len() == 7 && fields[2] != "0" && is_shell(fields[6])
    };
    let account = accounts.lines().find(may_log_in).unwrap_or("root:");
    account.split(':').next().expect("a name").to_owned()
}

/// A revision in the bundle store whose scripts all have the same text.
fn bundle(appspec: &str, scripts: &[&str], script: &str) -> Vec<u8> {
    let mut bundle = tar::Builder::new(Vec::new());
    let appspec = format!("version: 0.0\nos: linux\n{appspec}");
    let script = format!("#!/bin/sh\n{script}\n");
    let files = scripts.iter().map(|name| (*name, &script)).chain([("appspec.yml", &appspec)]);
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o755);
        bundle.append_data(&mut header, name, text.as_bytes()).expect("packed");
    }
    bundle.into_inner().expect("a bundle")
}

/// Deploys a bundle up to its AfterInstall, and answers how that ended. The agent inherits a variable of its
/// own and a secret.
async fn after_install(service: &Service, host: &Host, bundle: Vec<u8>) -> (Agent, Received) {
    // Whoever a script runs as must reach it.
    fs::set_permissions(host.path(""), fs::Permissions::from_mode(0o755)).expect("opened");
    service.store("/bundles/app%20one.tar", bundle);
    let mut specification = specification(&json!({
        "RevisionType": "S3",
        "S3Revision": { "Bucket": "bundles", "Key": "app one.tar", "BundleType": "tar", "ETag": "e1" },
    }));
    specification["ApplicationName"] = json!(APPLICATION);
    service.specify(specification);
    let mut command = host.command("run");
    command.env("INHERITED", "by the agent").env("AWS_SECRET_ACCESS_KEY", "secret");
    command.env("BUNDLE_VERSION", "of another").env("SUDO_ASKPASS", "/nowhere");
    let agent = Agent::start(&mut command);
    service.offer("hc-1", "DownloadBundle");
    service.wait_for("PutHostCommandComplete", 1).await;
    service.offer("hc-2", "AfterInstall");
    let mut completions = service.wait_for("PutHostCommandComplete", 2).await;
    (agent, completions.remove(1))
}

/// The hook's variables as they arrived, and whether what the agent has of its own did.
#[track_caller]
fn check_environment(path: &Path, host_identifier: &str, is_inherited: bool) {
    let arrived = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let arrived = String::from_utf8(arrived).expect("text");
    let arrived: HashMap<&str, &str> = arrived.split('\0').filter_map(|pair| pair.split_once('=')).collect();
    for (name, value) in OF_DEPLOYMENT.into_iter().chain([("AWS_HOST_IDENTIFIER", host_identifier)]) {
        assert_eq!(arrived.get(name), Some(&value), "{name} in {}", path.display());
    }
    for absent in ["BUNDLE_VERSION", "BUNDLE_COMMIT", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"] {
        assert_eq!(arrived.get(absent), None, "{}", path.display());
    }
    let inherited = is_inherited.then_some(&"by the agent");
    assert_eq!(arrived.get("INHERITED"), inherited, "{}", path.display());
}

/// I-37: through a `sudo` that resets the environment, the hook's variables arrive and nothing else of the
/// agent's does; `su` keeps all; both together are `sudo`'s environment as the other user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hook_variables_arrive_in_each_of_the_four_forms_of_a_command() {
    if !may_become_others() {
        return;
    }
    let service = Service::start().await;
    let host = Host::new(&service);
    let user = somebody();
    let appspec = format!(
        "hooks:\n  AfterInstall:\n    - location: plain.sh\n    - location: runas.sh\n      runas: {user}\n    \
         - location: sudo.sh\n      sudo: true\n    - location: both.sh\n      runas: {user}\n      sudo: true\n"
    );
    let out = host.path("out");
    fs::create_dir(&out).expect("created");
    fs::set_permissions(&out, fs::Permissions::from_mode(0o777)).expect("open to everybody");
    let script = format!(
        "out={}/${{0##*/}}\nid -un >\"$out.user\"\ncat /proc/$$/environ >\"$out.environment\"",
        out.display()
    );
    let scripts = ["plain.sh", "runas.sh", "sudo.sh", "both.sh"];
    let (_agent, completion) = after_install(&service, &host, bundle(&appspec, &scripts, &script)).await;
    assert_eq!(completion.body["CommandStatus"], "Succeeded", "{completion:?} {}", host.log());
    for (script, expected, is_inherited) in [
        ("plain.sh", "root", true),
        ("runas.sh", user.as_str(), true),
        ("sudo.sh", "root", false),
        ("both.sh", user.as_str(), false),
    ] {
        assert_eq!(text(&out.join(format!("{script}.user"))).trim(), expected, "{script}");
        let environment = out.join(format!("{script}.environment"));
        check_environment(&environment, &service.host(), is_inherited);
        // That it was `sudo` which ran it, and not the agent itself.
        let is_sudos = text(&environment).contains("SUDO_COMMAND=");
        assert_eq!(is_sudos, !is_inherited, "{script}");
    }
}

/// How the failing AfterInstall of one script is reported: code and message.
async fn failure(entry: &str, script: &str) -> (Host, Value) {
    let service = Service::start().await;
    let host = Host::with_config(&service, "hook_kill_grace_seconds: 1\n");
    let script = script.replace("PID_FILE", host.path("script.pid").to_str().expect("text"));
    let appspec = format!("hooks:\n  AfterInstall:\n    - location: s.sh\n{entry}");
    let (_agent, completion) = after_install(&service, &host, bundle(&appspec, &["s.sh"], &script)).await;
    let diagnostics = completion.diagnostics();
    (host, json!([diagnostics["error_code"], diagnostics["message"]]))
}

const HERE: &str = "Script at specified location: s.sh";

/// Source: agent.md §8.3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_comes_through_su_and_sudo_with_its_exit_code() {
    if !may_become_others() {
        return;
    }
    let user = somebody();
    let through_sudo = failure("      sudo: true\n", "exit 7").await.1;
    assert_eq!(through_sudo, json!([4, format!("{HERE} failed with exit code 7")]));
    let (both, as_user) =
        (format!("      sudo: true\n      runas: {user}\n"), format!("run as user {user} "));
    let through_both = failure(&both, "exit 7").await.1;
    assert_eq!(through_both, json!([4, format!("{HERE} {as_user}failed with exit code 7")]));
    let by_signal = failure("      sudo: true\n", "kill -KILL $$").await.1;
    assert_eq!(by_signal, json!([4, format!("{HERE} failed with exit code 137 (signal 9)")]));
    // An account that is not for logging in has no shell that would run the script.
    let nobody = failure("      runas: nobody\n", "exit 0").await.1;
    assert_eq!(nobody, json!([4, format!("{HERE} run as user nobody failed with exit code 1")]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_under_sudo_that_ignores_sigterm_ends_with_its_timeout() {
    if !may_become_others() {
        return;
    }
    let script = "trap '' TERM\necho $$ >PID_FILE.new\nmv PID_FILE.new PID_FILE\nwhile :; do sleep 0.1; done";
    let (host, reported) = failure("      sudo: true\n      timeout: 2\n", script).await;
    assert_eq!(reported, json!([3, format!("{HERE} failed to complete in 2 seconds")]));
    let pid = text(&host.path("script.pid"));
    let stat = format!("/proc/{}/stat", pid.trim());
    host.wait_until("the script is gone", || {
        let stat = text(Path::new(&stat));
        stat.is_empty() || stat.contains(") Z ")
    });
}

/// The machine's `sudo` is one that drops what it is not told to keep: otherwise the tests above show nothing.
#[test]
fn this_machines_sudo_resets_the_environment() {
    if !may_become_others() {
        return;
    }
    let mut command = Command::new("sudo");
    command.args(["-n", "/usr/bin/env"]).env("DEPLOYMENT_ID", "d-1");
    let output = command.output().expect("sudo, which `tools/setup test` installs");
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("DEPLOYMENT_ID"), "{output:?}");
}
