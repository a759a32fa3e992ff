//! Users, groups, roles and sessions with the unmodified AWS CLI; a host that polls in a session of its role;
//! and the audit trail of all that.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use longshore_journey::{App, Aws, Credentials, Host, Server, program};

const EVERYBODY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}]}"#;

/// A policy document with one statement, in a file that the CLI reads.
fn document(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    format!("file://{}", path.display())
}

fn allowing(folder: &Path, name: &str, action: &str, resource: &str) -> String {
    let statement = format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#);
    document(folder, name, &format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#))
}

/// A user called `name` with a key.
fn user(aws: &Aws, name: &str) -> Credentials {
    aws.ok(&format!("iam create-user --user-name {name}"));
    let made = aws.value(
        &format!("iam create-access-key --user-name {name}"),
        "AccessKey.[AccessKeyId,SecretAccessKey]",
    );
    Credentials::of_words(&made)
}

/// Takes the role with this ARN.
fn assume(aws: &Aws, arn: &str, session: &str) -> Credentials {
    let made = aws.value(
        &format!("sts assume-role --role-arn {arn} --role-session-name {session}"),
        "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]",
    );
    Credentials::of_words(&made)
}

#[test]
fn a_group_lets_its_members_do_what_its_policies_say() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path());
    aws.ok("deploy create-application --application-name web");
    let ann = aws.signing_with(&user(&aws, "ann"));
    assert!(ann.fails("deploy list-applications").contains("AccessDeniedException"));
    aws.ok("iam create-group --group-name viewers");
    let policy = allowing(folder.path(), "viewers.json", "codedeploy:List*", "*");
    aws.ok(&format!(
        "iam put-group-policy --group-name viewers --policy-name look --policy-document {policy}"
    ));
    aws.ok("iam add-user-to-group --group-name viewers --user-name ann");
    assert_eq!(ann.value("deploy list-applications", "applications"), "web");
    assert_eq!(aws.value("iam get-group --group-name viewers", "Users[].UserName"), "ann");
    assert_eq!(aws.value("iam list-groups-for-user --user-name ann", "Groups[].GroupName"), "viewers");
    let document = aws.value(
        "iam get-group-policy --group-name viewers --policy-name look",
        "PolicyDocument.Statement[0].Action",
    );
    assert_eq!(document, "codedeploy:List*");
    aws.ok("iam remove-user-from-group --group-name viewers --user-name ann");
    assert!(ann.fails("deploy list-applications").contains("AccessDeniedException"));
    let id = aws.value("iam list-access-keys --user-name ann", "AccessKeyMetadata[0].AccessKeyId");
    aws.ok(&format!("iam update-access-key --user-name ann --access-key-id {id} --status Inactive"));
    assert!(ann.fails("sts get-caller-identity").contains("InvalidClientTokenId"));
    aws.ok("iam delete-group-policy --group-name viewers --policy-name look");
    aws.ok("iam delete-group --group-name viewers");
    assert!(aws.fails("iam get-group --group-name viewers").contains("NoSuchEntity"));
}

#[test]
fn a_session_survives_kill_9_and_ends_with_its_role() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path());
    aws.ok("s3 mb s3://bundles");
    std::fs::write(folder.path().join("web.zip"), "a bundle").unwrap();
    aws.ok("s3 cp web.zip s3://bundles/web.zip");
    let ci = aws.signing_with(&user(&aws, "ci"));
    let trust = document(folder.path(), "trust.json", EVERYBODY);
    let role = aws.value(
        &format!("iam create-role --role-name deploy --assume-role-policy-document {trust}"),
        "Role.Arn",
    );
    let policy = allowing(folder.path(), "role.json", "s3:Get*", "*");
    aws.ok(&format!("iam put-role-policy --role-name deploy --policy-name p --policy-document {policy}"));
    let wanted = format!("sts assume-role --role-arn {role} --role-session-name ci-1");
    assert!(ci.fails(&wanted).contains("AccessDenied"));
    let policy = allowing(folder.path(), "ci.json", "sts:AssumeRole", &role);
    aws.ok(&format!("iam put-user-policy --user-name ci --policy-name p --policy-document {policy}"));
    let session = aws.signing_with(&assume(&ci, &role, "ci-1"));
    server.kill_9_and_restart();
    let arn = "arn:aws:sts::000000000000:assumed-role/deploy/ci-1";
    assert_eq!(session.value("sts get-caller-identity", "Arn"), arn);
    session.ok("s3 cp s3://bundles/web.zip copy.zip");
    assert_eq!(std::fs::read_to_string(folder.path().join("copy.zip")).unwrap(), "a bundle");
    assert!(session.fails("s3 cp copy.zip s3://bundles/other.zip").contains("AccessDenied"));
    // A presigned address carries the token in its query. Version 4, which covers it.
    session.ok("configure set default.s3.signature_version s3v4");
    let url = session.ok("s3 presign s3://bundles/web.zip");
    assert!(url.contains("X-Amz-Security-Token="), "{url}");
    assert_eq!(get(url.trim()), "a bundle");
    aws.ok("iam delete-role-policy --role-name deploy --policy-name p");
    aws.ok("iam delete-role --role-name deploy");
    assert!(session.fails("sts get-caller-identity").contains("InvalidClientTokenId"));
    assert!(get(url.trim()).contains("<Code>InvalidAccessKeyId</Code>"));
}

/// What a plain GET answers.
fn get(url: &str) -> String {
    use std::io::{Read, Write};
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_host_deploys_with_the_credentials_of_a_session() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path());
    aws.ok("s3 mb s3://bundles");
    let trust = document(folder.path(), "trust.json", EVERYBODY);
    let role = aws.value(
        &format!("iam create-role --role-name hosts --assume-role-policy-document {trust}"),
        "Role.Arn",
    );
    let policy = allowing(folder.path(), "role.json", "s3:Get*", "*");
    aws.ok(&format!("iam put-role-policy --role-name hosts --policy-name p --policy-document {policy}"));
    let arn = "arn:aws:sts::000000000000:assumed-role/hosts/h1";
    aws.ok(&format!("deploy register-on-premises-instance --instance-name h1 --iam-session-arn {arn}"));
    aws.ok("deploy add-tags-to-on-premises-instances --instance-names h1 --tags Key=Role,Value=web");

    let mut host = Host::registered(folder.path(), "h1");
    let (conf, at) = (host.folder().join("conf"), host.folder().display().to_string());
    std::fs::create_dir_all(&conf).unwrap();
    let credentials = assume(&aws, &role, "h1");
    std::fs::write(conf.join("credentials"), credentials.file()).unwrap();
    let identity = format!(
        "---\niam_session_arn: {arn}\naws_credentials_file: {at}/conf/credentials\nregion: us-east-1\n"
    );
    std::fs::write(conf.join("codedeploy.onpremises.yml"), identity).unwrap();
    let agent = format!(
        "---\n:log_dir: '{at}/log'\n:pid_dir: '{at}/pid'\n:root_dir: '{at}/root'\n\
         :on_premises_config_file: '{at}/conf/codedeploy.onpremises.yml'\n\
         :wait_between_runs: 1\n:deploy_control_endpoint: '{url}'\n:s3_endpoint_override: '{url}'\n",
        url = server.url()
    );
    std::fs::write(conf.join("codedeployagent.yml"), agent).unwrap();
    host.start();

    aws.ok("deploy create-application --application-name web");
    aws.ok("deploy create-deployment-group --application-name web --deployment-group-name all \
         --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
         --on-premises-instance-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE");
    let app = App::write(&folder.path().join("source"), "one\n");
    let source = app.folder().display();
    aws.ok(&format!(
        "deploy push --application-name web --s3-location s3://bundles/one.zip --source {source}"
    ));
    let id = aws.value(
        "deploy create-deployment --application-name web --deployment-group-name all \
         --s3-location bucket=bundles,key=one.zip,bundleType=zip",
        "deploymentId",
    );
    aws.ok(&format!("deploy wait deployment-successful --deployment-id {id}"));
    assert_eq!(host.lines("app/version.txt"), ["one"]);
}

#[test]
fn the_audit_trail_survives_kill_9_and_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path());
    let ann = aws.signing_with(&user(&aws, "ann"));
    aws.ok("deploy create-application --application-name web");
    assert!(ann.fails("deploy delete-application --application-name web").contains("AccessDenied"));
    server.kill_9_and_restart();
    let audit = |arguments: &[&str]| {
        let output = Command::new(program("longshore"))
            .arg("audit")
            .args(arguments)
            .envs(server.env())
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
        shown
    };
    let lines = audit(&["--output", "json"]);
    let events: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown: Vec<String> = events
        .iter()
        .map(|event| {
            format!("{} {}", event["operation"].as_str().unwrap(), event["outcome"].as_str().unwrap())
        })
        .collect();
    let expected = [
        "CreateUser ok",
        "CreateAccessKey ok",
        "CreateApplication ok",
        "DeleteApplication AccessDeniedException",
    ];
    assert_eq!(shown, expected);
    assert!(events[3]["userAgent"].as_str().unwrap().contains("aws-cli"), "{}", events[3]);
    assert_eq!(events[3]["parameters"]["applicationName"], "web");
    let text = audit(&["--principal", "ann", "--since", "1h"]);
    assert!(
        text.contains("user/ann  codedeploy:DeleteApplication  AccessDeniedException  127.0.0.1"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_eq!(audit(&["--until", "2020-01-01"]), "");
    let output = Command::new(program("longshore")).args(["audit", "--since", "yesterday"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
