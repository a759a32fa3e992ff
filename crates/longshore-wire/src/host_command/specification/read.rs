//! Reading and checking a specification, on the agent. The order of the checks is the original's.

use std::path::{Component, Path};

use longshore_model::revision::BundleType;
use serde_json::{Map, Value};

use super::{
    AccessToken, DEFAULT_APP_SPEC_FILENAME, LocalBundleType, RevisionSource, Specification,
    SpecificationError,
};

/// The most characters of an id that becomes a folder's name. Source: agent.md, I-08.
const MAX_ID_CHARS: usize = 128;

type Object = Map<String, Value>;

impl Specification {
    /// Reads `json`; unknown keys are ignored.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn from_json(json: &[u8]) -> Result<Specification, SpecificationError> {
        let document: Value = serde_json::from_slice(json).map_err(SpecificationError::NotJson)?;
        let empty = Object::new();
        let object = document.as_object().unwrap_or(&empty);
        let deployment_id = path_component("DeploymentId", reduced(required(object, "DeploymentId")?))?;
        let deployment_group_id =
            path_component("DeploymentGroupId", required(object, "DeploymentGroupId")?)?;
        let deployment_group_name = required(object, "DeploymentGroupName")?.to_owned();
        let application_name = required(object, "ApplicationName")?.to_owned();
        Ok(Specification {
            deployment_id,
            deployment_group_id,
            deployment_group_name,
            application_name,
            deployment_creator: set(object, "DeploymentCreator").unwrap_or("user").to_owned(),
            deployment_type: set(object, "DeploymentType").unwrap_or("IN_PLACE").to_owned(),
            app_spec_filename: app_spec_filename(object)?,
            revision: revision(object)?,
            file_exists_behavior: file_exists_behavior(&document),
            all_possible_lifecycle_events: texts(object, "AllPossibleLifecycleEvents"),
            git_hub_access_token: set(object, "GitHubAccessToken").map(|token| AccessToken(token.to_owned())),
            reuse_archive_from: reuse_archive_from(object),
        })
    }
}

/// The text at `key` if it is one and not empty.
fn set<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn required<'a>(object: &'a Object, key: &'static str) -> Result<&'a str, SpecificationError> {
    set(object, key).ok_or(SpecificationError::Missing(key))
}

fn texts(object: &Object, key: &str) -> Vec<String> {
    let list = object.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The id within an ARN: what follows the first slash of its sixth field.
fn reduced(id: &str) -> &str {
    if !id.starts_with("arn:") {
        return id;
    }
    id.split(':').nth(5).and_then(|field| field.split_once('/')).map_or("", |(_, id)| id)
}

/// An ARN without an id is as good as none. Source: agent-2x-differences.md, section 8.
fn reuse_archive_from(object: &Object) -> Option<String> {
    let id = reduced(set(object, "ReuseArchiveFromDeploymentId")?);
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

fn path_component(field: &'static str, value: &str) -> Result<String, SpecificationError> {
    let is_safe = !matches!(value, "" | "." | "..")
        && value.chars().count() <= MAX_ID_CHARS
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !is_safe {
        return Err(SpecificationError::NotPathComponent { field, value: value.to_owned() });
    }
    Ok(value.to_owned())
}

fn app_spec_filename(object: &Object) -> Result<String, SpecificationError> {
    let name = set(object, "AppSpecFilename").unwrap_or(DEFAULT_APP_SPEC_FILENAME);
    let is_inside =
        Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    // A name that reads differently on Windows is no name for either.
    if !is_inside || name.contains(['\\', '\0']) {
        return Err(SpecificationError::UnsafeAppSpecFilename(name.to_owned()));
    }
    Ok(name.to_owned())
}

fn file_exists_behavior(document: &Value) -> String {
    let found = document.pointer("/AgentActionOverrides/AgentOverrides/FileExistsBehavior");
    found.and_then(Value::as_str).filter(|text| !text.is_empty()).unwrap_or("DISALLOW").to_uppercase()
}

fn revision(object: &Object) -> Result<RevisionSource, SpecificationError> {
    let revision = object.get("Revision").filter(|value| !value.is_null());
    let revision = revision.ok_or(SpecificationError::NoRevision)?;
    let revision = revision.as_object().ok_or(SpecificationError::NoRevisionSource)?;
    let kind = revision.get("RevisionType").ok_or(SpecificationError::NoRevisionSource)?;
    match kind.as_str() {
        Some("S3") => s3(revision.get("S3Revision").and_then(Value::as_object)),
        Some("GitHub") => git_hub(revision.get("GitHubRevision").and_then(Value::as_object)),
        Some("Local File" | "Local Directory") => {
            local(revision.get("LocalRevision").and_then(Value::as_object))
        }
        Some(_) | None => Err(SpecificationError::UnknownRevisionType),
    }
}

fn s3(object: Option<&Object>) -> Result<RevisionSource, SpecificationError> {
    let object = object.ok_or(SpecificationError::IncompleteS3)?;
    let part = |key: &str| set(object, key).ok_or(SpecificationError::IncompleteS3);
    let (bucket, key, bundle_type) = (part("Bucket")?, part("Key")?, part("BundleType")?);
    Ok(RevisionSource::S3 {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        bundle_type: BundleType::from_name(bundle_type).ok_or(SpecificationError::S3BundleType)?,
        version: set(object, "Version").map(str::to_owned),
        e_tag: set(object, "ETag").map(str::to_owned),
    })
}

fn git_hub(object: Option<&Object>) -> Result<RevisionSource, SpecificationError> {
    let object = object.ok_or(SpecificationError::IncompleteGitHub)?;
    let part = |key: &str| set(object, key).ok_or(SpecificationError::IncompleteGitHub);
    let (account, repository, commit_id) = (part("Account")?, part("Repository")?, part("CommitId")?);
    let needs_token = object.get("Anonymous") == Some(&Value::Bool(false));
    if needs_token && !object.contains_key("OAuthToken") {
        return Err(SpecificationError::IncompleteGitHub);
    }
    Ok(RevisionSource::GitHub {
        account: account.to_owned(),
        repository: repository.to_owned(),
        commit_id: commit_id.to_owned(),
        bundle_type: set(object, "BundleType").map(str::to_owned),
    })
}

fn local(object: Option<&Object>) -> Result<RevisionSource, SpecificationError> {
    let object = object.ok_or(SpecificationError::IncompleteLocal)?;
    let part = |key: &str| set(object, key).ok_or(SpecificationError::IncompleteLocal);
    let (location, bundle_type) = (part("Location")?, part("BundleType")?);
    let bundle_type = match (bundle_type, BundleType::from_name(bundle_type)) {
        ("directory", _) => LocalBundleType::Directory,
        (_, Some(archive)) => LocalBundleType::Archive(archive),
        (_, None) => return Err(SpecificationError::LocalBundleType),
    };
    Ok(RevisionSource::Local { location: location.to_owned(), bundle_type })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A good document with the member at `pointer`'s key replaced (`null` in `change` sets null;
    /// the text `-` removes it).
    fn with(key: &str, change: Value) -> Value {
        let mut document = serde_json::json!({
            "DeploymentId": "d-WIRE00001",
            "DeploymentGroupId": "5b9cb1a2-7d1c-4a4e-9c2e-0f6a1d3e5b77",
            "DeploymentGroupName": "dg-one",
            "ApplicationName": "app-one",
            "Revision": {
                "RevisionType": "S3",
                "S3Revision": {"Bucket": "bundles", "Key": "rich.tgz", "BundleType": "tgz"}
            }
        });
        let object = document.as_object_mut().expect("an object");
        match change.as_str() {
            Some("-") => drop(object.remove(key)),
            _ => drop(object.insert(key.to_owned(), change)),
        }
        document
    }

    fn read(document: &Value) -> Result<Specification, SpecificationError> {
        Specification::from_json(document.to_string().as_bytes())
    }

    #[track_caller]
    fn check_refused(document: &Value, expected: &str) {
        assert_eq!(read(document).expect_err("refused").to_string(), expected, "{document}");
    }

    #[track_caller]
    fn check_revision(revision: Value, expected: &str) {
        check_refused(&with("Revision", revision), expected);
    }

    #[test]
    fn the_four_names_must_be_set() {
        for key in ["DeploymentId", "DeploymentGroupId", "DeploymentGroupName", "ApplicationName"] {
            let expected = format!("Deployment Spec has no {key}");
            for change in [Value::from("-"), Value::from(""), Value::Null, Value::from(5)] {
                check_refused(&with(key, change), &expected);
            }
        }
        check_refused(&Value::from("text"), "Deployment Spec has no DeploymentId");
    }

    #[test]
    fn an_arn_is_reduced_to_its_id() {
        let arn = "arn:aws:sds:us-east-1:111122223333:deployment/d-XXXXXXXXX";
        assert_eq!(read(&with("DeploymentId", arn.into())).expect("read").deployment_id, "d-XXXXXXXXX");
    }

    #[test]
    fn ids_are_path_components() {
        for id in ["..", ".", "../../x", "a/b", "a b", "é"] {
            let expected = format!("DeploymentId is not a valid path component: \"{id}\"");
            check_refused(&with("DeploymentId", id.into()), &expected);
        }
        let long = "a".repeat(129);
        let expected = format!("DeploymentGroupId is not a valid path component: \"{long}\"");
        check_refused(&with("DeploymentGroupId", long.into()), &expected);
        check_refused(
            &with("DeploymentId", "arn:aws:x".into()),
            "DeploymentId is not a valid path component: \"\"",
        );
    }

    #[test]
    fn the_app_spec_stays_inside_the_revision() {
        for name in ["/etc/passwd", "../x.yml", "a/../../x.yml", "a\\..\\x.yml"] {
            let expected = format!("AppSpecFilename is not a safe revision-relative path: \"{name}\"");
            check_refused(&with("AppSpecFilename", name.into()), &expected);
        }
        let read_name =
            |name: &str| read(&with("AppSpecFilename", name.into())).expect("read").app_spec_filename;
        assert_eq!(read_name("deploy/prod.yml"), "deploy/prod.yml");
        assert_eq!(read_name(""), "appspec.yml");
    }

    #[test]
    fn a_revision_must_be_complete() {
        use serde_json::json;
        check_refused(&with("Revision", "-".into()), "Must specify a revison");
        check_revision(Value::Null, "Must specify a revison");
        check_revision(json!({}), "Must specify a revision source");
        check_revision(json!(""), "Must specify a revision source");
        let which = "Exactly one of S3Revision, GitHubRevision, or LocalRevision must be specified";
        check_revision(json!({"RevisionType": null}), which);
        check_revision(json!({"RevisionType": "s3"}), which);
        let s3 = "S3Revision in Deployment Spec must specify Bucket, Key and BundleType";
        check_revision(json!({"RevisionType": "S3"}), s3);
        for bundle in [
            json!({"Bucket": "b", "Key": "k"}),
            json!({"Bucket": "b", "BundleType": "tgz"}),
            json!({"Key": "k", "BundleType": "tgz"}),
        ] {
            check_revision(json!({"RevisionType": "S3", "S3Revision": bundle}), s3);
        }
        for bundle_type in ["TGZ", "ZIP", "YAML"] {
            let bundle = json!({"Bucket": "b", "Key": "k", "BundleType": bundle_type});
            check_revision(
                json!({"RevisionType": "S3", "S3Revision": bundle}),
                "BundleType in S3Revision must be tar, tgz or zip",
            );
        }
        let git_hub = "GitHubRevision in Deployment Spec must specify Account, Repository and CommitId";
        let commit = json!({"Account": "a", "Repository": "r", "CommitId": "c", "Anonymous": false});
        check_revision(json!({"RevisionType": "GitHub", "GitHubRevision": commit}), git_hub);
        for bundle in [json!({"Location": "/x"}), json!({"BundleType": "tar"})] {
            check_revision(
                json!({"RevisionType": "Local File", "LocalRevision": bundle}),
                "LocalRevision in Deployment Spec must specify Location and BundleType",
            );
        }
        check_revision(
            json!({"RevisionType": "Local File", "LocalRevision": {"Location": "/x", "BundleType": "rar"}}),
            "BundleType in LocalRevision must be tar, tgz, zip, or directory",
        );
    }

    #[test]
    fn overrides_need_every_level() {
        use serde_json::json;
        let behavior =
            |value: Value| read(&with("AgentActionOverrides", value)).expect("read").file_exists_behavior;
        assert_eq!(behavior(json!({"AgentOverrides": {"FileExistsBehavior": "retain"}})), "RETAIN");
        assert_eq!(behavior(json!({"AgentOverrides": {"FileExistsBehavior": null}})), "DISALLOW");
        assert_eq!(behavior(json!({"AgentOverrides": {}})), "DISALLOW");
        assert_eq!(behavior(json!({"AgentOverrides": null})), "DISALLOW");
        assert_eq!(behavior(json!({})), "DISALLOW");
        assert_eq!(behavior(Value::Null), "DISALLOW");
    }

    /// An id, an ARN, nothing, an ARN that holds none.
    #[test]
    fn an_archive_to_reuse_is_named_or_absent() {
        let reuse = |value: &str| {
            read(&with("ReuseArchiveFromDeploymentId", value.into())).expect("read").reuse_archive_from
        };
        assert_eq!(reuse("d-XXXXXXXXX").as_deref(), Some("d-XXXXXXXXX"));
        let arn = "arn:aws:sds:us-east-1:111122223333:deployment/d-XXXXXXXXX";
        assert_eq!(reuse(arn).as_deref(), Some("d-XXXXXXXXX"));
        for none in
            ["", "arn:", "arn:aws:sds:us-east-1:111122223333:deployment", "arn:aws:sds:r:1:deployment/"]
        {
            assert_eq!(reuse(none), None, "{none}");
        }
    }

    #[test]
    fn defaults_and_tokens() {
        let specification = read(&with("GitHubAccessToken", "secret9".into())).expect("read");
        assert_eq!(specification.deployment_creator, "user");
        assert_eq!(specification.deployment_type, "IN_PLACE");
        assert!(!format!("{specification:?}").contains("secret9"));
    }
}
