//! A server that answers as told and keeps what it was asked.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use longshore_wire::sigv4::{Claim, payload_sha256_hex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What every request is signed with.
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server does with one request.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// A status and a body.
    Whole(u16, &'static str),
    /// An object of so many bytes.
    Object(usize),
    /// An object that ends before its length.
    ShortObject,
    /// Closes the connection.
    Hangup,
    /// Never answers.
    Silence,
}

/// One request as it came.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: http::Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    pub(crate) fn check_signature(&self) {
        let claim = Claim::from_request(&self.uri, &self.headers).expect("a claim");
        let hash = payload_sha256_hex(&self.body);
        assert_eq!(self.header("x-amz-content-sha256"), hash);
        claim
            .verify(SECRET, &self.method, &self.uri, &self.headers, &hash, claim.request_time)
            .expect("authentic");
    }
}

#[derive(Default)]
struct Shared {
    answers: Mutex<Vec<Answer>>,
    seen: Mutex<Vec<Seen>>,
    n_open: AtomicUsize,
}

/// The server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    shared: Arc<Shared>,
}

impl Server {
    pub(crate) async fn start(answers: &[Answer]) -> Server {
        let (listener, shared, endpoint) = listen("http", answers).await;
        let served = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Server { endpoint, shared }
    }

    /// With TLS, and the certificate to trust.
    pub(crate) async fn start_tls(answers: &[Answer]) -> (Server, Vec<u8>) {
        let certified = rcgen::generate_simple_self_signed(vec![String::from("127.0.0.1")]).expect("made");
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key.into())
            .expect("a good certificate");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let (listener, shared, endpoint) = listen("https", answers).await;
        let served = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    tokio::spawn(serve(stream, Arc::clone(&served)));
                }
            }
        });
        (Server { endpoint, shared }, certified.cert.pem().into_bytes())
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("no panic").clone()
    }

    pub(crate) fn n_open_connections(&self) -> usize {
        self.shared.n_open.load(Ordering::SeqCst)
    }

    /// Waits for a condition.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Server) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn listen(scheme: &str, answers: &[Answer]) -> (TcpListener, Arc<Shared>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("{scheme}://{}", listener.local_addr().expect("an address"));
    let shared = Shared { answers: Mutex::new(answers.to_vec()), ..Shared::default() };
    (listener, Arc::new(shared), endpoint)
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    shared.n_open.fetch_add(1, Ordering::SeqCst);
    let service = service_fn(|request| answer(request, &shared));
    // A connection that ends badly is the point of some tests.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    shared.n_open.fetch_sub(1, Ordering::SeqCst);
}

/// Why the server broke a connection off.
#[derive(Debug, thiserror::Error)]
#[error("as told")]
struct AsTold;

/// Promises 100 bytes and breaks off after four.
#[derive(Default)]
struct Half {
    n_polls: u32,
}

impl hyper::body::Body for Half {
    type Data = Bytes;
    type Error = AsTold;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AsTold>>> {
        self.n_polls += 1;
        match self.n_polls {
            1 => Poll::Ready(Some(Ok(Frame::data(Bytes::from("half"))))),
            // A pause, in which the server sends what it has.
            2 => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Some(Err(AsTold))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(100)
    }
}

type Body = http_body_util::combinators::BoxBody<Bytes, AsTold>;

async fn answer(request: Request<Incoming>, shared: &Shared) -> Result<Response<Body>, AsTold> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| AsTold)?.to_bytes();
    let seen = Seen { method: head.method, uri: head.uri, headers: head.headers, body };
    shared.seen.lock().expect("no panic").push(seen);
    let answer = {
        let mut answers = shared.answers.lock().expect("no panic");
        if answers.is_empty() { Answer::Hangup } else { answers.remove(0) }
    };
    let response = Response::builder().header("etag", "\"tag\"").header("x-amz-version-id", "v1");
    let whole = |bytes: Bytes| Full::new(bytes).map_err(|never: Infallible| match never {}).boxed();
    match answer {
        Answer::Whole(status, body) => {
            Ok(response.status(status).body(whole(Bytes::from(body))).expect("a response"))
        }
        Answer::Object(len) => Ok(response.body(whole(Bytes::from(vec![0; len]))).expect("a response")),
        Answer::ShortObject => Ok(response.body(Half::default().boxed()).expect("a response")),
        Answer::Hangup => Err(AsTold),
        Answer::Silence => std::future::pending().await,
    }
}

/// A proxy that tunnels and relays: its address, and the heads of the requests it got.
pub(crate) async fn start_proxy() -> (std::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.expect("a head"));
            }
            let head = String::from_utf8(head).expect("ASCII");
            let target = head.split(' ').nth(1).expect("a target").to_owned();
            kept.lock().expect("no panic").push(head.clone());
            let authority = target.trim_start_matches("http://").split('/').next().expect("a target");
            let mut server = TcpStream::connect(authority).await.expect("the target");
            if head.starts_with("CONNECT") {
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("written");
            } else {
                server.write_all(head.as_bytes()).await.expect("written");
            }
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (address, heads)
}
