//! On-premises instances. Source: service.md §2.5 and §3.7.

use longshore_model::host::{Host, HostIdentity, HostTag};
use longshore_model::id::{HostName, PrincipalArn};
use longshore_model::tag_filter::TagFilter;

use super::{arn, name, quoted, tag, tag_filter};
use crate::api::shapes::{
    AddTagsToOnPremisesInstancesInput, BatchGetOnPremisesInstancesInput, InstanceInfo,
    ListOnPremisesInstancesInput, RegisterOnPremisesInstanceInput, RemoveTagsFromOnPremisesInstancesInput,
    Tag,
};
use crate::error::ApiError;

/// The most instances in one batch.
const MAX_BATCH: usize = 25;
/// The most instances in one tagging call.
const MAX_TAGGED: usize = 100;

/// `RegisterOnPremisesInstance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHost {
    /// Its name.
    pub name: HostName,
    /// As whom it polls.
    pub identity: HostIdentity,
}

/// `AddTagsToOnPremisesInstances` and `RemoveTagsFromOnPremisesInstances`: every tag, every host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTagging {
    /// Which hosts.
    pub names: Vec<HostName>,
    /// Which tags.
    pub tags: Vec<HostTag>,
}

/// `ListOnPremisesInstances`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostList {
    /// `Some(true)` only registered, `Some(false)` only deregistered.
    pub is_registered: Option<bool>,
    /// Any of these; empty does not filter.
    pub tag_filters: Vec<TagFilter>,
}

/// Checks `RegisterOnPremisesInstance`.
///
/// # Errors
/// In the order of the table in service.md §2.5.
pub fn new_host(input: RegisterOnPremisesInstanceInput) -> Result<NewHost, ApiError> {
    let host_name = name::host(input.instance_name.as_deref())?;
    let has_empty_user = input.iam_user_arn.as_deref() == Some("");
    let user = input.iam_user_arn.filter(|arn| !arn.is_empty());
    let session = input.iam_session_arn.filter(|arn| !arn.is_empty());
    let identity = match (user, session) {
        (None, None) if has_empty_user => {
            return Err(ApiError::client("IamUserArnRequiredException", "The IAM user ARN is missing."));
        }
        (None, None) => {
            let message = "Either an IAM user ARN or an IAM session ARN is required.";
            return Err(ApiError::client("IamArnRequiredException", message));
        }
        (Some(_), Some(_)) => {
            let message = "Give either an IAM user ARN or an IAM session ARN, not both.";
            return Err(ApiError::client("MultipleIamArnsProvidedException", message));
        }
        (Some(user), None) if !arn::is_iam_user(&user) => {
            let message = format!("{} is not the ARN of an IAM user.", quoted(&user));
            return Err(ApiError::client("InvalidIamUserArnException", message));
        }
        (None, Some(session)) if !arn::is_session(&session) => {
            let message = format!("{} is not the ARN of an assumed-role session.", quoted(&session));
            return Err(ApiError::client("InvalidIamSessionArnException", message));
        }
        (Some(user), None) => HostIdentity::IamUser(PrincipalArn(user)),
        (None, Some(session)) => HostIdentity::IamSession(PrincipalArn(session)),
    };
    Ok(NewHost { name: host_name, identity })
}

/// Checks `AddTagsToOnPremisesInstances`.
///
/// # Errors
/// `InstanceNameRequiredException`, `InvalidInstanceNameException`, `InstanceLimitExceededException`,
/// `TagRequiredException`, `InvalidTagException`, `TagLimitExceededException`.
pub fn host_tagging(input: AddTagsToOnPremisesInstancesInput) -> Result<HostTagging, ApiError> {
    tagging(input.instance_names, input.tags)
}

/// Checks `RemoveTagsFromOnPremisesInstances`.
///
/// # Errors
/// As [`host_tagging`].
pub fn host_untagging(input: RemoveTagsFromOnPremisesInstancesInput) -> Result<HostTagging, ApiError> {
    tagging(input.instance_names, input.tags)
}

/// Checks `BatchGetOnPremisesInstances`.
///
/// # Errors
/// `InstanceNameRequiredException`, `BatchLimitExceededException`, `InvalidInstanceNameException`.
pub fn host_batch(input: BatchGetOnPremisesInstancesInput) -> Result<Vec<HostName>, ApiError> {
    let names = input.instance_names.unwrap_or_default();
    if MAX_BATCH < names.len() {
        return Err(ApiError::client(
            "BatchLimitExceededException",
            format!("{} instances were asked for; at most {MAX_BATCH} are allowed.", names.len()),
        ));
    }
    host_names(&names)
}

/// Checks `ListOnPremisesInstances`.
///
/// # Errors
/// `InvalidRegistrationStatusException`, `InvalidTagFilterException`.
pub fn host_list(input: ListOnPremisesInstancesInput) -> Result<HostList, ApiError> {
    let is_registered = match input.registration_status.as_deref() {
        None | Some("") => None,
        Some("Registered") => Some(true),
        Some("Deregistered") => Some(false),
        Some(other) => {
            let message = format!("{} is not a registration status.", quoted(other));
            return Err(ApiError::client("InvalidRegistrationStatusException", message));
        }
    };
    let filters = input.tag_filters.unwrap_or_default();
    let tag_filters = tag_filter::tag_filters(filters, "InvalidTagFilterException")?;
    Ok(HostList { is_registered, tag_filters })
}

/// A host as the API answers it.
pub fn instance_info(host: &Host) -> InstanceInfo {
    let (iam_user_arn, iam_session_arn) = match &host.identity {
        HostIdentity::IamUser(arn) => (Some(arn.to_string()), None),
        HostIdentity::IamSession(arn) => (None, Some(arn.to_string())),
    };
    InstanceInfo {
        instance_name: Some(host.name.to_string()),
        instance_arn: Some(host.arn.to_string()),
        iam_user_arn,
        iam_session_arn,
        register_time: Some(host.registered_at.into()),
        deregister_time: host.deregistered_at.map(Into::into),
        tags: Some(tag::from_host_tags(&host.tags)),
    }
}

fn tagging(names: Option<Vec<String>>, tags: Option<Vec<Tag>>) -> Result<HostTagging, ApiError> {
    let texts = names.unwrap_or_default();
    if MAX_TAGGED < texts.len() {
        // Formats are checked before sizes.
        texts.iter().try_for_each(|text| name::host(Some(text)).map(drop))?;
        return Err(ApiError::client(
            "InstanceLimitExceededException",
            format!("{} instances were named; at most {MAX_TAGGED} are allowed.", texts.len()),
        ));
    }
    Ok(HostTagging { names: host_names(&texts)?, tags: tag::host_tags(tags)? })
}

/// Names in the order of the request, each once; none is an error.
fn host_names(texts: &[String]) -> Result<Vec<HostName>, ApiError> {
    let mut names: Vec<HostName> = Vec::with_capacity(texts.len());
    for text in texts {
        let host_name = name::host(Some(text))?;
        if !names.contains(&host_name) {
            names.push(host_name);
        }
    }
    if names.is_empty() {
        let message = "At least one instance name is required.";
        return Err(ApiError::client("InstanceNameRequiredException", message));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `user session`, `-` for absent, `""` for empty.
    #[track_caller]
    fn check(arns: &str, expected: &str) {
        let mut words = arns.split(' ').map(|word| match word {
            "-" => None,
            "\"\"" => Some(String::new()),
            word => Some(word.to_owned()),
        });
        let input = RegisterOnPremisesInstanceInput {
            instance_name: Some(String::from("host-1")),
            iam_user_arn: words.next().flatten(),
            iam_session_arn: words.next().flatten(),
        };
        let shown = new_host(input).map_or_else(|error| error.code.into_owned(), |_| String::from("ok"));
        assert_eq!(shown, expected, "{arns}");
    }

    #[test]
    fn exactly_one_arn_of_the_right_kind() {
        let (user, session) =
            ("arn:aws:iam::123456789012:user/u", "arn:aws:sts::123456789012:assumed-role/r/host");
        check("- -", "IamArnRequiredException");
        check("\"\" -", "IamUserArnRequiredException");
        check(&format!("{user} {session}"), "MultipleIamArnsProvidedException");
        check(&format!("{user} -"), "ok");
        check(&format!("- {session}"), "ok");
        check(&format!("\"\" {session}"), "ok");
        check(&format!("{session} -"), "InvalidIamUserArnException");
        check(&format!("- {user}"), "InvalidIamSessionArnException");
    }
}
