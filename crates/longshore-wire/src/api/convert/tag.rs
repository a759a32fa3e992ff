//! Tags: on resources (unique keys) and on hosts (pairs). Source: service.md §2.0 and §2.5.

use longshore_model::application::{MAX_RESOURCE_TAGS, ResourceTag, TagChange, TaggedResource};
use longshore_model::host::{HostTag, MAX_TAGS};

use super::{arn, duplicate, quoted};
use crate::api::shapes::{Tag, TagResourceInput, UntagResourceInput};
use crate::error::ApiError;

/// The longest tag key in characters.
pub(super) const KEY_CHARS: usize = 128;
/// The longest tag value in characters.
pub(super) const VALUE_CHARS: usize = 256;

/// `tags` of a new application or deployment group.
///
/// # Errors
/// `InvalidTagsToAddException`.
pub fn resource_tags(tags: Option<Vec<Tag>>) -> Result<Vec<ResourceTag>, ApiError> {
    let refused = |message: String| Err(ApiError::client("InvalidTagsToAddException", message));
    let tags: Vec<ResourceTag> = tags
        .unwrap_or_default()
        .into_iter()
        .map(|tag| ResourceTag { key: tag.key.unwrap_or_default(), value: tag.value.unwrap_or_default() })
        .collect();
    if MAX_RESOURCE_TAGS < tags.len() {
        return refused(format!("{} tags were given; at most {MAX_RESOURCE_TAGS} are allowed.", tags.len()));
    }
    for tag in &tags {
        if let Some(broken) = broken_rule(&tag.key, &tag.value) {
            return refused(broken);
        }
        if tag.key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return refused(format!(
                "The tag key {} begins with `aws:`, which is reserved.",
                quoted(&tag.key)
            ));
        }
    }
    let keys: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    match duplicate(&keys) {
        Some(key) => refused(format!("The tag key {} is given twice.", quoted(key))),
        None => Ok(tags),
    }
}

/// Checks `TagResource` on a server of this region and account.
///
/// # Errors
/// The ARN, `TagRequiredException`, `InvalidTagsToAddException`.
pub fn tags_to_add(
    input: TagResourceInput,
    region: &str,
    account: &str,
) -> Result<(TaggedResource, TagChange), ApiError> {
    let resource = tagged_resource(input.resource_arn.as_deref(), region, account)?;
    if input.tags.as_ref().is_none_or(Vec::is_empty) {
        return Err(tag_required());
    }
    Ok((resource, TagChange::Add(resource_tags(input.tags)?)))
}

/// Checks `UntagResource` on a server of this region and account.
///
/// # Errors
/// The ARN, `TagRequiredException`.
pub fn tags_to_remove(
    input: UntagResourceInput,
    region: &str,
    account: &str,
) -> Result<(TaggedResource, TagChange), ApiError> {
    let resource = tagged_resource(input.resource_arn.as_deref(), region, account)?;
    match input.tag_keys {
        Some(keys) if !keys.is_empty() => Ok((resource, TagChange::Remove(keys))),
        Some(_) | None => Err(tag_required()),
    }
}

/// `ResourceArn`, of what can have resource tags. Source: service.md §3.8.
///
/// # Errors
/// `ResourceArnRequiredException`, `InvalidArnException`, `ArnNotSupportedException`.
pub fn tagged_resource(text: Option<&str>, region: &str, account: &str) -> Result<TaggedResource, ApiError> {
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| {
        ApiError::client("ResourceArnRequiredException", "The ARN of a resource is required.")
    })?;
    match arn::own_resource(text, region, account) {
        Ok(arn::OwnResource::Application(name)) => Ok(TaggedResource::Application(name)),
        Ok(arn::OwnResource::Group(application, group)) => Ok(TaggedResource::Group(application, group)),
        Ok(arn::OwnResource::Other) => Err(ApiError::client(
            "ArnNotSupportedException",
            format!("{} cannot have tags: only applications and deployment groups can.", quoted(text)),
        )),
        Err(rule) => Err(invalid_arn(text, rule)),
    }
}

/// `InvalidArnException`; `rule` says what is wrong.
pub fn invalid_arn(text: &str, rule: &str) -> ApiError {
    ApiError::client("InvalidArnException", format!("The ARN {} is not valid: {rule}.", quoted(text)))
}

/// A resource's tags as the API answers them.
pub fn from_resource_tags(tags: &[ResourceTag]) -> Vec<Tag> {
    tags.iter().map(|tag| Tag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) }).collect()
}

fn tag_required() -> ApiError {
    ApiError::client("TagRequiredException", "At least one tag is required.")
}

/// The tags of a host that has no key twice, at most `max`.
///
/// # Errors
/// `InvalidTagException`, `TagLimitExceededException`.
pub fn unique_host_tags(tags: Option<Vec<Tag>>, max: usize) -> Result<Vec<HostTag>, ApiError> {
    let tags = to_host_tags(tags);
    let refused = |message: String| ApiError::client("InvalidTagException", message);
    if max < tags.len() {
        let message = format!("{} tags were given; at most {max} are allowed.", tags.len());
        return Err(ApiError::client("TagLimitExceededException", message));
    }
    if let Some(broken) = tags.iter().find_map(|tag| broken_rule(&tag.key, &tag.value)) {
        return Err(refused(broken));
    }
    let keys: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    match duplicate(&keys) {
        Some(key) => Err(refused(format!("The tag key {} is given twice.", quoted(key)))),
        None => Ok(tags),
    }
}

/// `tags` to be added to or removed from hosts.
///
/// # Errors
/// `TagRequiredException`, `InvalidTagException`, `TagLimitExceededException`.
pub fn host_tags(tags: Option<Vec<Tag>>) -> Result<Vec<HostTag>, ApiError> {
    let tags = to_host_tags(tags);
    if tags.is_empty() {
        return Err(tag_required());
    }
    checked_host_tags(tags)
}

/// `tags` for hosts that are still to come; there need not be any.
///
/// # Errors
/// `InvalidTagException`, `TagLimitExceededException`.
pub fn future_host_tags(tags: Option<Vec<Tag>>) -> Result<Vec<HostTag>, ApiError> {
    let mut tags = to_host_tags(tags);
    // A pair that is there twice counts once, as on a host.
    let mut known = Vec::with_capacity(tags.len());
    tags.retain(|tag| {
        let is_new = !known.contains(tag);
        known.push(tag.clone());
        is_new
    });
    checked_host_tags(tags)
}

fn to_host_tags(tags: Option<Vec<Tag>>) -> Vec<HostTag> {
    let pair = |tag: Tag| HostTag { key: tag.key.unwrap_or_default(), value: tag.value.unwrap_or_default() };
    tags.unwrap_or_default().into_iter().map(pair).collect()
}

fn checked_host_tags(tags: Vec<HostTag>) -> Result<Vec<HostTag>, ApiError> {
    if let Some(broken) = tags.iter().find_map(|tag| broken_rule(&tag.key, &tag.value)) {
        return Err(ApiError::client("InvalidTagException", broken));
    }
    if MAX_TAGS < tags.len() {
        let message = format!("{} tags were given; an instance may have at most {MAX_TAGS}.", tags.len());
        return Err(ApiError::client("TagLimitExceededException", message));
    }
    Ok(tags)
}

/// A host's tags as the API answers them.
pub fn from_host_tags(tags: &[HostTag]) -> Vec<Tag> {
    tags.iter().map(|tag| Tag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) }).collect()
}

fn broken_rule(key: &str, value: &str) -> Option<String> {
    if key.is_empty() {
        return Some(String::from("A tag has no key."));
    }
    if KEY_CHARS < key.chars().count() {
        return Some(format!("The tag key {} is longer than {KEY_CHARS} characters.", quoted(key)));
    }
    if VALUE_CHARS < value.chars().count() {
        return Some(format!(
            "The value of the tag {} is longer than {VALUE_CHARS} characters.",
            quoted(key)
        ));
    }
    None
}
