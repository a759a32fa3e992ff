//! The few S3 operations that an agent and the command line need.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::header::{IF_MATCH, RANGE};
use http::{HeaderValue, Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::body::Payload;
use super::call::Call;
use super::{CallError, Client, Download};

const SERVICE: &str = "s3";

/// What S3 wants encoded in a key: everything but unreserved characters and the slash.
const KEY: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Where the bucket's name goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum S3Addressing {
    /// Into the path; works with every server.
    #[default]
    Path,
    /// Before the endpoint's host, as AWS prefers it.
    VirtualHost,
}

/// What to put into an object.
#[derive(Clone, Debug)]
pub enum ObjectSource {
    /// These bytes.
    Bytes(Bytes),
    /// The content of a file, read while it is sent.
    File(PathBuf),
}

/// What S3 says of a new object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutObject {
    /// With its quotes.
    pub e_tag: Option<String>,
    /// In buckets that keep versions.
    pub version_id: Option<String>,
}

impl Client {
    /// Begins to download an object, or the given version of it.
    ///
    /// # Errors
    /// [`CallError`], after the retries; the download itself is not repeated.
    pub async fn get_object(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Download, CallError> {
        self.download(&self.object_call(bucket, key, version)?).await
    }

    /// Goes on with a download of which `n_bytes` are here, if the object still has the ETag `e_tag`;
    /// otherwise S3 answers 412. A server that knows no ranges answers with the whole object.
    ///
    /// # Errors
    /// [`CallError`], after the retries.
    pub async fn get_object_from(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        n_bytes: u64,
        e_tag: &str,
    ) -> Result<Download, CallError> {
        let mut call = self.object_call(bucket, key, version)?;
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|source| CallError::Request { source: source.into() })
        };
        call.headers.insert(RANGE, value(&format!("bytes={n_bytes}-"))?);
        call.headers.insert(IF_MATCH, value(e_tag)?);
        self.download(&call).await
    }

    fn object_call(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Call<'static>, CallError> {
        let version = version.map(|id| format!("versionId={}", utf8_percent_encode(id, NON_ALPHANUMERIC)));
        let uri = self.object_uri(bucket, key, version.as_deref())?;
        Ok(Call::new(Method::GET, uri, SERVICE, empty()))
    }

    async fn download(&self, call: &Call<'_>) -> Result<Download, CallError> {
        let answer = self.streamed(call).await?;
        Ok(Download::new(answer, self.shared.authority.as_str(), self.shared.read_timeout))
    }

    /// Uploads an object in one piece.
    ///
    /// # Errors
    /// [`CallError`], after the retries.
    pub async fn put_object(
        &self,
        bucket: &str,
        key: &str,
        source: ObjectSource,
    ) -> Result<PutObject, CallError> {
        let payload = match source {
            ObjectSource::Bytes(bytes) => Payload::Bytes(bytes),
            ObjectSource::File(path) => hashed(path).await?,
        };
        let uri = self.object_uri(bucket, key, None)?;
        let answer = self.buffered(&Call::new(Method::PUT, uri, SERVICE, payload)).await?;
        let header = |name: &str| answer.headers.get(name)?.to_str().ok().map(str::to_owned);
        Ok(PutObject { e_tag: header("etag"), version_id: header("x-amz-version-id") })
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// [`CallError`]: `BucketAlreadyOwnedByYou` when it is there.
    pub async fn create_bucket(&self, bucket: &str) -> Result<(), CallError> {
        let uri = self.object_uri(bucket, "", None)?;
        let payload = Payload::Bytes(self.location_constraint());
        self.buffered(&Call::new(Method::PUT, uri, SERVICE, payload)).await.map(drop)
    }

    /// Whether a bucket is there.
    ///
    /// # Errors
    /// [`CallError`], for anything but "it is not there".
    pub async fn head_bucket(&self, bucket: &str) -> Result<bool, CallError> {
        let uri = self.object_uri(bucket, "", None)?;
        match self.buffered(&Call::new(Method::HEAD, uri, SERVICE, empty())).await {
            Ok(_) => Ok(true),
            Err(CallError::Service { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The body of CreateBucket: regions but the oldest must be named in it.
    fn location_constraint(&self) -> Bytes {
        let region = &self.shared.region;
        if region == "us-east-1" {
            return Bytes::new();
        }
        Bytes::from(format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        ))
    }

    fn object_uri(&self, bucket: &str, key: &str, query: Option<&str>) -> Result<Uri, CallError> {
        let key = utf8_percent_encode(key, &KEY);
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        match self.shared.s3_addressing {
            S3Addressing::Path => {
                let bucket = utf8_percent_encode(bucket, &KEY);
                let slash = if key.clone().next().is_some() { "/" } else { "" };
                self.uri(&format!("/{bucket}{slash}{key}{query}"))
            }
            S3Addressing::VirtualHost => {
                let authority = format!("{bucket}.{}", self.shared.authority);
                self.uri_at(&authority, &format!("/{key}{query}"))
            }
        }
    }
}

fn empty() -> Payload {
    Payload::Bytes(Bytes::new())
}

/// Reads the file once to sign what will be sent: S3 then refuses what was altered on the way.
async fn hashed(path: PathBuf) -> Result<Payload, CallError> {
    let read_path = path.clone();
    let hashed = tokio::task::spawn_blocking(move || hash_file(&read_path)).await;
    let shown = path.display().to_string();
    match hashed.unwrap_or_else(|panic| Err(std::io::Error::other(panic))) {
        Ok((len, sha256_hex)) => Ok(Payload::File { path, len, sha256_hex }),
        Err(source) => Err(CallError::File { path: shown, source }),
    }
}

fn hash_file(path: &Path) -> std::io::Result<(u64, String)> {
    use std::io::Read;
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut len = 0;
    loop {
        let n_read = file.read(&mut buffer)?;
        if n_read == 0 {
            return Ok((len, hex::encode(hasher.finalize())));
        }
        hasher.update(&buffer[..n_read]);
        len += n_read as u64;
    }
}
