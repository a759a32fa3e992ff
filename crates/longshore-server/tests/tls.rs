//! The same port over TLS.

use longshore_server::Server;
use longshore_server::config::{Config, Settings, TlsFiles};
use longshore_wire::client::{CaBundle, Client, ClientConfig};
use longshore_wire::sigv4::Credentials;
use serde_json::{Value, json};

#[tokio::test]
async fn with_a_certificate_the_port_speaks_tls_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = rcgen::generate_simple_self_signed([String::from("127.0.0.1")]).expect("a certificate");
    let files = TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.certificate, own.cert.pem()).expect("written");
    std::fs::write(&files.key, own.signing_key.serialize_pem()).expect("written");
    let settings = Settings {
        data_dir: folder.path().join("data"),
        listen: "127.0.0.1:0".parse().expect("an address"),
        region: String::from("us-east-1"),
        account_id: String::from("000000000000"),
        root_key: None,
        config: Config { tls: Some(files), ..Config::default() },
    };
    let server = Server::start(settings).await.expect("the server starts");
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());
    let credentials = Credentials {
        access_key_id: server.root_key().id.clone(),
        secret_access_key: server.root_key().secret.clone(),
        session_token: None,
    };
    let list = async |url: &str| {
        let mut config = ClientConfig::new(url, "us-east-1", credentials.clone());
        config.transport.ca_bundle = CaBundle::from_pem(own.cert.pem().as_bytes()).ok();
        config.retries = Vec::new();
        let client = Client::new(config).expect("a client");
        let target = "CodeDeploy_20141006.ListApplications";
        client.call_json::<Value, Value>("codedeploy", target, &json!({})).await
    };
    assert_eq!(list(server.url()).await.expect("over TLS"), json!({ "applications": [] }));
    assert!(list(&server.url().replace("https", "http")).await.is_err(), "plain HTTP on a TLS port");
    server.stop().await;
}
