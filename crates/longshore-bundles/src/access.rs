//! Who may do what: secrets for the signature check, then the caller's policies.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use longshore_model::policy::{Decision, Denial};
use longshore_model::time::Timestamp;
use percent_encoding::percent_decode_str;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{CopyObjectInput, CopySource, UploadPartCopyInput};
use s3s::path::S3Path;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};

use crate::keys::{KeyError, KeySource};
use crate::observer::Observer;
use crate::principal::{Caller, Origin, Principal, TokenError};

/// Gives secrets to the signature check.
pub(crate) struct Secrets(pub(crate) Arc<dyn KeySource>);

/// Decides after the signature check and before any body is read.
pub(crate) struct Gate {
    pub(crate) keys: Arc<dyn KeySource>,
    pub(crate) account: String,
    pub(crate) region: String,
}

#[async_trait]
impl S3Auth for Secrets {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let secret = self.0.secret(access_key).await.map_err(lookup_failed)?;
        secret.map(SecretKey::from).ok_or_else(|| unknown_key(access_key))
    }
}

fn unknown_key(access_key: &str) -> S3Error {
    s3_error!(
        InvalidAccessKeyId,
        "The AWS Access Key Id you provided ({access_key}) does not exist in our records, or is not active."
    )
}

fn lookup_failed(error: KeyError) -> S3Error {
    tracing::error!(error = &error as &dyn Error, "bundle store: access key lookup failed");
    s3_error!(InternalError, "The access key could not be looked up. Please try again.")
}

#[async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = cx.credentials() else {
            return Err(s3_error!(
                AccessDenied,
                "Anonymous access is not allowed: the request is not signed."
            ));
        };
        let access_key = credentials.access_key.clone();
        let principal = self.keys.principal(&access_key).await.map_err(lookup_failed)?;
        let principal = principal.ok_or_else(|| unknown_key(&access_key))?;
        check_token(cx, &principal)?;
        self.check_owner(cx)?;
        let origin = cx.extensions_mut().get::<Origin>().copied();
        let caller = Caller::new(Arc::new(principal), origin, cx.headers(), &self.region, now());
        if let Some(observer) = cx.extensions_mut().get::<Observer>().cloned() {
            observer.tell(&caller, cx.s3_op().name());
        }
        if let Some((action, resource)) = asked_for(cx) {
            authorize(&caller, action, &resource)?;
        }
        cx.extensions_mut().insert(caller);
        Ok(())
    }

    async fn copy_object(&self, req: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        authorize_source(caller(req)?, &req.input.copy_source)
    }

    async fn upload_part_copy(&self, req: &mut S3Request<UploadPartCopyInput>) -> S3Result<()> {
        authorize_source(caller(req)?, &req.input.copy_source)
    }
}

impl Gate {
    fn check_owner(&self, cx: &S3AccessContext<'_>) -> S3Result<()> {
        match cx.headers().get("x-amz-expected-bucket-owner") {
            Some(owner) if owner.as_bytes() != self.account.as_bytes() => Err(s3_error!(
                AccessDenied,
                "The bucket belongs to account {}, not to the expected owner {:?}.",
                self.account,
                owner
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// The session token of a header, or of the query where that is signed.
fn check_token(cx: &S3AccessContext<'_>, principal: &Principal) -> S3Result<()> {
    let wrong = || s3_error!(InvalidToken, "The provided token is malformed or otherwise invalid.");
    let token = match cx.headers().get("x-amz-security-token") {
        Some(value) => Some(value.to_str().map_err(|_| wrong())?.to_owned()),
        None => {
            let query = cx.uri().query().unwrap_or_default().split('&');
            // Version 2 of the signature spells it in lower case.
            let mut tokens = query.filter_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.eq_ignore_ascii_case("x-amz-security-token").then_some(value)
            });
            let decoded = tokens.next().map(|token| percent_decode_str(token).decode_utf8());
            decoded.transpose().map_err(|_| wrong())?.map(Cow::into_owned)
        }
    };
    match principal.check_token(token.as_deref(), now()) {
        Ok(()) => Ok(()),
        Err(TokenError::Wrong) => Err(wrong()),
        Err(TokenError::Expired) => Err(s3_error!(ExpiredToken, "The provided token has expired.")),
    }
}

/// Who signed `req`, as [`Gate::check`] left it there.
pub(crate) fn caller<T>(req: &S3Request<T>) -> S3Result<&Caller> {
    req.extensions.get::<Caller>().ok_or_else(|| s3_error!(AccessDenied, "The request is not signed."))
}

fn authorize_source(caller: &Caller, source: &CopySource) -> S3Result<()> {
    match source {
        CopySource::Bucket { bucket, key, version_id } => {
            let action = if version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
            authorize(caller, action, &object_arn(bucket, key))
        }
        CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => {
            Err(s3_error!(NotImplemented, "Only <bucket>/<key> can be copied from."))
        }
    }
}

/// Lets `caller` pass if it may do `action` on `resource`.
pub(crate) fn authorize(caller: &Caller, action: &str, resource: &str) -> S3Result<()> {
    caller.note(resource);
    let decision = caller.decide(action, resource);
    if decision == Decision::Allowed {
        return Ok(());
    }
    // S3 quotes the resource.
    let resource = format!("\"{resource}\"");
    let denial = Denial { principal: &caller.arn.0, action, resource: &resource, decision };
    Err(S3Error::with_message(S3ErrorCode::AccessDenied, denial.to_string()))
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// The ARN of an object.
pub(crate) fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

/// The action and the resource that the request asks for; `None` when that depends on the body.
fn asked_for(cx: &S3AccessContext<'_>) -> Option<(&'static str, String)> {
    let has_version =
        cx.uri().query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("versionId=")));
    let action = action(cx.s3_op().name(), has_version)?;
    let resource = match cx.s3_path() {
        S3Path::Root => "*".to_owned(),
        S3Path::Bucket { bucket } => format!("arn:aws:s3:::{bucket}"),
        S3Path::Object { bucket, key } => object_arn(bucket, key),
    };
    Some((action, resource))
}

fn action(operation: &str, has_version: bool) -> Option<&'static str> {
    Some(match (operation, has_version) {
        // Each key of the body is decided on its own, in the answer.
        ("DeleteObjects", _) => return None,
        ("ListBuckets", _) => "s3:ListAllMyBuckets",
        ("CreateBucket", _) => "s3:CreateBucket",
        ("DeleteBucket", _) => "s3:DeleteBucket",
        ("GetBucketLocation", _) => "s3:GetBucketLocation",
        ("GetBucketVersioning", _) => "s3:GetBucketVersioning",
        ("PutBucketVersioning", _) => "s3:PutBucketVersioning",
        ("HeadBucket" | "ListObjects" | "ListObjectsV2", _) => "s3:ListBucket",
        ("ListObjectVersions", _) => "s3:ListBucketVersions",
        ("GetObject" | "HeadObject", false) => "s3:GetObject",
        ("GetObject" | "HeadObject", true) => "s3:GetObjectVersion",
        ("GetObjectTagging", false) => "s3:GetObjectTagging",
        ("GetObjectTagging", true) => "s3:GetObjectVersionTagging",
        ("DeleteObject", false) => "s3:DeleteObject",
        ("DeleteObject", true) => "s3:DeleteObjectVersion",
        ("AbortMultipartUpload", _) => "s3:AbortMultipartUpload",
        ("ListParts", _) => "s3:ListMultipartUploadParts",
        ("ListMultipartUploads", _) => "s3:ListBucketMultipartUploads",
        (
            "PutObject"
            | "CopyObject"
            | "CreateMultipartUpload"
            | "UploadPart"
            | "UploadPartCopy"
            | "CompleteMultipartUpload",
            _,
        ) => "s3:PutObject",
        // The rest is not there; only who may do everything learns that.
        (_, _) => "s3:*",
    })
}
