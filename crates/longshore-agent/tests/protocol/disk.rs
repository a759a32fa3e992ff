//! What the host's disk refuses while a command is carried out, in the words of agent.md §10.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::host::{Host, text};
use crate::service::Service;

const GROUP: &str = "5b9cb1a2-7d1c-4a4e-9c2e-0f6a1d3e5b77";

/// The report of the one command, which fails.
async fn failure(service: &Service, host: &Host, command: &str) -> Value {
    service.specify(host.revision("", &[]));
    service.offer("hc-1", command);
    let _agent = host.run();
    let completion = service.wait_for("PutHostCommandComplete", 1).await.remove(0);
    let diagnostics = completion.diagnostics();
    assert_eq!(diagnostics["error_code"], 5, "{diagnostics} {}", host.log());
    diagnostics
}

fn evidence(path: &Path) -> Value {
    let kept: Value = serde_json::from_str(&text(path)).expect("what was seen");
    kept["evidence"].clone()
}

/// Source: agent.md §4.1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_whose_folder_cannot_be_made_says_so() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let group = host.root().join(GROUP);
    fs::create_dir_all(host.root()).expect("created");
    fs::write(&group, "in the way").expect("written");
    let deployment = group.join("d-WIRE00001");
    let expected = format!("Error creating deployment root directory {}", deployment.display());
    assert_eq!(failure(&service, &host, "DownloadBundle").await["message"], expected);
    let kept = host.names("failed-commands");
    let seen = json!([{ "kind": "system_refusal", "path": deployment, "errno": 20, "name": "ENOTDIR" }]);
    assert_eq!(evidence(&host.root().join("failed-commands").join(&kept[0])), seen);
}

/// Source: agent.md §4.4. The original has the exit code of `rm` where ours has the path and the reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_revision_that_resists_fails_the_download() {
    let service = Service::start().await;
    let is_root = nix::unistd::geteuid().is_root();
    let user = if is_root { "user: daemon\n" } else { "" };
    let host = Host::with_config(&service, &format!("max_revisions: 1\n{user}"));
    let old = host.root().join(GROUP).join("d-OLD000001");
    fs::create_dir_all(&old).expect("created");
    fs::write(old.join("file"), "").expect("written");
    if is_root {
        // Nothing resists root: so the agent is somebody else, and the old revision stays root's.
        let daemon = nix::unistd::User::from_name("daemon").expect("look").expect("every Linux has it");
        host.give_to(&daemon);
        for path in [host.root(), host.root().join(GROUP)] {
            nix::unistd::chown(&path, Some(daemon.uid), Some(daemon.gid)).expect("given away");
        }
    }
    fs::set_permissions(&old, fs::Permissions::from_mode(0o555)).expect("closed");
    let diagnostics = failure(&service, &host, "DownloadBundle").await;
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).expect("open");
    let expected = format!("Error deleting directories: {}: Permission denied (os error 13)", old.display());
    assert_eq!(diagnostics["message"], expected);
    let seen = json!([{ "kind": "system_refusal", "path": old, "errno": 13, "name": "EACCES" }]);
    assert_eq!(evidence(&host.root().join(GROUP).join("d-WIRE00001/logs/failure.json")), seen);
}
