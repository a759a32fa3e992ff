//! Where a revision comes from, whom the agent trusts on the way, and what it writes down of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::host::{Agent, Host, specification};
use crate::service::Service;

const GROUP: &str = "5b9cb1a2-7d1c-4a4e-9c2e-0f6a1d3e5b77";

/// A compressed revision with an AppSpec in `folder`.
fn tarball(folder: &str) -> Vec<u8> {
    let mut bundle = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let appspec = b"version: 0.0\nos: linux\n";
    let mut header = tar::Header::new_gnu();
    header.set_size(appspec.len() as u64);
    header.set_mode(0o644);
    bundle.append_data(&mut header, format!("{folder}appspec.yml"), appspec.as_slice()).expect("append");
    bundle.into_inner().and_then(GzEncoder::finish).expect("a bundle")
}

/// The completions so far, when there are `count`.
async fn messages(service: &Service, count: usize) -> Vec<Value> {
    let completions = service.wait_for("PutHostCommandComplete", count).await;
    completions.iter().map(|completion| completion.diagnostics()["message"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_git_hub_revision_is_fetched_and_no_secret_is_written_down() {
    let service = Service::start().await;
    let more = format!("github_api_endpoint: {}\nlog_aws_wire: true\nverbose: true\n", service.address());
    let host = Host::with_config(&service, &more);
    service.store("/repos/acme/shop/tarball/0a1b", tarball("acme-shop-0a1b/"));
    let mut spec = specification(&json!({
        "RevisionType": "GitHub",
        "GitHubRevision": { "Account": "acme", "Repository": "shop", "CommitId": "0a1b" },
    }));
    spec["GitHubAccessToken"] = json!("ghp_hidden");
    service.specify(spec);
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    assert_eq!(messages(&service, 1).await, ["Succeeded: "], "{}", host.log());
    let fetched = service.received("GET /repos/acme/shop/tarball/0a1b").remove(0);
    assert_eq!(fetched.headers["authorization"], "token ghp_hidden");
    let deployment = host.root().join(GROUP).join("d-WIRE00001");
    assert!(deployment.join("deployment-archive/appspec.yml").is_file());
    assert_eq!(fs::read_to_string(deployment.join(".bundle-source")).expect("read"), "downloaded");

    let path = host.path("log/codedeploy-agent.aws_wire.log");
    host.wait_until("the last call is in the wire log", || {
        fs::read_to_string(&path).unwrap_or_default().contains("hc-1")
    });
    check_wire_log(&path, &service);
    assert!(!host.log().contains("ghp_hidden"));
}

/// Every call is there, readable for the owner only, without secrets.
fn check_wire_log(path: &Path, service: &Service) {
    assert_eq!(fs::metadata(path).expect("a file").permissions().mode() & 0o777, 0o600);
    let log = fs::read_to_string(path).expect("a wire log");
    let (calls, mut n_checked) = (service.received("PutHostCommandComplete"), 0);
    for call in calls.iter().chain(&service.received("GetDeploymentSpecification")) {
        assert!(log.contains(&format!("-> x-amz-target: {}\n", call.headers["x-amz-target"])), "{log}");
        let (_, signature) = call.headers["authorization"].split_once("Signature=").expect("signed");
        assert!(!log.contains(signature), "{log}");
        n_checked += 1;
    }
    assert_eq!(n_checked, 2);
    for secret in ["ghp_hidden", "wJalrXUtnFEMI", "BEGIN PKCS7"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
    assert!(log.contains("[a signed document of ") && log.contains(" bytes, not shown)"), "{log}");
}

fn s3_specification(deployment_id: &str, reuse: Option<&str>) -> Value {
    let mut spec = specification(&json!({
        "RevisionType": "S3",
        "S3Revision": { "Bucket": "bundles", "Key": "app.tgz", "BundleType": "tgz" },
    }));
    spec["DeploymentId"] = json!(deployment_id);
    if let Some(reuse) = reuse {
        spec["ReuseArchiveFromDeploymentId"] = json!(reuse);
    }
    spec
}

/// Source: service-additions.md §2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_reused_while_it_is_as_it_was_unpacked() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.store("/bundles/app.tgz", tarball(""));
    let deployments =
        [("d-FIRST", None), ("d-SECOND", Some("d-FIRST")), ("d-THIRD", Some("d-SECOND")), ("d-FOURTH", None)];
    let mut n_done = 0;
    let _agent = host.run();
    for (id, reuse) in deployments {
        if id == "d-THIRD" {
            let archive = host.root().join(GROUP).join("d-SECOND/deployment-archive");
            fs::write(archive.join("appspec.yml"), "version: 0.0\nos: linux \n").expect("write");
        }
        service.specify_execution(id, s3_specification(id, reuse));
        service.offer_execution(&format!("hc-{id}"), "DownloadBundle", id);
        n_done += 1;
        service.wait_for("PutHostCommandComplete", n_done).await;
    }
    let reused = "Succeeded: BundleSource=archive-reuse";
    assert_eq!(messages(&service, 4).await, ["Succeeded: ", reused, "Succeeded: ", "Succeeded: "]);
    assert_eq!(service.received("GET /bundles/app.tgz").len(), 3);
    let marker = host.root().join(GROUP).join("d-SECOND/.bundle-source");
    assert_eq!(fs::read_to_string(marker).expect("read"), "archive-reuse");
    assert!(host.log().contains("Not reusing the archive of deployment d-SECOND"), "{}", host.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archive_reuse_can_be_switched_off() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "enable_archive_reuse: false\n");
    service.store("/bundles/app.tgz", tarball(""));
    let _agent = host.run();
    for (n_done, (id, reuse)) in [("d-FIRST", None), ("d-SECOND", Some("d-FIRST"))].into_iter().enumerate() {
        service.specify_execution(id, s3_specification(id, reuse));
        service.offer_execution(&format!("hc-{id}"), "DownloadBundle", id);
        service.wait_for("PutHostCommandComplete", n_done + 1).await;
    }
    assert_eq!(service.received("GET /bundles/app.tgz").len(), 2);
}

/// TLS before a service, with a certificate of a private authority.
struct TlsFront {
    address: String,
    authority_pem: String,
}

impl TlsFront {
    async fn start(service: &Service) -> TlsFront {
        let authority_key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "private authority");
        let authority_pem = params.self_signed(&authority_key).expect("an authority").pem();
        let issuer = Issuer::new(params, authority_key);
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("versions")
                .with_no_client_auth()
                .with_single_cert(
                    vec![certificate.der().clone()],
                    PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
                )
                .expect("a good certificate");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("https://{}", listener.local_addr().expect("an address"));
        let behind = service.address().trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    // A client that does not believe the certificate is the point of one test.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut service = TcpStream::connect(behind).await.expect("the service");
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut service).await;
                });
            }
        });
        TlsFront { address, authority_pem }
    }

    /// A host that knows the service by this address only.
    fn host(&self, service: &Service) -> Host {
        let host = Host::new(service);
        let config = fs::read_to_string(host.path("agent.yml")).expect("read");
        fs::write(host.path("agent.yml"), config.replace(service.address(), &self.address)).expect("write");
        host
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_authority_is_trusted_when_the_environment_names_it() {
    for variable in ["AWS_SSL_CA_BUNDLE", "AWS_SSL_CA_DIRECTORY", "SSL_CERT_FILE"] {
        let service = Service::start().await;
        let front = TlsFront::start(&service).await;
        let host = front.host(&service);
        let (directory, file) = (host.path("authorities"), host.path("authorities/own.pem"));
        fs::create_dir(&directory).expect("create");
        fs::write(&file, &front.authority_pem).expect("write");
        service.store("/bundles/app.tgz", tarball(""));
        service.specify(s3_specification("d-WIRE00001", None));
        service.offer("hc-1", "DownloadBundle");
        let mut command = host.command("run");
        // Whom the machine of the test trusts must not show.
        for name in ["AWS_SSL_CA_BUNDLE", "AWS_CA_BUNDLE", "AWS_SSL_CA_DIRECTORY", "SSL_CERT_FILE"] {
            command.env_remove(name);
        }
        command.env(variable, if variable == "AWS_SSL_CA_DIRECTORY" { &directory } else { &file });
        let _agent = Agent::start(&mut command);
        host.wait_until(variable, || !service.received("PutHostCommandComplete").is_empty());
        assert_eq!(messages(&service, 1).await, ["Succeeded: "], "{variable} {}", host.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_authority_is_not_trusted() {
    let service = Service::start().await;
    let front = TlsFront::start(&service).await;
    let host = front.host(&service);
    assert!(!host.run().wait());
    assert!(host.log().contains("Stopping CodeDeploy agent due to SSL validation error."), "{}", host.log());
    assert_eq!(service.operations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_may_name_the_last_part_of_the_own_identifier_and_no_other_part() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    let own = service.host();
    let (_, last_part) = own.rsplit_once('/').expect("parts");
    service.offer_to("hc-1", "DownloadBundle", last_part);
    let _agent = host.run();
    assert_eq!(messages(&service, 1).await, ["Succeeded: "]);
    service.offer_to("hc-2", "DownloadBundle", "on-prem-host");
    host.wait_until("the refusal is logged", || host.log().contains(&format!("{own} != on-prem-host")));
    assert_eq!(service.received("GetDeploymentSpecification").len(), 1);
}
