//! A small HTTP server of the tests' own, with or without TLS, in a thread of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, KeyPair};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// What answers.
pub(crate) type Answer = dyn Fn(&Request<Bytes>) -> Response<Full<Bytes>> + Send + Sync;

/// A server that ends with this value.
#[derive(Debug)]
pub(crate) struct Serving {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Serves on a free port of 127.0.0.1, over TLS if there is an `acceptor`.
    pub(crate) fn start(acceptor: Option<TlsAcceptor>, answer: Arc<Answer>) -> Serving {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                tell.send(listener.local_addr().expect("an address")).expect("somebody waits for it");
                tokio::select! {
                    () = accept(listener, acceptor, answer) => {}
                    _ = stopped => {}
                }
            });
        });
        let address = told.recv().expect("the thread says where it listens");
        Serving { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, answer: Arc<Answer>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
        tokio::spawn(async move {
            match acceptor {
                None => serve(stream, answer).await,
                Some(acceptor) => {
                    // Somebody who does not trust us hangs up.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, answer).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, answer: Arc<Answer>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = Arc::clone(&answer);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            Ok::<_, Infallible>(answer(&Request::from_parts(head, body)))
        }
    });
    // What a client breaks off is its own affair.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// A certificate of `localhost` that signs itself: what to serve with, and its PEM to trust.
pub(crate) fn localhost_tls() -> (TlsAcceptor, String) {
    let own = rcgen::generate_simple_self_signed([String::from("localhost")]).expect("a certificate");
    let CertifiedKey::<KeyPair> { cert, signing_key } = &own;
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .expect("the key fits the certificate");
    (TlsAcceptor::from(Arc::new(config)), cert.pem())
}
