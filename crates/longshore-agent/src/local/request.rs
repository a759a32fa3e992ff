//! A local deployment that was found possible: its events and its specification. Source: agent.md §9.6.

use std::path::{Path, PathBuf};

use longshore_model::appspec::FALLBACK_FILE_NAMES;
use longshore_wire::host_command::specification::Specification;
use serde_json::{Value, json};

use super::events;
use super::invalid::InvalidRequest;
use super::location::{DIRECTORY, Location, Place};
use super::options::{APPSPEC_FILENAME, Options};
use crate::execute::events::HookMapping;
use crate::specification::open_plain;

/// A local deployment, checked.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// What to run, in order.
    pub(super) events: Vec<String>,
    /// Which events there are.
    pub(super) mapping: HookMapping,
    /// What the service would send.
    pub(super) spec: Specification,
    /// The bundle, when it is a plain folder of this host.
    pub(super) directory: Option<PathBuf>,
}

impl Request {
    /// Checks `options` rule by rule. Relative locations are relative to `working_dir`.
    pub(super) fn new(
        options: &Options,
        working_dir: &Path,
        deployment_id: &str,
    ) -> Result<Request, InvalidRequest> {
        let location = options.bundle_location.as_deref();
        let here = working_dir.to_string_lossy();
        let location = location.unwrap_or(&here);
        let place = Place::parse(location, &options.bundle_type, working_dir)?;
        let directory = match &place {
            Place::Local(path) if options.bundle_type == DIRECTORY => Some(path.clone()),
            Place::Local(_) | Place::Remote(_) => None,
        };
        if let Some(directory) = &directory {
            check_appspec(directory, location, &options.appspec_filename)?;
        }
        let listed = options.events.as_deref();
        events::check_order(listed.unwrap_or_default())?;
        let located = place.locate(location)?;
        events::check_names(listed.unwrap_or_default())?;
        let spec = specification(options, location, &located, deployment_id);
        Ok(Request {
            events: events::in_order(listed),
            mapping: HookMapping::of_events(listed.unwrap_or_default()),
            spec: open_plain(&spec.to_string())?,
            directory,
        })
    }
}

/// A folder must have its AppSpec; by the usual name, either of the two will do.
fn check_appspec(directory: &Path, location: &str, name: &str) -> Result<(), InvalidRequest> {
    let location = location.trim_end_matches('/');
    if name != APPSPEC_FILENAME {
        if directory.join(name).is_file() {
            return Ok(());
        }
        return Err(InvalidRequest::NoAppSpec {
            expected: format!("{location}/{name}"),
            name: name.to_owned(),
        });
    }
    if FALLBACK_FILE_NAMES.iter().any(|name| directory.join(name).is_file()) {
        return Ok(());
    }
    Err(InvalidRequest::NoAppSpec {
        expected: format!("{location}/appspec.yml or {location}/appspec.yaml"),
        name: "appspec.yml or appspec.yaml".to_owned(),
    })
}

/// The specification that the service would send for this deployment.
fn specification(options: &Options, location: &str, located: &Location, deployment_id: &str) -> Value {
    let shown = match located {
        Location::Local { path } => path.to_string_lossy().into_owned(),
        Location::S3 { .. } | Location::GitHub { .. } => location.to_owned(),
    };
    json!({
        "DeploymentId": deployment_id,
        "DeploymentGroupId": options.deployment_group,
        "DeploymentGroupName": options.deployment_group_name,
        "ApplicationId": shown,
        "ApplicationName": options.application_name.as_deref().unwrap_or(&shown),
        "AppSpecFilename": options.appspec_filename,
        "AgentActionOverrides": {
            "AgentOverrides": { "FileExistsBehavior": options.file_exists_behavior },
        },
        "AllPossibleLifecycleEvents": events::all_possible(options.events.as_deref().unwrap_or_default()),
        "GitHubAccessToken": options.github_token.as_deref().unwrap_or_default(),
        "Revision": revision(located, &options.bundle_type),
    })
}

fn revision(located: &Location, bundle_type: &str) -> Value {
    match located {
        Location::Local { path } => json!({
            "RevisionType": if bundle_type == DIRECTORY { "Local Directory" } else { "Local File" },
            "LocalRevision": { "Location": path.to_string_lossy(), "BundleType": bundle_type },
        }),
        Location::S3 { bucket, key, version, e_tag } => json!({
            "RevisionType": "S3",
            "S3Revision": {
                "Bucket": bucket, "Key": key, "BundleType": bundle_type, "Version": version, "ETag": e_tag,
            },
        }),
        Location::GitHub { account, repository, commit_id } => json!({
            "RevisionType": "GitHub",
            "GitHubRevision": {
                "Account": account,
                "Repository": repository,
                "CommitId": commit_id,
                "BundleType": if matches!(bundle_type, "zip" | "tar") { bundle_type } else { "zip" },
            },
        }),
    }
}

#[cfg(test)]
mod tests;
