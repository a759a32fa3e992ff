//! Who a host is, and whom it asks for keys, in order.

use longshore_wire::sigv4::Credentials;

use super::*;
use crate::config::RawConfig;
use crate::test_server::{Reply, Seen, TestServer};

/// A metadata service of an instance in `region`, with a role.
fn instance(request: &Seen, region: &str, domain: &str) -> Reply {
    let roles = "/latest/meta-data/iam/security-credentials/";
    let document = format!(r#"{{"region":"{region}","accountId":"1","instanceId":"i-0"}}"#);
    let keys =
        r#"{"AccessKeyId":"ROLE","SecretAccessKey":"S","Token":"T","Expiration":"2099-01-01T00:00:00Z"}"#;
    match request.path() {
        "/latest/api/token" => Reply::new(200, "T1"),
        "/latest/dynamic/instance-identity/document" => Reply::new(200, document),
        "/latest/meta-data/services/partition" => Reply::new(200, "aws"),
        "/latest/meta-data/services/domain" => Reply::new(200, domain),
        path if path == roles => Reply::new(200, "fleet\n"),
        path if path.starts_with(roles) => Reply::new(200, keys),
        _ => Reply::new(404, ""),
    }
}

/// A folder with an on-premises file, and the settings that name it.
struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn new() -> Files {
        Files { dir: tempfile::tempdir().expect("dir") }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("write");
        path
    }

    fn settings(&self, more: &str) -> Settings {
        let file = self.dir.path().join("onpremises.yml");
        let text = format!(
            "log_dir: /l\npid_dir: /p\nroot_dir: /r\non_premises_config_file: {}\n{more}",
            file.display()
        );
        Settings::from_raw(&RawConfig::parse(&text).expect("yaml")).expect("settings")
    }
}

fn asking(server: &TestServer) -> Environment {
    Environment { imds_address: Some(server.address()), ..Environment::default() }
}

fn user(region: &str) -> String {
    format!("iam_user_arn: u\nregion: {region}\naws_access_key_id: USER\naws_secret_access_key: s\n")
}

#[tokio::test]
async fn an_on_premises_host_asks_nobody() {
    let server = TestServer::start(|_, request| instance(request, "us-west-2", "amazonaws.com")).await;
    let files = Files::new();
    files.write("onpremises.yml", &user("eu-west-1"));
    let identity = resolve_in(&files.settings(""), asking(&server)).await.expect("somebody");
    assert_eq!((identity.host_identifier.as_str(), identity.region.as_str()), ("u", "eu-west-1"));
    assert_eq!(identity.credentials.current().await.expect("keys").access_key_id, "USER");
    assert_eq!(server.lines(), [""; 0]);
}

#[tokio::test]
async fn an_instance_takes_region_domain_and_keys_from_the_metadata_service() {
    let server = TestServer::start(|_, request| instance(request, "cn-north-1", "amazonaws.com.cn")).await;
    let settings = Files::new().settings("");
    let identity = resolve_in(&settings, asking(&server)).await.expect("somebody");
    assert_eq!(identity.host_identifier, "arn:aws:ec2:cn-north-1:1:instance/i-0");
    assert_eq!(identity.domain.as_deref(), Some("amazonaws.com.cn"));
    assert_eq!(identity.credentials.current().await.expect("keys").access_key_id, "ROLE");
    let endpoint = crate::service::command_endpoint(&settings, &identity.region, identity.domain.as_deref());
    assert_eq!(endpoint, "https://codedeploy-commands.cn-north-1.amazonaws.com.cn");
}

#[tokio::test]
async fn a_region_of_the_environment_is_the_one_region() {
    let server = TestServer::start(|_, request| instance(request, "us-west-2", "amazonaws.com")).await;
    let environment = Environment { region: Some("eu-west-1".to_owned()), ..asking(&server) };
    let identity = resolve_in(&Files::new().settings(""), environment).await.expect("somebody");
    assert_eq!(identity.region, "eu-west-1");
    assert_eq!(identity.host_identifier, "arn:aws:ec2:us-west-2:1:instance/i-0");
    let environment = Environment {
        region: Some("eu-west-1".to_owned()),
        host_identifier: Some("by-hand".to_owned()),
        ..asking(&server)
    };
    let n_before = server.requests().len();
    resolve_in(&Files::new().settings(""), environment).await.expect("somebody");
    assert_eq!(server.requests().len(), n_before, "nothing is left to ask for");
}

/// The European Sovereign Cloud's bundle store, whoever says that the host is there.
#[tokio::test]
async fn the_region_says_where_bundles_are() {
    let region = "eusc-de-east-1";
    for (of_environment, of_instance) in [(Some(region), "us-west-2"), (None, region)] {
        let server =
            TestServer::start(move |_, request| instance(request, of_instance, "amazonaws.eu")).await;
        let environment = Environment { region: of_environment.map(str::to_owned), ..asking(&server) };
        let settings = Files::new().settings("");
        let identity = resolve_in(&settings, environment).await.expect("somebody");
        let (endpoint, _) = crate::service::s3_endpoint(&settings, &identity.region, None);
        assert_eq!(endpoint, "https://s3.eusc-de-east-1.amazonaws.eu");
    }
}

/// With an on-premises file that names nobody, an instance's region and domain are checked.
async fn check_checked(on_premises: &str, region: &'static str, domain: &'static str, expected: &str) {
    let server = TestServer::start(move |_, request| instance(request, region, domain)).await;
    let files = Files::new();
    files.write("onpremises.yml", on_premises);
    let resolved = resolve_in(&files.settings(""), asking(&server)).await;
    let shown = resolved.map_or_else(|error| error.to_string(), |identity| identity.region);
    assert_eq!(shown, expected);
    let elsewhere = files.settings("deploy_control_endpoint: http://127.0.0.1:1\n");
    assert!(resolve_in(&elsewhere, asking(&server)).await.is_ok(), "an address of its own needs no check");
}

#[tokio::test]
async fn an_on_premises_hosts_region_and_domain_are_checked() {
    check_checked("region: x\n", "us-west-2", "amazonaws.com", "us-west-2").await;
    check_checked("region: x\n", "us-west-2", "evil.example", "Unknown domain: evil.example").await;
    check_checked("region: x\n", "us-west-2", "amazonaws.com.cn", "Invalid region: us-west-2").await;
    check_checked(&user("Nowhere/"), "us-west-2", "amazonaws.com", "Invalid region: Nowhere/").await;
}

#[tokio::test]
async fn who_is_nobody_is_told_why() {
    let server = TestServer::start(|_, _| Reply::new(404, "")).await;
    let error = resolve_in(&Files::new().settings(""), asking(&server)).await.expect_err("nobody");
    let expected = "Missing credentials - please check if this instance was started with an IAM instance \
                    profile (HTTP error from metadata service: Not Found, code 404)";
    assert_eq!(error.to_string(), expected);
    let subject = "http://169.254.169.254".to_owned();
    let refusal = Evidence::HttpRefusal { subject, status: 404, code: None, request_id: None };
    assert_eq!(error.evidence(), [refusal]);
}

/// Whose keys are used in this environment.
async fn check_chain(environment: &mut Environment, expected: &str) {
    let imds = Arc::new(Imds::new(environment.imds_address.clone().expect("an address"), true));
    let keys: Credentials = environment.credentials(&imds).current().await.expect("keys");
    assert_eq!(keys.access_key_id, expected);
}

#[tokio::test]
async fn keys_come_from_files_then_a_program_then_the_platform_then_the_role() {
    let container = r#"{"AccessKeyId":"CONTAINER","SecretAccessKey":"S"}"#;
    let server = TestServer::start(move |_, request| match request.path() {
        "/container" => Reply::new(200, container),
        _ => instance(request, "us-west-2", "amazonaws.com"),
    })
    .await;
    let files = Files::new();
    let text = |key: &str| format!("aws_access_key_id={key}\naws_secret_access_key=S\n");
    let sections = format!("[default]\n{}[p]\n{}", text("DEFAULT"), text("PROFILE"));
    let credentials = files.write("credentials", &sections);
    let printed = r#"echo '{"Version":1,"AccessKeyId":"PROGRAM","SecretAccessKey":"S"}'"#;
    let config = files.write("config", &format!("[profile q]\ncredential_process = {printed}\n"));
    let full = || Environment {
        credentials_file: Some(credentials.clone()),
        config_file: Some(config.clone()),
        container: Container::from_variables(|name| {
            (name == "AWS_CONTAINER_CREDENTIALS_FULL_URI").then(|| format!("{}/container", server.address()))
        }),
        ..asking(&server)
    };
    let with_profile = |profile: &str| Environment { profile: Some(profile.to_owned()), ..full() };
    check_chain(&mut full(), "DEFAULT").await;
    check_chain(&mut with_profile("p"), "PROFILE").await;
    check_chain(&mut with_profile("q"), "PROGRAM").await;
    check_chain(&mut with_profile("absent"), "CONTAINER").await;
    check_chain(&mut asking(&server), "ROLE").await;
}

#[test]
fn keys_of_the_environment_are_not_read() {
    let asked = std::cell::RefCell::new(Vec::new());
    Environment::from_variables(|name| {
        asked.borrow_mut().push(name.to_owned());
        None
    });
    let asked = asked.into_inner();
    assert!(asked.iter().any(|name| name == "AWS_PROFILE"));
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_KEY"];
    assert!(!asked.iter().any(|name| keys.contains(&name.as_str())), "{asked:?}");
}
