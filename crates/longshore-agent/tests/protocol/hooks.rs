//! Hooks as the service and the operator see them.

use std::process::Command;

use serde_json::{Value, json};

use crate::host::{Agent, Host, text};
use crate::service::{Received, Service};

const APPSPEC: &str = "hooks:\n  AfterInstall:\n    - location: s.sh\n      timeout: 2\n";

const DEPLOYMENT: &str = "5b9cb1a2-7d1c-4a4e-9c2e-0f6a1d3e5b77/d-WIRE00001";

/// Downloads a revision whose AfterInstall is `script`, runs that, and answers its report.
async fn run_hook(service: &Service, host: &Host, script: &str, command: &mut Command) -> (Agent, Received) {
    service.specify(host.revision(APPSPEC, &[("s.sh", script)]));
    let agent = Agent::start(command);
    service.offer("hc-1", "DownloadBundle");
    service.wait_for("PutHostCommandComplete", 1).await;
    service.offer("hc-2", "AfterInstall");
    let mut completions = service.wait_for("PutHostCommandComplete", 2).await;
    (agent, completions.remove(1))
}

fn is_alive(pid: &str) -> bool {
    let stat = text(std::path::Path::new(&format!("/proc/{}/stat", pid.trim())));
    !stat.is_empty() && !stat.contains(") Z ")
}

fn kill(pid: &str) {
    assert!(Command::new("/bin/kill").args(["-KILL", pid.trim()]).status().expect("kill").success());
}

fn kept(host: &Host, name: &str) -> Value {
    let path = host.root().join(DEPLOYMENT).join("logs").join(name);
    serde_json::from_str(&text(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_floods_ignores_sigterm_and_leaves_a_daemon_is_reported_and_gone() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "hook_kill_grace_seconds: 1\n");
    let (daemon, own) = (host.path("daemon.pid"), host.path("own.pid"));
    let script = format!(
        "trap '' TERM\necho $$ > {}\nsetsid sh -c 'echo $$ > {}; exec sleep 600' >/dev/null 2>&1 &\n\
         while :; do echo flood; done",
        own.display(),
        daemon.display()
    );
    let (_agent, completion) = run_hook(&service, &host, &script, &mut host.command("run")).await;
    let diagnostics = completion.diagnostics();
    assert_eq!(diagnostics["error_code"], 3);
    assert_eq!(diagnostics["message"], "Script at specified location: s.sh failed to complete in 2 seconds");
    let log = diagnostics["log"].as_str().expect("text");
    assert!(log.ends_with("[stdout]flood\n") && 2000 < log.len() && log.len() <= 2048, "{log}");
    for pid in [text(&daemon), text(&own)] {
        host.wait_until("the hook's processes are gone", || !is_alive(&pid));
    }
    let evidence = &kept(&host, "failure.json")["evidence"][0];
    assert_eq!((&evidence["kind"], &evidence["timeout_secs"]), (&json!("script_ended"), &json!(2)));
    assert!(evidence["output"]["begin_byte"].as_u64() < evidence["output"]["end_byte"].as_u64());
    service.wait_for_next_poll().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_keeps_an_output_open_is_in_the_report_and_in_both_logs() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let pid = host.path("child.pid");
    let script = format!("sleep 600 2>/dev/null &\necho $! > {}", pid.display());
    let (_agent, completion) = run_hook(&service, &host, &script, &mut host.command("run")).await;
    let diagnostics = completion.diagnostics();
    assert_eq!(diagnostics["error_code"], 6);
    assert_eq!(diagnostics["message"], "Script at specified location: s.sh failed to close STDOUT");
    let sentence = format!("stdout is held open by pid {} (sleep 600)", text(&pid).trim());
    let line = format!("[longshore] {sentence}\n");
    assert!(diagnostics["log"].as_str().expect("text").ends_with(&line), "{diagnostics}");
    assert!(text(&host.root().join(DEPLOYMENT).join("logs/scripts.log")).ends_with(&line));
    assert!(host.log().contains(&sentence));
    let held = &kept(&host, "failure.json")["evidence"][1];
    assert_eq!((&held["kind"], &held["stream"]), (&json!("output_held"), &json!("stdout")));
    kill(&text(&pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervised_hook_ends_with_its_script_and_keeps_what_was_found() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "hook_supervision: supervised\n");
    let pid = host.path("child.pid");
    let script = format!("sleep 600 2>/dev/null &\necho $! > {}", pid.display());
    let (_agent, completion) = run_hook(&service, &host, &script, &mut host.command("run")).await;
    assert_eq!(completion.body["CommandStatus"], "Succeeded", "{}", host.log());
    let found = kept(&host, "findings-AfterInstall.json");
    assert_eq!(found[0]["kind"], "output_held");
    assert_eq!(found[0]["pid"].to_string(), text(&pid).trim());
    assert!(host.log().contains("stdout is held open by pid"));
    assert!(is_alive(&text(&pid)));
    kill(&text(&pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restricted_hook_sees_its_deployment_and_hardly_anything_else() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "restrict_hook_env_to_allowlist: true\n");
    let out = host.path("out");
    let mut command = host.command("run");
    command.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret").env("LD_LIBRARY_PATH", "/nowhere");
    let (_agent, completion) =
        run_hook(&service, &host, &format!("env > {}", out.display()), &mut command).await;
    assert_eq!(completion.body["CommandStatus"], "Succeeded");
    // What the shell itself adds is none of the agent's.
    let added = ["PWD", "SHLVL", "_", "OLDPWD"];
    let environment = text(&out);
    let mut names: Vec<&str> = environment
        .lines()
        .filter_map(|line| line.split('=').next())
        .filter(|n| !added.contains(n))
        .collect();
    names.retain(|name| !["HOME", "USER"].contains(name));
    names.sort_unstable();
    let expected = [
        "APPLICATION_NAME",
        "AWS_HOST_IDENTIFIER",
        "AWS_REGION",
        "DEPLOYMENT_GROUP_ID",
        "DEPLOYMENT_GROUP_NAME",
        "DEPLOYMENT_ID",
        "LIFECYCLE_EVENT",
        "PATH",
    ];
    assert_eq!(names, expected);
}

/// Of a hook with two scripts, the second of which is `second`, what the service is sent: the texts of the
/// reports of DownloadBundle and AfterInstall.
async fn payloads_of_two_scripts(service: &Service, second: &str) -> (String, String) {
    const TWO: &str = "hooks:\n  AfterInstall:\n    - location: one.sh\n    - location: two.sh\n";
    let host = Host::new(service);
    service.specify(host.revision(TWO, &[("one.sh", "sleep 0.2"), ("two.sh", second)]));
    let _agent = host.run();
    service.offer("hc-1", "DownloadBundle");
    service.wait_for("PutHostCommandComplete", 1).await;
    service.offer("hc-2", "AfterInstall");
    let completions = service.wait_for("PutHostCommandComplete", 2).await;
    let payload =
        |idx: usize| completions[idx].body["Diagnostics"]["Payload"].as_str().expect("text").to_owned();
    (payload(0), payload(1))
}

const SUCCESS: &str = r#"{"error_code":0,"script_name":"","message":"Succeeded: ","log":""}"#;
const FAILURE: &str = r#"{"error_code":4,"script_name":"two.sh","message":"Script at specified location: two.sh failed with exit code 3","log":"LifecycleEvent - AfterInstall\nScript - one.sh\nScript - two.sh\n"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_does_not_ask_for_the_times_of_scripts_gets_what_the_original_sends() {
    let service = Service::start().await;
    assert_eq!(payloads_of_two_scripts(&service, "exit 0").await, (SUCCESS.to_owned(), SUCCESS.to_owned()));
    let service = Service::start().await;
    assert_eq!(payloads_of_two_scripts(&service, "exit 3").await, (SUCCESS.to_owned(), FAILURE.to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_takes_the_times_of_scripts_gets_them_after_the_rest() {
    for (second, rest) in [("exit 0", SUCCESS), ("exit 3", FAILURE)] {
        let service = Service::start().await;
        service.take_script_times();
        let (download, event) = payloads_of_two_scripts(&service, second).await;
        assert_eq!(download, SUCCESS, "no scripts ran");
        let scripts =
            event.strip_prefix(rest.trim_end_matches('}')).expect("the rest is the same, and first");
        let scripts = scripts.strip_prefix(r#","scripts":"#).and_then(|list| list.strip_suffix('}'));
        let scripts: Vec<Value> = serde_json::from_str(scripts.expect("scripts")).expect("a list");
        let locations: Vec<&Value> = scripts.iter().map(|script| &script["location"]).collect();
        assert_eq!(locations, ["one.sh", "two.sh"], "in run order");
        let seconds: Vec<f64> =
            scripts.iter().map(|script| script["seconds"].as_f64().expect("a number")).collect();
        assert!(0.2 <= seconds[0] && 0.0 <= seconds[1] && seconds.iter().sum::<f64>() < 60.0, "{seconds:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_after_the_download_without_an_appspec_fails_before_the_acknowledgement() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision(APPSPEC, &[]));
    let _agent = host.run();
    service.offer("hc-1", "AfterInstall");
    let completions = service.wait_for("PutHostCommandComplete", 1).await;
    let diagnostics = completions[0].diagnostics();
    assert_eq!(diagnostics["error_code"], 5);
    let archive = host.root().join(DEPLOYMENT).join("deployment-archive");
    let archive = archive.display();
    let expected = format!(
        "The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at \
         revision-relative path \"appspec.yml\". The revision was unpacked to directory \"{archive}\", and \
         the AppSpec file was expected but not found at path \"{archive}/appspec.yml\". Consult the AWS \
         CodeDeploy Appspec documentation for more information at \
         http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html"
    );
    assert_eq!(diagnostics["message"], expected);
    assert!(service.received("PutHostCommandAcknowledgement").is_empty());
}
