//! Revisions: locations in, locations and records out. Source: service.md §2.2 and §3.2.

use longshore_model::id::{ApplicationName, DeploymentGroupName};
use longshore_model::revision::{BundleType, RegisteredRevision, Revision};

use super::{description, name, non_empty, quoted};
use crate::api::shapes::{
    BatchGetApplicationRevisionsInput, GenericRevisionInfo, GetApplicationRevisionInput, GitHubLocation,
    ListApplicationRevisionsInput, RegisterApplicationRevisionInput, RevisionLocation, S3Location,
};
use crate::error::ApiError;

/// The longest S3 key in bytes.
const KEY_BYTES: usize = 1024;
/// The most revisions in one batch.
const MAX_BATCH: usize = 25;
const INVALID: &str = "InvalidRevisionException";

/// `RegisterApplicationRevision`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevision {
    /// The application.
    pub application: ApplicationName,
    /// Where the bundle is.
    pub revision: Revision,
    /// For people.
    pub description: Option<String>,
}

/// `ListApplicationRevisions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionList {
    /// The application.
    pub application: ApplicationName,
    /// What decides the order.
    pub sort_by: SortBy,
    /// Newest first.
    pub is_descending: bool,
    /// Only S3 revisions of this bucket.
    pub bucket: Option<String>,
    /// Only those whose key begins so.
    pub key_prefix: Option<String>,
    /// `Some(true)` only revisions that are some group's target, `Some(false)` only others.
    pub is_deployed: Option<bool>,
}

/// What decides the order of a list of revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// Time of registration; also when nothing is asked for.
    RegisterTime,
    /// Time of first use; never used counts as oldest.
    FirstUsedTime,
    /// Time of last use; never used counts as oldest.
    LastUsedTime,
}

/// Checks `RegisterApplicationRevision`.
///
/// # Errors
/// In order: the application's name, `RevisionRequiredException`, `InvalidRevisionException`,
/// `DescriptionTooLongException`.
pub fn new_revision(input: RegisterApplicationRevisionInput) -> Result<NewRevision, ApiError> {
    Ok(NewRevision {
        application: name::application(input.application_name.as_deref())?,
        revision: required_revision(input.revision)?,
        description: description(input.description)?,
    })
}

/// Checks `GetApplicationRevision`.
///
/// # Errors
/// The application's name, `RevisionRequiredException`, `InvalidRevisionException`.
pub fn revision_of(input: GetApplicationRevisionInput) -> Result<(ApplicationName, Revision), ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    Ok((application, required_revision(input.revision)?))
}

/// Checks `BatchGetApplicationRevisions`.
///
/// # Errors
/// The application's name, `RevisionRequiredException`, `BatchLimitExceededException`,
/// `InvalidRevisionException`.
pub fn revisions_of(
    input: BatchGetApplicationRevisionsInput,
) -> Result<(ApplicationName, Vec<Revision>), ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    let locations = input.revisions.unwrap_or_default();
    if locations.is_empty() {
        return Err(revision_required());
    }
    if MAX_BATCH < locations.len() {
        return Err(ApiError::client(
            "BatchLimitExceededException",
            format!("{} revisions were asked for; at most {MAX_BATCH} are allowed.", locations.len()),
        ));
    }
    let revisions: Result<Vec<Revision>, ApiError> = locations.into_iter().map(revision).collect();
    Ok((application, revisions?))
}

/// Checks `ListApplicationRevisions`.
///
/// # Errors
/// The application's name, then `InvalidSortByException`, `InvalidSortOrderException`,
/// `InvalidBucketNameFilterException`, `InvalidKeyPrefixFilterException`,
/// `BucketNameFilterRequiredException`, `InvalidDeployedStateFilterException`.
pub fn revision_list(input: ListApplicationRevisionsInput) -> Result<RevisionList, ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    let sort_by = match input.sort_by.as_deref() {
        None | Some("" | "registerTime") => SortBy::RegisterTime,
        Some("firstUsedTime") => SortBy::FirstUsedTime,
        Some("lastUsedTime") => SortBy::LastUsedTime,
        Some(other) => return Err(unknown("InvalidSortByException", other, "a column to sort revisions by")),
    };
    let is_descending = match input.sort_order.as_deref() {
        None | Some("" | "ascending") => false,
        Some("descending") => true,
        Some(other) => return Err(unknown("InvalidSortOrderException", other, "a sort order")),
    };
    let bucket = non_empty(input.s3_bucket);
    if let Some(bucket) = bucket.as_deref().filter(|bucket| !is_bucket_name(bucket)) {
        let message = format!("{} is not a bucket name: 3 to 63 of a-z, 0-9, . and -.", quoted(bucket));
        return Err(ApiError::client("InvalidBucketNameFilterException", message));
    }
    let key_prefix = non_empty(input.s3_key_prefix);
    if key_prefix.as_ref().is_some_and(|prefix| KEY_BYTES < prefix.len()) {
        let message = format!("The key prefix is longer than {KEY_BYTES} bytes.");
        return Err(ApiError::client("InvalidKeyPrefixFilterException", message));
    }
    if key_prefix.is_some() && bucket.is_none() {
        let message = "A key prefix filter needs a bucket name filter.";
        return Err(ApiError::client("BucketNameFilterRequiredException", message));
    }
    let is_deployed = match input.deployed.as_deref() {
        None | Some("" | "ignore") => None,
        Some("include") => Some(true),
        Some("exclude") => Some(false),
        Some(other) => {
            return Err(unknown("InvalidDeployedStateFilterException", other, "a deployed state filter"));
        }
    };
    Ok(RevisionList { application, sort_by, is_descending, bucket, key_prefix, is_deployed })
}

/// A revision that must be there.
///
/// # Errors
/// `RevisionRequiredException`, `InvalidRevisionException`.
pub fn required_revision(location: Option<RevisionLocation>) -> Result<Revision, ApiError> {
    revision(location.ok_or_else(revision_required)?)
}

/// The location of `revision`, as the API answers it.
pub fn from_revision(revision: &Revision) -> RevisionLocation {
    match revision {
        Revision::S3 { bucket, key, bundle_type, version, e_tag } => RevisionLocation {
            revision_type: Some(String::from("S3")),
            s3_location: Some(S3Location {
                bucket: Some(bucket.clone()),
                key: Some(key.clone()),
                bundle_type: Some(bundle_type.as_str().to_owned()),
                version: version.clone(),
                e_tag: e_tag.clone(),
            }),
            ..RevisionLocation::default()
        },
        Revision::GitHub { repository, commit_id } => RevisionLocation {
            revision_type: Some(String::from("GitHub")),
            git_hub_location: Some(GitHubLocation {
                repository: Some(repository.clone()),
                commit_id: Some(commit_id.clone()),
            }),
            ..RevisionLocation::default()
        },
    }
}

/// What is known of a registered revision.
pub fn revision_info(registered: &RegisteredRevision, groups: &[DeploymentGroupName]) -> GenericRevisionInfo {
    GenericRevisionInfo {
        description: registered.description.clone(),
        deployment_groups: Some(groups.iter().map(ToString::to_string).collect()),
        register_time: Some(registered.registered_at.into()),
        first_used_time: registered.first_used_at.map(Into::into),
        last_used_time: registered.last_used_at.map(Into::into),
    }
}

/// A revision in one line, for messages.
pub fn one_line(revision: &Revision) -> String {
    match revision {
        Revision::S3 { bucket, key, bundle_type, version, e_tag } => {
            let mut line = format!("s3://{bucket}/{key} ({}", bundle_type.as_str());
            if let Some(version) = version {
                line.push_str(&format!(", version {version}"));
            }
            if let Some(e_tag) = e_tag {
                line.push_str(&format!(", eTag {}", e_tag.trim_matches('"')));
            }
            line.push(')');
            line
        }
        Revision::GitHub { repository, commit_id } => format!("GitHub {repository} at {commit_id}"),
    }
}

fn revision_required() -> ApiError {
    ApiError::client("RevisionRequiredException", "A revision is required.")
}

fn revision(location: RevisionLocation) -> Result<Revision, ApiError> {
    let RevisionLocation { revision_type, s3_location, git_hub_location, string, app_spec_content } =
        location;
    let has_text = string.is_some() || app_spec_content.is_some();
    match revision_type.as_deref() {
        None | Some("") => Err(invalid("The revision has no revisionType.")),
        Some("S3") if git_hub_location.is_some() || has_text => {
            Err(invalid("A revision of type `S3` has a location of another type."))
        }
        Some("GitHub") if s3_location.is_some() || has_text => {
            Err(invalid("A revision of type `GitHub` has a location of another type."))
        }
        Some("S3") => s3(s3_location.ok_or_else(|| invalid("A revision of type `S3` has no s3Location."))?),
        Some("GitHub") => git_hub(
            git_hub_location.ok_or_else(|| invalid("A revision of type `GitHub` has no gitHubLocation."))?,
        ),
        Some(known @ ("String" | "AppSpecContent")) => {
            Err(invalid(format!("A revision of type `{known}` is not for compute platform `Server`.")))
        }
        Some(other) => Err(invalid(format!("{} is not a revision type.", quoted(other)))),
    }
}

fn s3(location: S3Location) -> Result<Revision, ApiError> {
    let bucket = non_empty(location.bucket).ok_or_else(|| invalid("The S3 location has no bucket."))?;
    let key = non_empty(location.key).ok_or_else(|| invalid("The S3 location has no key."))?;
    if KEY_BYTES < key.len() {
        return Err(invalid(format!("The S3 key is longer than {KEY_BYTES} bytes.")));
    }
    let bundle_type = match location.bundle_type.as_deref() {
        None | Some("") => return Err(invalid("The S3 location has no bundleType.")),
        Some(name) => BundleType::from_name(name).ok_or_else(|| {
            invalid(format!("The bundle type {} is not one of tar, tgz and zip.", quoted(name)))
        })?,
    };
    let (version, e_tag) = (non_empty(location.version), non_empty(location.e_tag));
    Ok(Revision::S3 { bucket, key, bundle_type, version, e_tag })
}

fn git_hub(location: GitHubLocation) -> Result<Revision, ApiError> {
    let repository = location.repository.unwrap_or_default();
    let is_repository = repository
        .split_once('/')
        .is_some_and(|(account, name)| !account.is_empty() && !name.is_empty() && !name.contains('/'));
    if !is_repository {
        let shown = quoted(&repository);
        return Err(invalid(format!("The repository {shown} is not of the form `account/repository`.")));
    }
    let commit_id = location.commit_id.unwrap_or_default();
    if commit_id.len() != 40 || !commit_id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let shown = quoted(&commit_id);
        return Err(invalid(format!("The commit id {shown} is not 40 hexadecimal digits.")));
    }
    Ok(Revision::GitHub { repository, commit_id })
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client(INVALID, message)
}

fn unknown(exception: &'static str, value: &str, what: &str) -> ApiError {
    ApiError::client(exception, format!("{} is not {what}.", quoted(value)))
}

fn is_bucket_name(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(location: &str, expected: &str) {
        let location: RevisionLocation = serde_json::from_str(location).expect("a location");
        let shown = match revision(location) {
            Ok(revision) => one_line(&revision),
            Err(error) => error.message,
        };
        assert_eq!(shown, expected);
    }

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn an_s3_revision_names_an_object() {
        check(
            r#"{"revisionType":"S3","s3Location":{"bucket":"b","key":"k","bundleType":"zip","eTag":"\"e\""}}"#,
            "s3://b/k (zip, eTag e)",
        );
        check(r#"{"revisionType":"S3"}"#, "A revision of type `S3` has no s3Location.");
        check(r#"{"revisionType":"S3","s3Location":{"key":"k"}}"#, "The S3 location has no bucket.");
        check(r#"{"revisionType":"S3","s3Location":{"bucket":"b","key":""}}"#, "The S3 location has no key.");
        check(
            r#"{"revisionType":"S3","s3Location":{"bucket":"b","key":"k"}}"#,
            "The S3 location has no bundleType.",
        );
        check(
            r#"{"revisionType":"S3","s3Location":{"bucket":"b","key":"k","bundleType":"YAML"}}"#,
            "The bundle type `YAML` is not one of tar, tgz and zip.",
        );
        check(
            r#"{"revisionType":"S3","s3Location":{},"gitHubLocation":{}}"#,
            "A revision of type `S3` has a location of another type.",
        );
    }

    #[test]
    fn a_git_hub_revision_names_a_commit() {
        let location = |repository: &str, commit: &str| {
            format!(
                r#"{{"revisionType":"GitHub","gitHubLocation":{{"repository":"{repository}","commitId":"{commit}"}}}}"#
            )
        };
        check(&location("a/b", COMMIT), &format!("GitHub a/b at {COMMIT}"));
        check(&location("a", COMMIT), "The repository `a` is not of the form `account/repository`.");
        check(&location("a/b/c", COMMIT), "The repository `a/b/c` is not of the form `account/repository`.");
        check(&location("a/b", "main"), "The commit id `main` is not 40 hexadecimal digits.");
    }

    #[test]
    fn other_types_are_not_for_servers() {
        check(r#"{}"#, "The revision has no revisionType.");
        check(
            r#"{"revisionType":"String","string":{}}"#,
            "A revision of type `String` is not for compute platform `Server`.",
        );
        check(r#"{"revisionType":"FTP"}"#, "`FTP` is not a revision type.");
    }
}
