//! The one port: accepting connections, TLS, and serving each connection until it is closed.
//!
//! A connection is known to the engine while it lives, so that commands handed out over it are free
//! again the moment it breaks. One that its peer closes in order has delivered what was sent.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use longshore_bundles::Origin;
use longshore_engine::Engine;
use longshore_engine::host_command;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::{Body, Unflushed};
use crate::config::TlsFiles;
use crate::telemetry;

/// The longest that a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After an accept failed for want of something (file descriptors, memory), others may free it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A PEM file cannot be read or holds nothing of use.
    #[error("cannot read the PEM file `{path}`")]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// The certificate file holds no certificate.
    #[error("`{0}` holds no certificate")]
    NoCertificate(PathBuf),
    /// Certificate and key do not serve.
    #[error("the certificate and key cannot be used for TLS")]
    Tls(#[source] rustls::Error),
}

/// A connection, as requests on it know it.
#[derive(Clone)]
pub(crate) struct Connection {
    /// Where its requests come from.
    pub(crate) origin: Origin,
    /// As the engine knows it.
    pub(crate) commands: host_command::Connection,
    /// Whether an answer that hands a command out has not left yet.
    pub(crate) unflushed: Unflushed,
}

/// An open port.
pub(crate) struct Port {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    request_head: Duration,
}

impl Port {
    /// Opens `address`, and reads certificate and key if there are any.
    pub(crate) async fn open(
        address: SocketAddr,
        tls: Option<&TlsFiles>,
        request_head: Duration,
    ) -> Result<Port, ListenError> {
        let tls = tls.map(acceptor).transpose()?;
        let listener =
            TcpListener::bind(address).await.map_err(|source| ListenError::Bind { address, source })?;
        Ok(Port { listener, tls, request_head })
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> io::Result<String> {
        let address = self.listener.local_addr()?;
        Ok(format!("{}://{address}", if self.tls.is_some() { "https" } else { "http" }))
    }

    /// Serves connections until `shutdown`, then until the last request in flight is answered.
    pub(crate) async fn serve<S, F>(self, engine: Engine, service: S, shutdown: CancellationToken)
    where
        S: Fn(Connection, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let serving = Serving {
                        engine: engine.clone(),
                        origin: Origin { address: peer.ip(), is_encrypted: self.tls.is_some() },
                        tls: self.tls.clone(),
                        request_head: self.request_head,
                        shutdown: shutdown.clone(),
                    };
                    connections.spawn(serving.accepted(stream, service.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // Refuses new connections while the old ones finish.
        drop(self.listener);
        connections.close();
        connections.wait().await;
    }
}

/// What one connection needs.
struct Serving {
    engine: Engine,
    origin: Origin,
    tls: Option<TlsAcceptor>,
    request_head: Duration,
    shutdown: CancellationToken,
}

impl Serving {
    async fn accepted<S, F>(self, stream: TcpStream, service: S)
    where
        S: Fn(Connection, Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        // Answers are small and agents wait for each.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch Nagle's algorithm off");
        }
        // A place of its own on the heap: what lasts is smaller than a handshake.
        let Some(tls) = &self.tls else { return Box::pin(self.served(stream, service)).await };
        match tokio::time::timeout(HANDSHAKE, Box::pin(tls.accept(stream))).await {
            Ok(Ok(stream)) => Box::pin(self.served(stream, service)).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed: {error}"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn served<I, S, F>(&self, stream: I, service: S)
    where
        I: Socket + AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Fn(Connection, Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let connection =
            Connection { origin: self.origin, commands: Default::default(), unflushed: Default::default() };
        let open = OpenConnection::new(&self.engine, &connection);
        let unflushed = connection.unflushed.clone();
        let stream = Watched { stream, unflushed, is_broken: Arc::clone(&open.is_broken) };
        let answer = service_fn(|request| {
            let answer = service(connection.clone(), request);
            async move { Ok::<_, std::convert::Infallible>(answer.await) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.request_head);
        let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), answer));
        let ended = tokio::select! {
            ended = serving.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke: {error}");
        }
    }
}

/// Tells the engine when the connection is gone and may have taken answers with it.
struct OpenConnection {
    engine: Engine,
    connection: Connection,
    is_broken: Arc<AtomicBool>,
}

impl OpenConnection {
    fn new(engine: &Engine, connection: &Connection) -> OpenConnection {
        telemetry::connection(true);
        OpenConnection { engine: engine.clone(), connection: connection.clone(), is_broken: Arc::default() }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        telemetry::connection(false);
        // Many clients close after every answer: that alone says nothing about the answer.
        if self.is_broken.load(Ordering::Acquire) || self.connection.unflushed.is_some() {
            self.engine.connection_closed(&self.connection.commands);
        }
    }
}

/// What lies below a connection.
trait Socket {
    /// Whether its peer refused what was sent: a peer that is gone answers with a reset.
    fn was_refused(&self) -> bool;
}

impl Socket for TcpStream {
    fn was_refused(&self) -> bool {
        !matches!(self.take_error(), Ok(None))
    }
}

impl Socket for tokio_rustls::server::TlsStream<TcpStream> {
    fn was_refused(&self) -> bool {
        self.get_ref().0.was_refused()
    }
}

/// A stream that tells when everything written to it has been flushed, and at its end whether it broke.
struct Watched<I: Socket> {
    stream: I,
    unflushed: Unflushed,
    is_broken: Arc<AtomicBool>,
}

impl<I: Socket> Watched<I> {
    fn noted<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &result
            // A TLS peer that closes without a word has still closed in order.
            && error.kind() != io::ErrorKind::UnexpectedEof
        {
            self.is_broken.store(true, Ordering::Release);
        }
        result
    }
}

impl<I: Socket> Drop for Watched<I> {
    fn drop(&mut self) {
        if self.stream.was_refused() {
            self.is_broken.store(true, Ordering::Release);
        }
    }
}

impl<I: Socket + AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.noted(read)
    }
}

impl<I: Socket + AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.unflushed.flushed();
        }
        self.noted(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ListenError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|source| pem_error(&files.certificate, source))?;
    if chain.is_empty() {
        return Err(ListenError::NoCertificate(files.certificate.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|source| pem_error(&files.key, source))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(ListenError::Tls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn pem_error(path: &Path, source: rustls_pki_types::pem::Error) -> ListenError {
    ListenError::Pem { path: path.to_owned(), source }
}
