//! What people and probes ask without a signature: is it there, is it well, what does it count.
//!
//! Agents of the 2.x line begin with an unsigned `GET /`, and go on after any answer.

use http::request::Parts;
use http::{Method, Response, StatusCode};
use longshore_store::Page;
use longshore_wire::error::ApiError;

use crate::answer::{self, Body};
use crate::app::App;
use crate::telemetry;

/// Answers a request that nothing signs.
///
/// # Errors
/// `MissingAuthenticationTokenException` for what is not a read.
pub(crate) async fn answer(app: &App, parts: &Parts) -> Result<Response<Body>, ApiError> {
    let is_read = parts.method == Method::GET || parts.method == Method::HEAD;
    Ok(match parts.uri.path() {
        "/healthz" | "/readyz" | "/metrics" if !is_read => answer::read_only(),
        "/healthz" => answer::text(StatusCode::OK, "ok\n"),
        "/readyz" => ready(app).await,
        "/metrics" => answer::text(StatusCode::OK, telemetry::metrics_text()),
        "/" if is_read => answer::text(StatusCode::OK, "This is a Longshore server.\n"),
        _ if is_read => answer::text(StatusCode::NOT_FOUND, "not found\n"),
        _ => {
            let message = "Missing Authentication Token";
            return Err(ApiError::client("MissingAuthenticationTokenException", message));
        }
    })
}

async fn ready(app: &App) -> Response<Body> {
    if app.shutdown.is_cancelled() {
        return answer::text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match app.engine.applications(&Page { after: None, limit: 1 }).await {
        Ok(_) => answer::text(StatusCode::OK, "ok\n"),
        Err(error) => {
            answer::log(&ApiError::internal(error));
            answer::text(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
        }
    }
}
