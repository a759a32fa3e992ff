//! What happens to every request whatever it is for: signature, limits, request id, log, metrics; and
//! the way to who answers it. Source: design.md §2, service.md §1.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use longshore_bundles::{Caller, ErrorCode, Observer};
use longshore_model::audit::is_change;
use longshore_wire::api::Operation;
use longshore_wire::codec::{Codec, cbor};
use longshore_wire::error::ApiError;
use longshore_wire::host_command::{HostOperation, SCRIPT_TIMES_FORM, SCRIPT_TIMES_HEADER};

use crate::answer::{self, Body, BodyError};
use crate::api::{self, ExtensionOperation, RequestContext};
use crate::app::App;
use crate::audit::{self, Trail};
use crate::auth::{authenticate, authenticate_token};
use crate::events;
use crate::host_api::{self, Flavour, HostCall};
use crate::iam;
use crate::listen::Connection;
use crate::route::Route;
use crate::{probe, telemetry};

/// The most bytes of a request body, S3 excepted.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How long a request body may take to arrive, S3 excepted.
const BODY_PATIENCE: Duration = Duration::from_secs(60);
const REQUEST_ID: &str = "x-amzn-requestid";

/// Answers one request.
pub(crate) async fn answer(
    app: Arc<App>,
    connection: Connection,
    request: Request<Incoming>,
) -> Response<Body> {
    let route = Route::of(request.method(), request.uri(), request.headers());
    let is_audited = route.is_audited(request.method());
    let answering = answer_on(app, connection, route, request);
    if !is_audited {
        return answering.await;
    }
    // A caller that hangs up must not keep what it did out of the audit trail.
    let answered = tokio::spawn(answering).await;
    answered.unwrap_or_else(|error| answer::error(route.codec(), &ApiError::internal(error)))
}

async fn answer_on(
    app: Arc<App>,
    connection: Connection,
    route: Route,
    request: Request<Incoming>,
) -> Response<Body> {
    let started = Instant::now();
    let trail = Trail::default();
    let user_agent = audit::user_agent(request.headers());
    let (service, operation) = route.labels();
    let request_id = uuid::Uuid::new_v4().to_string();
    let (mut response, code) = match routed(&app, &connection, &trail, route, request).await {
        Ok(response) => {
            let code = if response.status().is_success() { "ok" } else { "refused" };
            (response, code.to_owned())
        }
        Err(error) => (answer::error(route.codec(), &error), error.code.into_owned()),
    };
    let outcome = match response.extensions().get::<ErrorCode>() {
        Some(ErrorCode(code)) => code.clone(),
        None if code == "refused" => response.status().as_str().to_owned(),
        None => code.clone(),
    };
    if let Err(error) = trail.write(&app, &connection, user_agent, &request_id, &outcome).await {
        tracing::error!(error = &error as &dyn std::error::Error, "the audit trail cannot be written");
        response = answer::error(route.codec(), &ApiError::internal(error));
    }
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
    if let Route::Host(..) = route {
        let form = HeaderValue::from_static(SCRIPT_TIMES_FORM);
        response.headers_mut().insert(SCRIPT_TIMES_HEADER, form);
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

async fn routed(
    app: &Arc<App>,
    connection: &Connection,
    trail: &Trail,
    route: Route,
    request: Request<Incoming>,
) -> Result<Response<Body>, ApiError> {
    // Each branch has a place of its own on the heap: a poll may wait here for a minute, ten thousand at a
    // time, and must not take the room of the largest of them.
    match route {
        Route::S3 => Box::pin(bundles(app, connection, trail, request)).await,
        Route::Plain => {
            let (parts, _body) = request.into_parts();
            Box::pin(probe::answer(app, &parts)).await
        }
        Route::Events => Box::pin(state_changes(app, connection, request)).await,
        Route::Identity(service) => Ok(Box::pin(identity(app, connection, trail, service, request)).await),
        Route::UnknownCbor => {
            Box::pin(read(request)).await?;
            Err(no_such_path())
        }
        Route::Unknown => {
            Box::pin(read(request)).await?;
            Err(ApiError::unknown_operation("The X-Amz-Target header names no operation of this service."))
        }
        Route::Api(codec, operation) => {
            Box::pin(api_call(app, connection, trail, codec, operation, request)).await
        }
        Route::Extension(operation) => Box::pin(extension(app, connection, trail, operation, request)).await,
        Route::Host(flavour, operation) => {
            let call = Box::pin(host_call(app, connection, flavour, operation, request)).await?;
            // Nothing of the request is left by now but what it asks for.
            Box::pin(call.answer()).await
        }
        Route::Enroll => Box::pin(enroll(app, trail, request)).await,
    }
}

async fn bundles(
    app: &App,
    connection: &Connection,
    trail: &Trail,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, ApiError> {
    let observer = Observer::default();
    request.extensions_mut().insert(connection.origin);
    request.extensions_mut().insert(observer.clone());
    let response = app.bundles.handle(request).await;
    trail.seen_by_bundles(observer.observed());
    Ok(response.map(|body| body.map_err(BodyError::from).boxed_unsync()))
}

async fn state_changes(
    app: &Arc<App>,
    connection: &Connection,
    request: Request<Incoming>,
) -> Result<Response<Body>, ApiError> {
    let (parts, body) = read(request).await?;
    let caller = admit(app, connection, &parts, &body, api::SIGNING_NAME).await?;
    events::stream(Arc::clone(app), &caller, &parts).await
}

async fn api_call(
    app: &App,
    connection: &Connection,
    trail: &Trail,
    codec: Codec,
    operation: Operation,
    request: Request<Incoming>,
) -> Result<Response<Body>, ApiError> {
    let (parts, body) = read_body(codec, request).await?;
    let caller = admit(app, connection, &parts, &body, api::SIGNING_NAME).await?;
    trail.signed(&caller, api::SIGNING_NAME, operation.name(), || input_values(codec, &body));
    let ctx = RequestContext::new(app, &caller, operation.name());
    let call = api::Call { codec, body: &body };
    let answered = loop {
        let answered = api::call(&ctx, operation, call).await;
        if !ctx.read_wanted_tags().await? {
            break answered;
        }
    };
    Ok(answer::encoded(codec, StatusCode::OK, answered?))
}

async fn extension(
    app: &App,
    connection: &Connection,
    trail: &Trail,
    operation: ExtensionOperation,
    request: Request<Incoming>,
) -> Result<Response<Body>, ApiError> {
    let (parts, body) = read_body(Codec::Json, request).await?;
    let caller = admit(app, connection, &parts, &body, api::SIGNING_NAME).await?;
    trail.signed(&caller, "longshore", operation.name(), || input_values(Codec::Json, &body));
    let ctx = RequestContext::new(app, &caller, operation.name());
    let call = api::Call { codec: Codec::Json, body: &body };
    let answered = loop {
        let answered = api::call_extension(&ctx, operation, call).await;
        if !ctx.read_wanted_tags().await? {
            break answered;
        }
    };
    Ok(answer::json(StatusCode::OK, answered?))
}

/// What a host asks for. Not counted: a host asks as often as there is something to do, and one that was told
/// to wait would leave its deployment waiting.
async fn host_call<'a>(
    app: &'a App,
    connection: &'a Connection,
    flavour: Flavour,
    operation: HostOperation,
    request: Request<Incoming>,
) -> Result<HostCall<'a>, ApiError> {
    let (parts, body) = read_body(Codec::Json, request).await?;
    let caller = authenticate(app, connection, &parts, &body, flavour.signing_name()).await?;
    HostCall::of(app, connection, &caller, flavour, operation, &parts, &body)
}

async fn enroll(app: &App, trail: &Trail, request: Request<Incoming>) -> Result<Response<Body>, ApiError> {
    let (parts, body) = read_body(Codec::Json, request).await?;
    let token = authenticate_token(app, &parts, &body).await?;
    trail.enrolls(&token, &body);
    host_api::enroll(app, &token, &body).await
}

/// The holder of the key that signed the request, unless they ask too often.
async fn admit(
    app: &App,
    connection: &Connection,
    parts: &Parts,
    body: &[u8],
    service: &str,
) -> Result<Caller, ApiError> {
    let caller = authenticate(app, connection, parts, body, service).await?;
    app.throttle.admit(&caller.arn, app.engine.now())?;
    Ok(caller)
}

/// What an input says, for the audit trail.
fn input_values(codec: Codec, body: &[u8]) -> Vec<(String, String)> {
    codec.decode(body).map(audit::named_values).unwrap_or_default()
}

/// IAM and STS, which answer everything in XML, refusals too.
async fn identity(
    app: &App,
    connection: &Connection,
    trail: &Trail,
    service: iam::Service,
    request: Request<Incoming>,
) -> Response<Body> {
    let answer = match read(request).await {
        Ok((parts, body)) => answered_identity(app, connection, trail, service, &parts, &body).await,
        Err(error) => iam::refused(service, &error),
    };
    let mut response = Response::new(answer::full(answer.body));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(iam::CONTENT_TYPE));
    if let Some(code) = answer.code {
        response.extensions_mut().insert(ErrorCode(code));
    }
    response
}

async fn answered_identity(
    app: &App,
    connection: &Connection,
    trail: &Trail,
    service: iam::Service,
    parts: &Parts,
    body: &[u8],
) -> iam::IamAnswer {
    let name = match service {
        iam::Service::Iam => "iam",
        iam::Service::Sts => "sts",
    };
    let caller = match admit(app, connection, parts, body, name).await {
        Ok(caller) => caller,
        Err(error) => return iam::refused(service, &error),
    };
    let form =
        if parts.method == Method::GET { parts.uri.query().unwrap_or_default().as_bytes() } else { body };
    let params: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
    let action = params.iter().find(|(found, _)| found == "Action").map_or("", |(_, action)| action);
    trail.signed(&caller, name, action, || params.clone());
    let is_change = service == iam::Service::Iam && is_change(action);
    let identity = &**app.engine.store();
    let answer = iam::handle(identity, &caller, &app.account_id, service, params, app.engine.now()).await;
    if is_change {
        app.keys.forget();
    }
    answer
}

/// The whole request, whose body must be well-formed whoever signed it. Source: service.md §1.8.
async fn read_body(codec: Codec, request: Request<Incoming>) -> Result<(Parts, Bytes), ApiError> {
    let (parts, body) = read(request).await?;
    codec.check_syntax(&body)?;
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

fn no_such_path() -> ApiError {
    let mut error = ApiError::unknown_operation(format!(
        "A call over {protocol} is POST {path}<Operation> with the header {header}: {protocol}, without \
         X-Amz-Target, and names an operation of this service.",
        protocol = cbor::PROTOCOL,
        path = cbor::PATH_PREFIX,
        header = answer::SMITHY_PROTOCOL,
    ));
    error.status = StatusCode::NOT_FOUND.as_u16();
    error
}
