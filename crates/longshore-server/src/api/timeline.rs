//! What happened to deployments: `GetDeploymentTimeline`, `ListScriptTimes`, `ListEvents`.

use std::time::Duration;

use longshore_engine::deployment::DeploymentError;
use longshore_engine::target::TargetError;
use longshore_model::lifecycle::{EventState, LifecycleEvent, ScriptTime};
use longshore_model::plan::zonal;
use longshore_model::target::Target;
use longshore_model::timeline::{Happening, TimelineEntry};
use longshore_store::{TargetFilter, TimelinePlace};
use longshore_wire::api::convert::name;
use longshore_wire::error::ApiError;
use longshore_wire::timeline::{
    GetDeploymentTimelineOutput, ListEventsInput, ListEventsOutput, ListScriptTimesOutput,
    PageOfDeploymentInput, ScriptTimeInfo, TimelineEntryInfo,
};

use super::deployment::no_such_deployment;
use super::{RequestContext, target};
use crate::authorize::Resource;
use crate::events;

/// The longest that a caller may wait for an event.
const MAX_WAIT_SECS: u64 = 20;

/// The most targets whose scripts are answered at once, as many as `BatchGetDeploymentTargets` takes: hosts that
/// say as much as they may then make 10 MB of them, which clients still read.
const MAX_TARGETS_OF_SCRIPTS: usize = 25;

/// `GetDeploymentTimeline`: oldest first.
pub(super) async fn get(
    ctx: &RequestContext<'_>,
    mut input: PageOfDeploymentInput,
) -> Result<GetDeploymentTimelineOutput, ApiError> {
    let token = input.next_token.take();
    let id = name::deployment(input.deployment_id.as_deref())?;
    let paging = ctx.paging(token.as_deref(), &input)?;
    let engine = ctx.allowed_deployment(&id).await?;
    let view = engine.deployment(&id).await.map_err(|error| match error {
        DeploymentError::NotFound(id) => no_such_deployment(&id),
        error => ApiError::internal(error),
    })?;
    let waits_until = zonal::waits_until(&view.deployment).map(Into::into);
    let found = engine.timeline(&id, paging.page()).await.map_err(ApiError::internal)?;
    let (found, next_token) = paging.cut(found, |(key, _)| key.clone());
    let entries = found.into_iter().map(|(_, entry)| info(&entry)).collect();
    Ok(GetDeploymentTimelineOutput { entries, next_token, waits_until })
}

fn info(entry: &TimelineEntry) -> TimelineEntryInfo {
    let (kind, status) = match &entry.what {
        Happening::Deployment { status, .. } => ("deployment", Some(status.as_str())),
        Happening::Host { status, .. } => ("host", Some(status.as_str())),
        Happening::StopRequested(_)
        | Happening::RolledBackBy(_)
        | Happening::NotRolledBack(_)
        | Happening::UpdatedBy(_) => ("deployment", None),
        Happening::Counted { .. }
        | Happening::Zone { .. }
        | Happening::WaitsForPlace(_)
        | Happening::Bakes { .. }
        | Happening::HostsBegin { .. }
        | Happening::HostsWait { .. } => ("decision", None),
    };
    TimelineEntryInfo {
        time: entry.at.into(),
        host: entry.host.as_ref().map(ToString::to_string),
        kind: kind.to_owned(),
        status: status.map(ToOwned::to_owned),
        text: entry.what.to_string(),
    }
}

/// `ListScriptTimes`: the scripts of the hosts in scheduling order, those of a host in run order.
pub(super) async fn list_script_times(
    ctx: &RequestContext<'_>,
    mut input: PageOfDeploymentInput,
) -> Result<ListScriptTimesOutput, ApiError> {
    let token = input.next_token.take();
    let id = name::deployment(input.deployment_id.as_deref())?;
    let paging = ctx.paging(token.as_deref(), &input)?.of_at_most(MAX_TARGETS_OF_SCRIPTS);
    let engine = ctx.allowed_deployment(&id).await?;
    let targets = match engine.targets(&id, &TargetFilter::default(), paging.page()).await {
        // Its hosts are not known yet, so no script has run.
        Err(TargetError::NotStarted(_)) => Vec::new(),
        targets => targets.map_err(target::refused)?,
    };
    let (targets, next_token) = paging.cut(targets, |(position, _)| format!("{position:010}"));
    let mut script_times = Vec::new();
    for (_, host) in &targets {
        let target = engine.target(&id, host).await.map_err(target::refused)?;
        script_times.extend(script_infos(&target));
    }
    Ok(ListScriptTimesOutput { script_times, next_token })
}

fn script_infos(target: &Target) -> impl Iterator<Item = ScriptTimeInfo> {
    target.events.iter().flat_map(|event| {
        scripts(event).iter().map(|script| ScriptTimeInfo {
            host: target.key.host.to_string(),
            event: event.name.as_str().to_owned(),
            location: script.location().to_owned(),
            seconds: script.seconds(),
        })
    })
}

/// How long the scripts of an event ran that is over.
fn scripts(event: &LifecycleEvent) -> &[ScriptTime] {
    match &event.state {
        EventState::Succeeded { diagnostics, .. } | EventState::Failed { diagnostics, .. } => {
            &diagnostics.scripts
        }
        EventState::Pending | EventState::InProgress { .. } | EventState::Skipped => &[],
    }
}

/// `ListEvents`: state-change events of all deployments from a place on.
pub(super) async fn list_events(
    ctx: &RequestContext<'_>,
    input: ListEventsInput,
) -> Result<ListEventsOutput, ApiError> {
    let after = input.after.as_deref().filter(|text| !text.is_empty()).map(place).transpose()?;
    let wait = input.wait_seconds.unwrap_or_default();
    if MAX_WAIT_SECS < wait {
        return Err(ApiError::validation(format!(
            "waitSeconds is {wait}; at most {MAX_WAIT_SECS} are allowed."
        )));
    }
    let engine = ctx.allowed(&Resource::All)?;
    let after = match after {
        Some(after) => after,
        None => engine.timeline_end().await.map_err(ApiError::internal)?,
    };
    let mut entries = engine.timeline_after(after).await.map_err(ApiError::internal)?;
    if entries.is_empty() && 0 < wait {
        let follow = engine.follow_timeline(after);
        if let Ok(followed) = tokio::time::timeout(Duration::from_secs(wait), follow).await {
            entries = followed.map_err(ApiError::internal)?;
        }
    }
    let after = entries.last().map_or(after, |(place, _)| *place);
    let events = events::of_entries(ctx.app, &entries).await?;
    let events = events
        .iter()
        .map(|(_, event)| serde_json::to_value(event).map_err(ApiError::internal))
        .collect::<Result<_, ApiError>>()?;
    Ok(ListEventsOutput { events, after: after.0.to_string() })
}

/// The place that an answer gave.
///
/// # Errors
/// `ValidationException`.
pub(crate) fn place(text: &str) -> Result<TimelinePlace, ApiError> {
    text.parse().map(TimelinePlace).map_err(|_| {
        let shown: String = text.chars().take(64).collect();
        ApiError::validation(format!("`{shown}` is not a place that an answer of ListEvents gave."))
    })
}
