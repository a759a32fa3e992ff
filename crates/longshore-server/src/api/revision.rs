//! Revisions. Source: service.md §3.2.

use longshore_engine::revision::{RevisionError, RevisionView};
use longshore_model::revision::Revision;
use longshore_model::time::Timestamp;
use longshore_wire::api::convert::revision::{
    RevisionList, SortBy, from_revision, new_revision, one_line, revision_info, revision_list, revision_of,
    revisions_of,
};
use longshore_wire::api::shapes::{
    BatchGetApplicationRevisionsInput, BatchGetApplicationRevisionsOutput, GetApplicationRevisionInput,
    GetApplicationRevisionOutput, ListApplicationRevisionsInput, ListApplicationRevisionsOutput,
    RegisterApplicationRevisionInput, RevisionInfo,
};
use longshore_wire::error::ApiError;

use super::RequestContext;
use crate::authorize::Resource;

/// The most similar revisions that a refusal names.
const MAX_SIMILAR: usize = 5;

/// `RegisterApplicationRevision`.
pub(super) async fn register(
    ctx: &RequestContext<'_>,
    input: RegisterApplicationRevisionInput,
) -> Result<(), ApiError> {
    let new = new_revision(input)?;
    let engine = ctx.allowed(&Resource::Application(&new.application))?;
    engine.register_revision(&new.application, new.revision, new.description).await.map_err(refused)
}

/// `GetApplicationRevision`.
pub(super) async fn get(
    ctx: &RequestContext<'_>,
    input: GetApplicationRevisionInput,
) -> Result<GetApplicationRevisionOutput, ApiError> {
    let (application, revision) = revision_of(input)?;
    let engine = ctx.allowed(&Resource::Application(&application))?;
    let view = engine.revision(&application, &revision).await.map_err(refused)?;
    Ok(GetApplicationRevisionOutput {
        application_name: Some(application.to_string()),
        revision: Some(from_revision(&view.registered.revision)),
        revision_info: Some(revision_info(&view.registered, &view.groups)),
    })
}

/// `BatchGetApplicationRevisions`. Unknown revisions are left out and named in the message.
pub(super) async fn batch_get(
    ctx: &RequestContext<'_>,
    input: BatchGetApplicationRevisionsInput,
) -> Result<BatchGetApplicationRevisionsOutput, ApiError> {
    let (application, revisions) = revisions_of(input)?;
    let engine = ctx.allowed(&Resource::Application(&application))?;
    let (mut infos, mut unknown) = (Vec::new(), Vec::new());
    for revision in &revisions {
        match engine.revision(&application, revision).await {
            Ok(view) => infos.push(RevisionInfo {
                revision_location: Some(from_revision(&view.registered.revision)),
                generic_revision_info: Some(revision_info(&view.registered, &view.groups)),
            }),
            Err(RevisionError::NotFound { .. }) => unknown.push(one_line(revision)),
            Err(error) => return Err(refused(error)),
        }
    }
    let message = match unknown.as_slice() {
        [] => String::new(),
        unknown => format!("Not registered with the application: {}", unknown.join(", ")),
    };
    Ok(BatchGetApplicationRevisionsOutput {
        application_name: Some(application.to_string()),
        error_message: Some(message),
        revisions: Some(infos),
    })
}

/// `ListApplicationRevisions`.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListApplicationRevisionsInput,
) -> Result<ListApplicationRevisionsOutput, ApiError> {
    let token = input.next_token.take();
    let list = revision_list(input.clone())?;
    let paging = ctx.paging(token.as_deref(), &input)?;
    // On all applications, although it names one: so says AWS's table.
    let engine = ctx.allowed(&Resource::Applications)?;
    let mut views = engine.revisions(&list.application).await.map_err(refused)?;
    views.retain(|view| is_asked_for(view, &list));
    let mut keyed: Vec<(String, RevisionView)> =
        views.into_iter().map(|view| (sort_key(&view, list.sort_by), view)).collect();
    keyed.sort_by(|(left, _), (right, _)| left.cmp(right));
    if list.is_descending {
        keyed.reverse();
    }
    if let Some(after) = &paging.page().after {
        keyed.retain(|(key, _)| if list.is_descending { key < after } else { key > after });
    }
    keyed.truncate(paging.page().limit);
    let (keyed, next_token) = paging.cut(keyed, |(key, _)| key.clone());
    let revisions = keyed.iter().map(|(_, view)| from_revision(&view.registered.revision)).collect();
    Ok(ListApplicationRevisionsOutput { revisions: Some(revisions), next_token })
}

/// The one place where failures on revisions become exceptions.
fn refused(error: RevisionError) -> ApiError {
    match error {
        RevisionError::NoSuchApplication(name) => ApiError::client(
            "ApplicationDoesNotExistException",
            format!("No application found for name: {name}"),
        ),
        RevisionError::NotFound { application, similar } => ApiError::client(
            "RevisionDoesNotExistException",
            format!(
                "The revision is not registered with the application `{application}`.{}",
                known(&similar)
            ),
        ),
        RevisionError::Store(source) => ApiError::internal(source),
    }
}

fn known(similar: &[Revision]) -> String {
    if similar.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = similar.iter().take(MAX_SIMILAR).map(one_line).collect();
    let more = if MAX_SIMILAR < similar.len() { ", …" } else { "" };
    format!(" Registered for the same object: {}{more}", lines.join(", "))
}

fn is_asked_for(view: &RevisionView, list: &RevisionList) -> bool {
    if let Some(asked) = &list.bucket {
        let Revision::S3 { bucket, key, .. } = &view.registered.revision else { return false };
        let has_prefix = list.key_prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix));
        if bucket != asked || !has_prefix {
            return false;
        }
    }
    list.is_deployed.is_none_or(|is_deployed| is_deployed != view.groups.is_empty())
}

/// Sorts as text the way the times sort; what was never used is oldest.
fn sort_key(view: &RevisionView, by: SortBy) -> String {
    let registered = &view.registered;
    let time = match by {
        SortBy::RegisterTime => Some(registered.registered_at),
        SortBy::FirstUsedTime => registered.first_used_at,
        SortBy::LastUsedTime => registered.last_used_at,
    };
    format!("{:020}/{}", time.map_or(0, Timestamp::millis), registered.revision.identity())
}
