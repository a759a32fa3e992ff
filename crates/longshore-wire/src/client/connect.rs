//! Connections: TLS with the roots to trust, a proxy if there is one, and the pools.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::body::RequestBody;
use super::proxy::{self, Proxy};
use super::{ClientError, Transport};

/// A connection that was idle longer is not used again: some servers close it at the moment of the
/// next request. Source: wire-transcripts.md §1.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Certificates of authorities. Its copies share them: a system's whole store takes hundreds of KiB as text.
#[derive(Clone, Debug)]
pub struct CaBundle {
    roots: Arc<RootCertStore>,
}

impl CaBundle {
    /// Reads PEM text. Certificates that make no root are passed over, as every system store has some.
    ///
    /// # Errors
    /// [`ClientError::CaBundle`] when none is left.
    pub fn from_pem(pem: &[u8]) -> Result<CaBundle, ClientError> {
        let mut roots = RootCertStore::empty();
        let mut last_error = None;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|source| ClientError::CaBundle { source: Some(source.into()) })?;
            last_error = roots.add(certificate).err().or(last_error);
        }
        if roots.is_empty() {
            return Err(ClientError::CaBundle { source: last_error.map(Into::into) });
        }
        Ok(CaBundle { roots: Arc::new(roots) })
    }
}

/// The addresses that are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Targets {
    /// Only such that begin with `http://`: nobody is to be trusted, so the system's certificates, which
    /// take time and memory, are not read.
    Plain,
    Any,
}

/// The pools, with or without a proxy before them.
pub(super) struct Http {
    direct: Client<HttpsConnector<HttpConnector>, RequestBody>,
    proxied: Option<Proxied>,
}

/// Requests go through a proxy: to https targets in a tunnel, to http ones in its hands.
struct Proxied {
    tunnelled: Client<HttpsConnector<Tunnel<HttpConnector>>, RequestBody>,
    proxy: Proxy,
}

impl Http {
    pub(super) fn new(transport: &Transport, targets: Targets) -> Result<Http, ClientError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(transport.connect_timeout));
        let config = tls_config(transport.ca_bundle.as_ref(), targets)?;
        let tls =
            || HttpsConnectorBuilder::new().with_tls_config(config.clone()).https_or_http().enable_http1();
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(POOL_IDLE_TIMEOUT);
        let proxied = match &transport.proxy_uri {
            Some(uri) => {
                let proxy = Proxy::new(uri, transport.connect_timeout)?;
                let tunnel = tls().wrap_connector(proxy.tunnel(tcp.clone()));
                Some(Proxied { tunnelled: builder.build(tunnel), proxy })
            }
            None => None,
        };
        Ok(Http { direct: builder.build(tls().wrap_connector(tcp)), proxied })
    }

    pub(super) async fn request(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
        let is_proxied = !proxy::is_link_local(request.uri());
        match self.proxied.as_ref().filter(|_| is_proxied) {
            None => Ok(self.direct.request(request).await?),
            Some(proxied) if is_https(request.uri()) => Ok(proxied.tunnelled.request(request).await?),
            Some(proxied) => proxied.proxy.relayed(request).await,
        }
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

fn tls_config(ca_bundle: Option<&CaBundle>, targets: Targets) -> Result<rustls::ClientConfig, ClientError> {
    let builder = tls_builder()?;
    let roots = match (ca_bundle, targets) {
        (Some(bundle), Targets::Plain | Targets::Any) => Some(Arc::clone(&bundle.roots)),
        (None, Targets::Plain) => Some(Arc::new(RootCertStore::empty())),
        (None, Targets::Any) => system_roots().map(Arc::new),
    };
    // A host without a certificate store still reaches public endpoints.
    let builder = match roots {
        Some(roots) => builder.with_root_certificates(roots),
        None => builder.with_webpki_roots(),
    };
    Ok(builder.with_no_client_auth())
}

fn tls_builder() -> Result<ConfigBuilder<rustls::ClientConfig, WantsVerifier>, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ClientError::Tls)
}

/// TLS as a client of many servers: the system's certificates are trusted, and those in `more`.
///
/// # Errors
/// [`ClientError::Tls`].
pub fn client_tls(more: Option<&CaBundle>) -> Result<rustls::ClientConfig, ClientError> {
    let mut roots = system_roots().unwrap_or_else(RootCertStore::empty);
    if let Some(more) = more {
        roots.roots.extend(more.roots.roots.iter().cloned());
    }
    let builder = tls_builder()?;
    let builder = match roots.is_empty() {
        true => builder.with_webpki_roots(),
        false => builder.with_root_certificates(roots),
    };
    Ok(builder.with_no_client_auth())
}

fn system_roots() -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (n_added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    (0 < n_added).then_some(roots)
}
