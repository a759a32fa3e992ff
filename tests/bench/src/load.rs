//! Keep-alive connections that send prepared requests as fast as they are answered.
//!
//! Requests are signed before the clock starts: what is measured is the server, on a machine whose cores
//! the load shares with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use futures::future::try_join_all;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use longshore_journey::Server;
use longshore_model::time::Timestamp;
use longshore_wire::sigv4::{Credentials, payload_sha256_hex, sign};
use serde_json::Value;
use tokio::net::TcpStream;

/// The configuration of a server that is asked as fast as it answers.
pub(crate) const UNTHROTTLED: &str = "[api]\nrequests_per_second = 0\n";
/// Connections of one load.
const CONNECTIONS: usize = 32;
/// How long a load that may be repeated goes on.
const LOAD_TIME: Duration = Duration::from_secs(3);

/// A request that can be sent any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    request: Request<Full<Bytes>>,
}

/// What a load came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) per_second: f64,
    pub(crate) p99_ms: f64,
}

impl Prepared {
    /// `GET path`, unsigned.
    pub(crate) fn get(server: &Server, path: &str) -> anyhow::Result<Prepared> {
        let host = server.url().trim_start_matches("http://");
        let request = Request::get(path).header(http::header::HOST, host).body(Full::default())?;
        Ok(Prepared { request })
    }

    /// A signed call of the CodeDeploy API. The signature is good for five minutes.
    pub(crate) fn call(
        server: &Server,
        credentials: &Credentials,
        operation: &str,
        input: &Value,
    ) -> anyhow::Result<Prepared> {
        let body = Bytes::from(serde_json::to_vec(input)?);
        let request = Request::builder().method(Method::POST).uri(format!("{}/", server.url()));
        let request = request.header("content-type", "application/x-amz-json-1.1");
        let request = request.header("x-amz-target", format!("CodeDeploy_20141006.{operation}"));
        let (mut parts, ()) = request.body(())?.into_parts();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let now = Timestamp::from_millis(i64::try_from(now.as_millis())?);
        sign(&mut parts, &payload_sha256_hex(&body), credentials, "us-east-1", "codedeploy", now)?;
        // On a connection of its own a request names only the path.
        parts.uri = "/".parse()?;
        parts.headers.insert("content-length", HeaderValue::from(body.len()));
        Ok(Prepared { request: Request::from_parts(parts, Full::new(body)) })
    }
}

/// One connection.
pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    pub(crate) async fn open(server: &Server) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(server.url().trim_start_matches("http://")).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with its sender; an error shows there.
        tokio::spawn(connection);
        Ok(Connection(sender))
    }

    /// Sends, and answers the body of a 200.
    pub(crate) async fn send(&mut self, prepared: &Prepared) -> anyhow::Result<Bytes> {
        self.0.ready().await?;
        let (parts, body) = self.0.send_request(prepared.request.clone()).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        anyhow::ensure!(parts.status == StatusCode::OK, "{}: {:?}", parts.status, body);
        Ok(body)
    }
}

/// Sends `requests` over many connections: one again and again for a while, several each once.
pub(crate) async fn measure(server: &Server, requests: Vec<Prepared>) -> anyhow::Result<Load> {
    let requests: Arc<[Prepared]> = requests.into();
    let next = Arc::new(AtomicUsize::new(0));
    let connections = try_join_all((0..CONNECTIONS).map(|_| Connection::open(server))).await?;
    let started = Instant::now();
    let workers = connections
        .into_iter()
        .map(|connection| tokio::spawn(work(connection, Arc::clone(&requests), Arc::clone(&next), started)));
    let mut latencies: Vec<Duration> = Vec::new();
    for worker in try_join_all(workers).await? {
        latencies.extend(worker?);
    }
    let elapsed = started.elapsed();
    latencies.sort();
    let p99 = latencies.get(latencies.len() * 99 / 100).context("no request was answered")?;
    Ok(Load {
        per_second: latencies.len() as f64 / elapsed.as_secs_f64(),
        p99_ms: p99.as_secs_f64() * 1000.0,
    })
}

async fn work(
    mut connection: Connection,
    requests: Arc<[Prepared]>,
    next: Arc<AtomicUsize>,
    started: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    loop {
        let idx = next.fetch_add(1, Ordering::Relaxed);
        let request = match &*requests {
            [only] if started.elapsed() < LOAD_TIME => only,
            [_] => return Ok(latencies),
            several => match several.get(idx) {
                Some(request) => request,
                None => return Ok(latencies),
            },
        };
        let sent = Instant::now();
        connection.send(request).await?;
        latencies.push(sent.elapsed());
    }
}
