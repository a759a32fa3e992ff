//! State-change events, as EventBridge delivers them, and the stream of them. Source: service.md §10.2.
//!
//! `GET /events` with `Accept: text/event-stream` answers server-sent events (the HTML standard's): the id of
//! each is its place, so that a client which lost its connection goes on with `Last-Event-ID`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use longshore_bundles::Caller;
use longshore_model::deployment::Deployment;
use longshore_model::id::DeploymentId;
use longshore_model::notification::{self, StateChange};
use longshore_model::target::TargetKey;
use longshore_model::timeline::TimelineEntry;
use longshore_store::TimelinePlace;
use longshore_wire::error::ApiError;
use uuid::{Builder, Variant, Version};

use crate::answer::Body;
use crate::api;
use crate::app::App;
use crate::authorize::{Resource, authorize};

/// Where the stream is.
pub(crate) const PATH: &str = "/events";

/// How long the stream says nothing: proxies cut connections that are silent for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long one stream lasts: permission is asked again when the client comes back, as such clients do.
const LONGEST: Duration = Duration::from_secs(600);

/// What a caller may follow events with.
const ACTION: &str = "codedeploy:ListEvents";

/// The state changes among `entries`, each with its place.
pub(crate) async fn of_entries(
    app: &App,
    entries: &[(TimelinePlace, TimelineEntry)],
) -> Result<Vec<(TimelinePlace, StateChange)>, ApiError> {
    let store = app.engine.store();
    let origin = app.engine.origin();
    let mut known: HashMap<DeploymentId, Option<Deployment>> = HashMap::new();
    let mut events = Vec::new();
    for (place, entry) in entries {
        let id = &entry.deployment;
        if !known.contains_key(id) {
            known.insert(id.clone(), store.deployment(id).await.map_err(ApiError::internal)?);
        }
        let Some(Some(deployment)) = known.get(id) else { continue };
        let host_arn = match &entry.host {
            None => None,
            Some(host) => {
                let key = TargetKey { deployment: id.clone(), host: host.clone() };
                store.target(&key).await.map_err(ApiError::internal)?.map(|target| target.host_arn.0)
            }
        };
        let id = event_id(*place, entry);
        let event = notification::state_change(deployment, entry, host_arn.as_deref(), id, &origin);
        events.extend(event.map(|event| (*place, event)));
    }
    Ok(events)
}

/// The same for the same event, however often and by whom it is asked for.
fn event_id(place: TimelinePlace, entry: &TimelineEntry) -> String {
    let (time, place) = (entry.at.millis().cast_unsigned(), place.0.cast_unsigned());
    let bytes = ((u128::from(time) << 64) | u128::from(place)).to_be_bytes();
    Builder::from_bytes(bytes)
        .with_version(Version::Custom)
        .with_variant(Variant::RFC4122)
        .into_uuid()
        .to_string()
}

/// Answers the stream, from the place that the request names or from now on.
///
/// # Errors
/// `AccessDeniedException`, `ValidationException`, or a failure of ours.
pub(crate) async fn stream(
    app: Arc<App>,
    caller: &Caller,
    parts: &Parts,
) -> Result<Response<Body>, ApiError> {
    authorize(caller, ACTION, &Resource::All.arn(&app), &caller.context)?;
    let asked = parts.headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let from_query = || {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        query.into_iter().find(|(name, _)| name == "after").map(|(_, value)| value.into_owned())
    };
    let place = match asked.or_else(from_query) {
        Some(text) => api::place(&text)?,
        None => app.engine.timeline_end().await.map_err(ApiError::internal)?,
    };
    let end = Instant::now() + LONGEST;
    let chunks = futures::stream::unfold((app, place), next_chunk);
    let chunks = chunks.take_while(move |_| std::future::ready(Instant::now() < end));
    let frames = chunks.map(|chunk| Ok(Frame::data(chunk)));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// What the stream says next; it ends with the server, or when the store fails.
async fn next_chunk((app, place): (Arc<App>, TimelinePlace)) -> Option<(Bytes, (Arc<App>, TimelinePlace))> {
    let Ok(followed) = tokio::time::timeout(KEEP_ALIVE, app.engine.follow_timeline(place)).await else {
        return Some((Bytes::from_static(b": still here\n\n"), (app, place)));
    };
    let entries = match followed {
        Ok(entries) => entries,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the stream of events ends");
            return None;
        }
    };
    // Only at the end of the server.
    let place = entries.last().map(|(place, _)| *place)?;
    let events = match of_entries(&app, &entries).await {
        Ok(events) => events,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the stream of events ends");
            return None;
        }
    };
    let mut text = String::new();
    for (place, event) in events {
        // Structs of texts.
        let data = serde_json::to_string(&event).unwrap_or_default();
        text.push_str(&format!("id: {}\nevent: state-change\ndata: {data}\n\n", place.0));
    }
    Some((Bytes::from(text), (app, place)))
}
