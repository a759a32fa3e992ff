//! A service whose certificate is not believed: at the first contact that is a wrong set-up, later an outage.

use std::convert::Infallible;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use nix::sys::signal::Signal;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::host::{Agent, Host};
use crate::service::Service;

/// A service that answers every call with an empty object, over TLS, with one of two certificates.
struct SecureService {
    address: String,
    /// Of the first certificate.
    pem: String,
    is_second: Arc<AtomicBool>,
}

fn certificate() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("usual versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a key that fits");
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

impl SecureService {
    async fn start() -> SecureService {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("https://{}", listener.local_addr().expect("an address"));
        let ((first, pem), (second, _)) = (certificate(), certificate());
        let is_second = Arc::new(AtomicBool::new(false));
        let switch = Arc::clone(&is_second);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let acceptor = if switch.load(Ordering::SeqCst) { second.clone() } else { first.clone() };
                tokio::spawn(answer(acceptor, stream));
            }
        });
        SecureService { address, pem, is_second }
    }
}

/// Answers one request; the connection is then closed, so that the next one brings its certificate anew.
async fn answer(acceptor: TlsAcceptor, stream: tokio::net::TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = hyper::service::service_fn(|_: Request<hyper::body::Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}"))))
    });
    let connection = hyper::server::conn::http1::Builder::new().keep_alive(false).clone();
    // A client that goes away is no concern of the test's.
    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
}

async fn host(secure: &SecureService) -> Host {
    let service = Service::start().await;
    let host = Host::new(&service);
    let config = fs::read_to_string(host.path("agent.yml")).expect("read");
    fs::write(host.path("agent.yml"), config.replace(service.address(), &secure.address)).expect("write");
    fs::write(host.path("ca.pem"), &secure.pem).expect("write");
    host
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_was_never_believed_ends_the_agent() {
    let secure = SecureService::start().await;
    let host = host(&secure).await;
    let output = host.command("run").output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let expected = "error: Stopping CodeDeploy agent due to SSL validation error.\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    for line in [
        &format!("Error during certificate verification on codedeploy endpoint {}", secure.address),
        "Error validating the SSL configuration: Invalid server certificate",
        "Stopping CodeDeploy agent due to SSL validation error.",
    ] {
        assert!(host.log().contains(line), "{line} in {}", host.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_ends_for_its_certificate_is_replaced() {
    let secure = SecureService::start().await;
    let host = host(&secure).await;
    let _agent = host.start();
    let replaced = "The worker has ended (exit status: 1), the next one starts in 5 seconds";
    host.wait_until("the worker ends", || host.log().contains(replaced));
    let again = "the next one starts in 10 seconds";
    host.wait_until("the next worker ends too", || host.log().contains(again));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_no_longer_believed_is_a_failed_poll() {
    let secure = SecureService::start().await;
    let host = host(&secure).await;
    let mut command = host.command("run");
    command.env("AWS_SSL_CA_BUNDLE", host.path("ca.pem"));
    let agent = Agent::start(&mut command);
    host.wait_until("it polls", || host.log().contains("[Aws::CodeDeployCommand::Client 200"));
    secure.is_second.store(true, Ordering::SeqCst);
    for line in [
        "(certificate verify failed)",
        "Failed to execute the command. Your certificates might have been deleted",
    ] {
        host.wait_until(line, || host.log().contains(line));
    }
    agent.signal(Signal::SIGTERM);
    assert!(agent.wait());
}
