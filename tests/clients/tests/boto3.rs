//! boto3: every operation, paginator and waiter of CodeDeploy, and S3 with the transfer manager. What is
//! asked and expected stands in `python/`.

use std::path::Path;
use std::process::Command;

use longshore_clients::{passes, python_script};
use longshore_journey::{Host, Server};

/// A certificate for this machine's names, which the client is to trust; answers the server's settings.
fn tls(folder: &Path) -> String {
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let names = "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:*.localhost";
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    openssl.args(["-days", "2", "-subj", "/CN=localhost", "-addext", names]);
    openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    passes(&mut openssl);
    format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n")
}

/// Over HTTPS, where today's SDKs send their checksums as trailers.
#[test]
fn s3_over_https() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), &tls(folder.path()));
    let mut script = python_script(&server, folder.path(), "s3.py", &[]);
    passes(script.env("AWS_CA_BUNDLE", folder.path().join("cert.pem")));
}

#[test]
fn every_operation() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "[api]\npage_size = 2\n");
    let host = Host::add(&server, folder.path(), "web-1");
    passes(&mut python_script(&server, folder.path(), "codedeploy.py", &[host.name()]));
    assert_eq!(host.lines("boto3/page"), ["served"], "what boto3 deployed is installed");
}
