//! Which service a request is for, and what happens to every request whatever it is for: signature,
//! limits, request id, log, metrics. Source: design.md §2, service.md §1.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use longshore_wire::api::{Operation, operations};
use longshore_wire::codec::json;
use longshore_wire::enrollment;
use longshore_wire::error::ApiError;
use longshore_wire::host_command::{self, HostOperation, SECURE_TARGET_PREFIX};

use crate::answer::{self, Body, BodyError};
use crate::api::{self, EXTENSION_TARGET_PREFIX, ExtensionOperation, RequestContext};
use crate::app::App;
use crate::auth::{authenticate, authenticate_token};
use crate::host_api::{self, Flavour, HostCall};
use crate::iam;
use crate::listen::Connection;
use crate::{probe, telemetry};

/// The most bytes of a request body, S3 excepted.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How long a request body may take to arrive, S3 excepted.
const BODY_PATIENCE: Duration = Duration::from_secs(60);
const TARGET: &str = "x-amz-target";
const REQUEST_ID: &str = "x-amzn-requestid";
const CBOR_PATH: &str = "/service/CodeDeploy_20141006/operation/";

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// CodeDeploy over RPC v2 CBOR.
    Cbor,
    /// CodeDeploy over JSON 1.1.
    Api(Operation),
    /// What only this service has.
    Extension(ExtensionOperation),
    /// What host agents call.
    Host(Flavour, HostOperation),
    /// What a machine calls to become a host.
    Enroll,
    /// A target that nobody answers, or none where one is due.
    Unknown,
    /// The bundle store.
    S3,
    /// IAM and STS.
    Identity(iam::Service),
    /// People and probes.
    Plain,
}

impl Route {
    /// In the order of design.md §2.
    fn of(uri: &Uri, headers: &HeaderMap) -> Route {
        if uri.path().starts_with(CBOR_PATH) {
            return Route::Cbor;
        }
        if let Some(target) = headers.get(TARGET) {
            return target.to_str().ok().and_then(Route::of_target).unwrap_or(Route::Unknown);
        }
        match claimed_service(uri, headers).as_deref() {
            Some("s3") => Route::S3,
            Some("iam") => Route::Identity(iam::Service::Iam),
            Some("sts") => Route::Identity(iam::Service::Sts),
            Some(_) => Route::Unknown,
            None if is_old_s3(uri, headers) => Route::S3,
            None if is_json(headers) => Route::Unknown,
            None => Route::Plain,
        }
    }

    fn of_target(target: &str) -> Option<Route> {
        let (prefix, name) = target.split_once('.')?;
        match prefix {
            operations::TARGET_PREFIX => Operation::from_name(name).map(Route::Api),
            EXTENSION_TARGET_PREFIX => ExtensionOperation::from_name(name).map(Route::Extension),
            enrollment::HOST_TARGET_PREFIX => Some(Route::Enroll).filter(|_| name == enrollment::ENROLL_HOST),
            host_command::operations::TARGET_PREFIX => {
                HostOperation::from_name(name).map(|operation| Route::Host(Flavour::Classic, operation))
            }
            SECURE_TARGET_PREFIX => {
                HostOperation::from_name(name).map(|operation| Route::Host(Flavour::Secure, operation))
            }
            _ => None,
        }
    }

    /// Service and operation, for log and metrics.
    fn labels(self) -> (&'static str, &'static str) {
        match self {
            Route::Cbor => ("codedeploy", "cbor"),
            Route::Api(operation) => ("codedeploy", operation.name()),
            Route::Extension(operation) => ("longshore", operation.name()),
            Route::Host(Flavour::Classic, operation) => ("codedeploy-commands", operation.name()),
            Route::Host(Flavour::Secure, operation) => ("codedeploy-commands-secure", operation.name()),
            Route::Enroll => ("longshore-host", enrollment::ENROLL_HOST),
            Route::Unknown => ("unknown", "unknown"),
            Route::S3 => ("s3", "request"),
            Route::Identity(iam::Service::Iam) => ("iam", "request"),
            Route::Identity(iam::Service::Sts) => ("sts", "request"),
            Route::Plain => ("plain", "request"),
        }
    }
}

/// The service in the credential scope, even of a claim that is otherwise broken: whoever is meant
/// says so in its own words.
fn claimed_service(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let credential = match headers.get(AUTHORIZATION) {
        Some(value) => {
            let (_, rest) = value.to_str().ok()?.split_once("Credential=")?;
            rest.split(',').next()?.trim().to_owned()
        }
        None => {
            let query = form_urlencoded::parse(uri.query()?.as_bytes());
            query.into_iter().find(|(name, _)| name == "X-Amz-Credential")?.1.into_owned()
        }
    };
    credential.rsplit('/').nth(1).map(str::to_owned)
}

/// A signature of version 2, which the bundle store refuses in S3's own words.
fn is_old_s3(uri: &Uri, headers: &HeaderMap) -> bool {
    let has_header = headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS "));
    has_header || uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("Signature=")))
}

/// A call of a JSON service that does not say which operation it means.
fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/x-amz-json-"))
}

/// Answers one request.
pub(crate) async fn answer(
    app: Arc<App>,
    connection: Connection,
    request: Request<Incoming>,
) -> Response<Body> {
    let started = Instant::now();
    let route = Route::of(request.uri(), request.headers());
    let (service, operation) = route.labels();
    let request_id = uuid::Uuid::new_v4().to_string();
    let (mut response, code) = match routed(&app, &connection, route, request).await {
        Ok(response) => {
            let code = if response.status().is_success() { "ok" } else { "refused" };
            (response, code.to_owned())
        }
        Err(error) => (answer::json_error(&error), error.code.into_owned()),
    };
    let elapsed = started.elapsed();
    telemetry::answered(service, operation, &code, elapsed);
    tracing::debug!(
        request.id = request_id,
        request.service = service,
        request.operation = operation,
        response.code = code,
        elapsed_ms = elapsed.as_millis() as u64,
        "{service} {operation}: {code}"
    );
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

async fn routed(
    app: &App,
    connection: &Connection,
    route: Route,
    request: Request<Incoming>,
) -> Result<Response<Body>, ApiError> {
    match route {
        Route::S3 => {
            Ok(app.bundles.handle(request).await.map(|body| body.map_err(BodyError::from).boxed_unsync()))
        }
        Route::Plain => {
            let (parts, _body) = request.into_parts();
            probe::answer(app, &parts).await
        }
        Route::Identity(service) => {
            let (parts, body) = read(request)
                .await
                .map_or_else(|error| (None, Err(error)), |(parts, body)| (Some(parts), Ok(body)));
            Ok(identity(app, service, parts, body).await)
        }
        Route::Cbor => Err(cbor_not_available()),
        Route::Unknown => {
            read(request).await?;
            Err(ApiError::unknown_operation("The X-Amz-Target header names no operation of this service."))
        }
        Route::Api(operation) => {
            let (parts, body) = read_json(request).await?;
            let caller = authenticate(app, &parts, &body, api::SIGNING_NAME).await?;
            let ctx = RequestContext::new(app, &caller, operation.name());
            Ok(answer::json(StatusCode::OK, api::call(&ctx, operation, &body).await?))
        }
        Route::Extension(operation) => {
            let (parts, body) = read_json(request).await?;
            let caller = authenticate(app, &parts, &body, api::SIGNING_NAME).await?;
            let ctx = RequestContext::new(app, &caller, operation.name());
            Ok(answer::json(StatusCode::OK, api::call_extension(&ctx, operation, &body).await?))
        }
        Route::Host(flavour, operation) => {
            let (parts, body) = read_json(request).await?;
            let caller = authenticate(app, &parts, &body, flavour.signing_name()).await?;
            let call = HostCall { app, connection, caller: &caller, flavour, parts: &parts };
            call.answer(operation, &body).await
        }
        Route::Enroll => {
            let (parts, body) = read_json(request).await?;
            let token = authenticate_token(app, &parts, &body).await?;
            host_api::enroll(app, &token, &body).await
        }
    }
}

/// IAM and STS, which answer everything in XML, refusals too.
async fn identity(
    app: &App,
    service: iam::Service,
    parts: Option<Parts>,
    body: Result<Bytes, ApiError>,
) -> Response<Body> {
    let answer = match (parts, body) {
        (Some(parts), Ok(body)) => answered_identity(app, service, &parts, &body).await,
        (_, Err(error)) => iam::refused(service, &error),
        (None, Ok(_)) => iam::refused(service, &ApiError::serialization("The request has no head.")),
    };
    let mut response = Response::new(answer::full(answer.body));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(iam::CONTENT_TYPE));
    response
}

async fn answered_identity(app: &App, service: iam::Service, parts: &Parts, body: &[u8]) -> iam::IamAnswer {
    let name = match service {
        iam::Service::Iam => "iam",
        iam::Service::Sts => "sts",
    };
    let caller = match authenticate(app, parts, body, name).await {
        Ok(caller) => caller,
        Err(error) => return iam::refused(service, &error),
    };
    let form =
        if parts.method == Method::GET { parts.uri.query().unwrap_or_default().as_bytes() } else { body };
    let params = form_urlencoded::parse(form).into_owned().collect();
    let identity = &**app.engine.store();
    let answer = iam::handle(identity, &caller, &app.account_id, service, params, app.engine.now()).await;
    app.keys.forget();
    answer
}

/// The whole request, which must be JSON whoever signed it. Source: service.md §1.8.
async fn read_json(request: Request<Incoming>) -> Result<(Parts, Bytes), ApiError> {
    let (parts, body) = read(request).await?;
    json::check_syntax(&body)?;
    Ok((parts, body))
}

/// The whole request, within the limit.
async fn read(request: Request<Incoming>) -> Result<(Parts, Bytes), ApiError> {
    let (parts, body) = request.into_parts();
    if parts.headers.contains_key(CONTENT_ENCODING) {
        return Err(ApiError::serialization("Compressed request bodies are not supported."));
    }
    let announced =
        parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|n_bytes| MAX_BODY_BYTES as u64 <= n_bytes.saturating_sub(1)) {
        return Err(too_long());
    }
    match tokio::time::timeout(BODY_PATIENCE, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Err(_) => Err(ApiError::serialization("The request body took too long to arrive.")),
        Ok(Ok(collected)) => Ok((parts, collected.to_bytes())),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_long()),
        Ok(Err(error)) => Err(ApiError::serialization("The request body ended early.").with_source(error)),
    }
}

fn too_long() -> ApiError {
    ApiError::serialization(format!("The request body is longer than {MAX_BODY_BYTES} bytes."))
}

fn cbor_not_available() -> ApiError {
    let message = "Smithy RPC v2 CBOR is not available yet on this server; use AWS JSON 1.1.";
    let mut error = ApiError::unknown_operation(message);
    error.status = StatusCode::NOT_FOUND.as_u16();
    error
}
