//! The bundle store as the server sees it: opened once, then a request in and an answer out.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderValue};
use http::{Method, Request, Response};
use longshore_model::time::Timestamp;
use longshore_store::{BundleIndex, StoreError};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Error, s3_error};

use crate::access::{Gate, Secrets};
use crate::answer::{self, Clocks};
use crate::content::ContentFolder;
use crate::host;
use crate::keys::KeySource;
use crate::reader::run_blocking;
use crate::reframe;
use crate::s3::{Bundles, Front};

/// How old a leftover in a shared folder must be: nobody takes so long between a file and the row that
/// names it.
const SHARED_LEFTOVER: Duration = Duration::from_secs(24 * 3600);

/// A file's time may be a little ahead of ours: a coarser clock, another machine's disk.
const CLOCK_STEP: Duration = Duration::from_secs(24 * 3600);

/// Where the bundle store is and what it is called.
#[derive(Clone, Debug)]
pub struct BundleSettings {
    /// The folder with the content files; made where missing.
    pub folder: PathBuf,
    /// Whether other processes may use the folder at the same time.
    pub is_shared: bool,
    /// Told to clients that ask for a bucket's location.
    pub region: String,
    /// The account that owns all buckets.
    pub account: String,
    /// Domains under which `<bucket>.<domain>` names a bucket, without ports. `localhost` always is one.
    pub domains: Vec<String>,
}

/// Why the bundle store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made, read or written.
    #[error("cannot use the bundle folder {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The rows that name the files cannot be read.
    #[error("cannot read which bundle files are in use")]
    Index(#[source] StoreError),
}

/// S3 over the bundle store. Cheap to clone.
#[derive(Clone)]
pub struct BundleService {
    service: S3Service,
    bundles: Arc<Bundles>,
    index: Arc<dyn BundleIndex>,
    domains: Arc<[String]>,
}

impl fmt::Debug for BundleService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BundleService").field("domains", &self.domains).finish_non_exhaustive()
    }
}

impl BundleService {
    /// Opens the store and removes what a crash may have left in its folder. In a folder
    /// that is shared, only what is older than a day.
    ///
    /// # Errors
    /// When the folder cannot be used or the index cannot be read.
    pub async fn open(
        index: Arc<dyn BundleIndex>,
        keys: Arc<dyn KeySource>,
        settings: BundleSettings,
    ) -> Result<BundleService, OpenError> {
        let named: HashSet<String> =
            index.bundle_files().await.map_err(OpenError::Index)?.into_iter().collect();
        let BundleSettings { folder, is_shared, region, account, domains } = settings;
        let now = SystemTime::now();
        // What is there now was left by an earlier process, unless there are others.
        let before = if is_shared { now - SHARED_LEFTOVER } else { now + CLOCK_STEP };
        let path = folder.clone();
        let (content, n_removed) = run_blocking(move || {
            let content = ContentFolder::open(&path)?;
            let n_removed = content.remove_leftovers(&named, before)?;
            Ok((content, n_removed))
        })
        .await
        .map_err(|source| OpenError::Folder { folder, source })?;
        if n_removed > 0 {
            tracing::info!(n_removed, "bundle store: removed files that an interruption left");
        }
        let gate = Gate { keys: Arc::clone(&keys), account: account.clone(), region: region.clone() };
        let bundles = Arc::new(Bundles::new(Arc::clone(&index), content, region, account));
        let mut builder = S3ServiceBuilder::new(Front(Arc::clone(&bundles)));
        builder.set_auth(Secrets(keys));
        builder.set_access(gate);
        builder.set_host(host::FoundBucket);
        let domains = domains.into_iter().map(|domain| domain.to_ascii_lowercase()).collect();
        Ok(BundleService { service: builder.build(), bundles, index, domains })
    }

    /// Answers one request. The body is read only after the signature and the permission were
    /// checked, so `Expect: 100-continue` is answered by a refusal where there is one.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Error + Send + Sync + 'static,
    {
        self.answer(request.map(Body::http_body_unsync)).await
    }

    /// Ends multipart uploads that began before `point` and removes their parts; answers how many.
    ///
    /// # Errors
    /// When the index fails; what was ended by then stays so.
    pub async fn expire_uploads(&self, point: Timestamp) -> Result<usize, StoreError> {
        self.bundles.expire_uploads(point).await
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let clocks = clocks(&request);
        let is_empty_expectation = is_empty_expectation(&request);
        let response = match self.served(request).await {
            Ok(response) => response,
            Err(error) => answer::error_response(error),
        };
        let mut response = answer::completed(response, &clocks);
        if is_empty_expectation {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn served(&self, request: Request<Body>) -> Result<Response<Body>, S3Error> {
        refuse_old_ways(&request)?;
        let bucket = host::bucket_in_host(&request, &self.domains, &*self.index).await;
        let bucket = bucket.map_err(crate::s3::store_failed)?;
        let request = reframe::with_bounded_chunks(request);
        let served = host::with_bucket(bucket, self.service.call(request)).await;
        served.map_err(|error| {
            tracing::error!(?error, "bundle store: an answer could not be made");
            s3_error!(InternalError)
        })
    }
}

/// Not spoken here, although `s3s` could: signature version 2 in a header (good for ever, covers no
/// body) and form uploads (read into memory before the signature is known to be good). Version 2 in
/// a query has its expiry, and is what `aws s3 presign` still makes.
fn refuse_old_ways(request: &Request<Body>) -> Result<(), S3Error> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = request.method() == Method::POST
        && header(CONTENT_TYPE).trim_start().to_ascii_lowercase().starts_with("multipart/form-data");
    if is_form {
        return Err(s3_error!(NotImplemented, "Uploads by HTML form are not supported here."));
    }
    if header(AUTHORIZATION).starts_with("AWS ") {
        return Err(s3_error!(
            InvalidRequest,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        ));
    }
    Ok(())
}

/// Whether the client waits for leave to send nothing. The HTTP library sends `100 Continue` only when
/// a body is read, so such a client gets its final answer first; botocore then takes the next answer
/// on that connection for a late one and waits in vain. A new connection has no such memory.
fn is_empty_expectation(request: &Request<Body>) -> bool {
    let is = |name, wanted: &str| {
        request
            .headers()
            .get(name)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(wanted.as_bytes()))
    };
    is(EXPECT, "100-continue") && is(CONTENT_LENGTH, "0")
}

fn clocks(request: &Request<Body>) -> Clocks {
    let header = request.headers().get("x-amz-date").and_then(|value| value.to_str().ok());
    let query = request.uri().query().unwrap_or_default().split('&');
    let presigned = query.filter_map(|pair| pair.strip_prefix("X-Amz-Date=")).next();
    Clocks {
        request: header.or(presigned).map(str::to_owned),
        server: crate::s3::amz_date(SystemTime::now()),
    }
}
