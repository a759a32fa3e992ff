//! Connections: TLS with the roots to trust, a proxy if there is one, and the pool.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::percent_decode_str;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::body::RequestBody;
use super::{ClientConfig, ClientError};

/// A connection that was idle longer is not used again: some servers close it at the moment of the
/// next request. Source: wire-transcripts.md §1.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The pool, with or without a proxy before it.
pub(super) enum Http {
    Direct(Client<HttpsConnector<HttpConnector>, RequestBody>),
    Tunnelled(Client<HttpsConnector<Tunnel<HttpConnector>>, RequestBody>),
}

impl Http {
    pub(super) fn new(config: &ClientConfig) -> Result<Http, ClientError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(config.connect_timeout));
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config(config.ca_bundle.as_deref())?)
            .https_or_http()
            .enable_http1();
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(POOL_IDLE_TIMEOUT);
        Ok(match &config.proxy_uri {
            Some(proxy) => Http::Tunnelled(builder.build(tls.wrap_connector(tunnel(proxy, tcp)?))),
            None => Http::Direct(builder.build(tls.wrap_connector(tcp))),
        })
    }

    pub(super) async fn request(&self, request: Request<RequestBody>) -> Result<Response<Incoming>, Error> {
        match self {
            Http::Direct(client) => client.request(request).await,
            Http::Tunnelled(client) => client.request(request).await,
        }
    }
}

fn tls_config(ca_bundle: Option<&[u8]>) -> Result<rustls::ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ClientError::Tls)?;
    let roots = match ca_bundle {
        Some(pem) => Some(bundle_roots(pem)?),
        None => system_roots(),
    };
    // A host without a certificate store still reaches public endpoints.
    let builder = match roots {
        Some(roots) => builder.with_root_certificates(roots),
        None => builder.with_webpki_roots(),
    };
    Ok(builder.with_no_client_auth())
}

fn bundle_roots(pem: &[u8]) -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate =
            certificate.map_err(|source| ClientError::CaBundle { source: Some(source.into()) })?;
        roots.add(certificate).map_err(|source| ClientError::CaBundle { source: Some(source.into()) })?;
    }
    if roots.is_empty() { Err(ClientError::CaBundle { source: None }) } else { Ok(roots) }
}

fn system_roots() -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (n_added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    (0 < n_added).then_some(roots)
}

fn tunnel(proxy: &str, tcp: HttpConnector) -> Result<Tunnel<HttpConnector>, ClientError> {
    let bad =
        || ClientError::Proxy { proxy: proxy.rsplit_once('@').map_or(proxy, |(_, host)| host).to_owned() };
    let uri: Uri = proxy.parse().map_err(|_| bad())?;
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(bad)?;
    let (user_info, host) = match authority.as_str().rsplit_once('@') {
        Some((user_info, host)) => (Some(user_info), host),
        None => (None, authority.as_str()),
    };
    let uri = Uri::builder().scheme("http").authority(host).path_and_query("/").build().map_err(|_| bad())?;
    let tunnel = Tunnel::new(uri, tcp);
    let Some(user_info) = user_info else {
        return Ok(tunnel);
    };
    let decoded: Vec<u8> = percent_decode_str(user_info).collect();
    let encoded = base64::engine::general_purpose::STANDARD.encode(decoded);
    let value = HeaderValue::from_str(&format!("Basic {encoded}")).map_err(|_| bad())?;
    Ok(tunnel.with_auth(value))
}
