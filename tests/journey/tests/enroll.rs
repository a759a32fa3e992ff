//! A machine becomes a host with one command and a token, and stays one whatever happens to the server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use longshore_journey::{App, Aws, Host, PATIENCE, Server, program, wait_for};
use serde_json::Value;

/// Runs `longshore ARGS --output json` as the operator.
fn longshore(server: &Server, arguments: &[&str]) -> Value {
    let mut command = Command::new(program("longshore"));
    command.args(arguments).args(["--output", "json"]).envs(server.env());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn token(server: &Server, arguments: &[&str]) -> String {
    let made = longshore(server, &[&["hosts", "token"], arguments].concat());
    made["token"].as_str().unwrap().to_owned()
}

/// Runs `longshore-agent enroll` for a machine whose files are in `conf`; the token is in the environment.
fn enroll(server: &Server, token: &str, conf: &Path, name: &str, more: &[&str]) -> Output {
    let mut command = Command::new(program("longshore-agent"));
    command.args(["enroll", "--server", server.url(), "--name", name, "--config-dir"]).arg(conf).args(more);
    command.env_clear().env("LONGSHORE_ENROLL_TOKEN", token).stdin(Stdio::null());
    command.output().unwrap()
}

#[track_caller]
fn check_refused(output: &Output, parts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "`{part}` is missing in: {stderr}");
    }
}

/// Every path below `folder` with its content and mode.
fn tree(folder: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        found.push((path.clone(), meta.permissions().mode(), fs::read(&path).unwrap_or_default()));
        if meta.is_dir() {
            found.extend(tree(&path));
        }
    }
    found.sort();
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_token_makes_one_host_that_deploys_and_no_second() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path());
    let token = token(&server, &["--tag", "Role=web", "--tag", "zone=north"]);
    // What was answered is kept, whatever happens to the server.
    server.kill_9_and_restart();

    let mut host = Host::registered(folder.path(), "h1");
    let conf = host.folder().join("conf");
    let output = enroll(&server, &token, &conf, "h1", &["--output", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["name"], "h1");
    assert_eq!(said["iamUserArn"], "arn:aws:iam::000000000000:user/AWS/CodeDeploy/h1");
    let config_file = conf.join("codedeployagent.yml");
    let next = format!("longshore-agent start --config_file={}", config_file.display());
    assert_eq!(said["nextCommand"], next);
    assert_eq!(mode(&conf.join("codedeploy.onpremises.yml")), 0o600);
    let signer = fs::read_to_string(conf.join("codedeploy-signer.pem")).unwrap();
    assert_eq!(signer, fs::read_to_string(server.data_dir().join("signer.pem")).unwrap());
    let all = fs::read_to_string(&config_file).unwrap();
    assert!(all.contains("deployment_signer_ca_file: '") && !all.contains(&token), "{all}");

    server.kill_9_and_restart();
    let before = tree(folder.path());
    let second = folder.path().join("h2/conf");
    let refused = enroll(&server, &token, &second, "h2", &[]);
    check_refused(&refused, &["EnrollmentTokenUsedUpException", "make another with `longshore hosts token`"]);
    let again = enroll(&server, &token, &conf, "h1", &[]);
    check_refused(&again, &["has an identity already", "user/AWS/CodeDeploy/h1", "--force"]);
    let tree_without_server = |tree: Vec<(PathBuf, u32, Vec<u8>)>| -> Vec<_> {
        tree.into_iter().filter(|(path, ..)| !path.starts_with(folder.path().join("control"))).collect()
    };
    assert_eq!(tree_without_server(tree(folder.path())), tree_without_server(before));

    host.start();
    aws.ok("s3 mb s3://bundles");
    aws.ok("deploy create-application --application-name web");
    aws.ok("deploy create-deployment-group --application-name web --deployment-group-name all \
         --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
         --on-premises-instance-tag-filters Key=zone,Value=north,Type=KEY_AND_VALUE");
    let app = App::write(&folder.path().join("source"), "one\n");
    let source = app.folder().display();
    aws.ok(&format!("deploy push --application-name web --s3-location s3://bundles/a.zip --source {source}"));
    let id = aws.value(
        "deploy create-deployment --application-name web --deployment-group-name all \
         --s3-location bucket=bundles,key=a.zip,bundleType=zip",
        "deploymentId",
    );
    aws.ok(&format!("deploy wait deployment-successful --deployment-id {id}"));
    assert_eq!(host.lines("app/version.txt"), ["one"]);
    // What a token has made, the AWS CLI takes away.
    aws.ok("deploy deregister --instance-name h1 --region us-east-1");
    assert!(aws.fails("iam get-user --user-name h1").contains("NoSuchEntity"));
}

#[test]
fn what_is_refused_leaves_the_machine_as_it_was_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let conf = folder.path().join("machine/etc/conf");
    let refused = |token: &str, name: &str, more: &[&str], parts: &[&str]| {
        check_refused(&enroll(&server, token, &conf, name, more), parts);
        assert!(!folder.path().join("machine").exists(), "{parts:?}: nothing was left");
    };
    let good = token(&server, &[]);
    let missing: [&str; 2] = ["no enrollment token is given", "hint: make one with `longshore hosts token`"];
    refused("", "h1", &[], &missing);
    refused("AKIA0123456789ABCDEF", "h1", &[], &["is no enrollment token"]);
    refused(&good[..90], "h1", &[], &["not complete", "copy it whole"]);
    refused(&good, "i-0abc", &[], &["is not valid", "--name"]);
    let short = token(&server, &["--expires", "1s"]);
    wait_for("the token's end", PATIENCE, || {
        let listed = longshore(&server, &["hosts", "token", "--list"]).to_string();
        listed.contains("Expired").then_some(())
    });
    refused(&short, "h1", &[], &["EnrollmentTokenExpiredException", "expired at 20"]);
    let revoked = token(&server, &["--uses", "5"]);
    let id = revoked.split('.').nth(1).unwrap();
    assert_eq!(longshore(&server, &["hosts", "token", "--revoke", id])["tokenInfo"]["state"], "Revoked");
    refused(&revoked, "h1", &[], &["EnrollmentTokenRevokedException"]);

    // Somebody in between who answers with a signer of his own.
    let mut mitm = token(&server, &[]);
    let last = if mitm.pop() == Some('0') { '1' } else { '0' };
    mitm.push(last);
    refused(&mitm, "victim", &[], &["the server's signer is not the one that the token announces"]);

    let nowhere = Command::new(program("longshore-agent"))
        .args(["enroll", "--server", "http://127.0.0.1:1", "--token", &good, "--name", "h1", "--config-dir"])
        .arg(&conf)
        .output()
        .unwrap();
    check_refused(&nowhere, &["the server cannot be reached", "check --server"]);
    assert!(!folder.path().join("machine").exists());

    // A configuration that cannot be used is said before the token is.
    fs::create_dir_all(&conf).unwrap();
    fs::write(conf.join("codedeployagent.yml"), "max_revisions: 0\n").unwrap();
    let before = tree(folder.path().join("machine").as_path());
    check_refused(
        &enroll(&server, &good, &conf, "h1", &[]),
        &["codedeployagent.yml is of no use", "max_revision=0"],
    );
    assert_eq!(tree(folder.path().join("machine").as_path()), before);
}

#[test]
fn an_existing_configuration_is_kept_but_for_what_must_be_set() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let conf = folder.path().join("conf");
    fs::create_dir_all(&conf).unwrap();
    let identity = folder.path().join("elsewhere.yml");
    let existing = format!(
        "# ours\n:log_dir: '{0}/l'\n:pid_dir: '{0}/p'\n:root_dir: '{0}/r'\n:verbose: true\n\
         :on_premises_config_file: '{1}'\n:deploy_control_endpoint: 'http://old'\n",
        folder.path().display(),
        identity.display()
    );
    let file = conf.join("codedeployagent.yml");
    fs::write(&file, &existing).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(
        &identity,
        "region: r\niam_user_arn: somebody\naws_access_key_id: a\naws_secret_access_key: s\n",
    )
    .unwrap();
    let good = token(&server, &[]);
    check_refused(&enroll(&server, &good, &conf, "h1", &[]), &["has an identity already", "somebody"]);
    let output = enroll(&server, &good, &conf, "h1", &["--force"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let keys =
        "deployment_signer_ca_file, deploy_control_endpoint, s3_endpoint_override, s3_force_path_style";
    assert!(said.contains(&format!("changed  {}: {keys}", file.display())), "{said}");
    let text = fs::read_to_string(&file).unwrap();
    let kept = existing.replace(":deploy_control_endpoint: 'http://old'\n", "");
    assert!(text.starts_with(&kept), "{text}");
    assert_eq!((mode(&file), mode(&identity)), (0o640, 0o600));
    assert!(fs::read_to_string(&identity).unwrap().contains("user/AWS/CodeDeploy/h1"));

    // Once more, when nothing must be set: the file is not touched.
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    let output = enroll(&server, &token(&server, &[]), &conf, "h2", &["--force"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("kept     {}", file.display())), "{said}");
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before);
}
