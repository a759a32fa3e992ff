//! Writing a specification, on the server: compact, since the envelope around it is limited.

use longshore_model::deployment::Deployment;
use longshore_model::git_hub::GitHubSecret;
use longshore_model::revision::Revision;
use longshore_model::traffic::DeploymentType;
use serde::Serialize;

use super::{AccessToken, DEFAULT_APP_SPEC_FILENAME, LocalBundleType, RevisionSource, Specification};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    deployment_id: &'a str,
    deployment_group_id: &'a str,
    deployment_group_name: &'a str,
    application_name: &'a str,
    deployment_creator: &'a str,
    deployment_type: &'a str,
    app_spec_filename: &'a str,
    agent_action_overrides: Overrides<'a>,
    revision: RevisionDocument<'a>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    all_possible_lifecycle_events: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    git_hub_access_token: Option<&'a str>,
    #[serde(rename = "ReuseArchiveFromDeploymentId", skip_serializing_if = "Option::is_none")]
    reuse_archive_from: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Overrides<'a> {
    agent_overrides: AgentOverrides<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AgentOverrides<'a> {
    file_exists_behavior: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "RevisionType")]
enum RevisionDocument<'a> {
    S3 {
        #[serde(rename = "S3Revision")]
        revision: S3Document<'a>,
    },
    GitHub {
        #[serde(rename = "GitHubRevision")]
        revision: GitHubDocument<'a>,
    },
    #[serde(rename = "Local File")]
    LocalFile {
        #[serde(rename = "LocalRevision")]
        revision: LocalDocument<'a>,
    },
    #[serde(rename = "Local Directory")]
    LocalDirectory {
        #[serde(rename = "LocalRevision")]
        revision: LocalDocument<'a>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct S3Document<'a> {
    bucket: &'a str,
    key: &'a str,
    bundle_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(rename = "ETag", skip_serializing_if = "Option::is_none")]
    e_tag: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GitHubDocument<'a> {
    account: &'a str,
    repository: &'a str,
    commit_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle_type: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LocalDocument<'a> {
    location: &'a str,
    bundle_type: &'a str,
}

impl Specification {
    /// What `deployment`'s hosts are told. `git_hub_secret` is what they need to read its repository.
    pub fn of(deployment: &Deployment, git_hub_secret: Option<&GitHubSecret>) -> Specification {
        Specification {
            deployment_id: deployment.id.to_string(),
            deployment_group_id: deployment.group_id.to_string(),
            deployment_group_name: deployment.group.to_string(),
            application_name: deployment.application.to_string(),
            deployment_creator: deployment.creator.as_str().to_owned(),
            deployment_type: match deployment.traffic.deployment_type {
                DeploymentType::InPlace => String::from("IN_PLACE"),
                DeploymentType::BlueGreen => String::from("BLUE_GREEN"),
            },
            app_spec_filename: DEFAULT_APP_SPEC_FILENAME.to_owned(),
            file_exists_behavior: deployment.file_exists_behavior.as_str().to_owned(),
            revision: RevisionSource::of(&deployment.revision),
            // 1.8.1's Install fails when the list is there (agent.md, wire-transcripts.md §7).
            all_possible_lifecycle_events: Vec::new(),
            git_hub_access_token: git_hub_secret.map(|secret| AccessToken(secret.reveal().to_owned())),
            reuse_archive_from: deployment.restart_of.as_ref().map(ToString::to_string),
        }
    }

    /// The document to sign.
    pub fn to_json(&self) -> Vec<u8> {
        let document = Document {
            deployment_id: &self.deployment_id,
            deployment_group_id: &self.deployment_group_id,
            deployment_group_name: &self.deployment_group_name,
            application_name: &self.application_name,
            deployment_creator: &self.deployment_creator,
            deployment_type: &self.deployment_type,
            app_spec_filename: &self.app_spec_filename,
            agent_action_overrides: Overrides {
                agent_overrides: AgentOverrides { file_exists_behavior: &self.file_exists_behavior },
            },
            revision: self.revision.document(),
            all_possible_lifecycle_events: &self.all_possible_lifecycle_events,
            git_hub_access_token: self.git_hub_access_token.as_ref().map(|AccessToken(text)| text.as_str()),
            reuse_archive_from: self.reuse_archive_from.as_deref(),
        };
        serde_json::to_vec(&document).expect("texts have a JSON form")
    }
}

impl RevisionSource {
    /// Where `revision` is, in the host's words.
    pub fn of(revision: &Revision) -> RevisionSource {
        match revision {
            Revision::S3 { bucket, key, bundle_type, version, e_tag } => RevisionSource::S3 {
                bucket: bucket.clone(),
                key: key.clone(),
                bundle_type: *bundle_type,
                version: version.clone(),
                e_tag: e_tag.clone(),
            },
            Revision::GitHub { repository, commit_id } => {
                let (account, name) = repository.split_once('/').unwrap_or(("", repository));
                RevisionSource::GitHub {
                    account: account.to_owned(),
                    repository: name.to_owned(),
                    commit_id: commit_id.clone(),
                    bundle_type: None,
                }
            }
        }
    }

    fn document(&self) -> RevisionDocument<'_> {
        match self {
            RevisionSource::S3 { bucket, key, bundle_type, version, e_tag } => RevisionDocument::S3 {
                revision: S3Document {
                    bucket,
                    key,
                    bundle_type: bundle_type.as_str(),
                    version: version.as_deref(),
                    e_tag: e_tag.as_deref(),
                },
            },
            RevisionSource::GitHub { account, repository, commit_id, bundle_type } => {
                let bundle_type = bundle_type.as_deref();
                RevisionDocument::GitHub {
                    revision: GitHubDocument { account, repository, commit_id, bundle_type },
                }
            }
            RevisionSource::Local { location, bundle_type: LocalBundleType::Archive(archive) } => {
                let bundle_type = archive.as_str();
                RevisionDocument::LocalFile { revision: LocalDocument { location, bundle_type } }
            }
            RevisionSource::Local { location, bundle_type: LocalBundleType::Directory } => {
                let bundle_type = "directory";
                RevisionDocument::LocalDirectory { revision: LocalDocument { location, bundle_type } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_model::revision::BundleType;

    use super::*;

    fn specification(revision: RevisionSource) -> Specification {
        Specification {
            deployment_id: String::from("d-WIRE00001"),
            deployment_group_id: String::from("5b9cb1a2-7d1c-4a4e-9c2e-0f6a1d3e5b77"),
            deployment_group_name: String::from("dg-one"),
            application_name: String::from("app-one"),
            deployment_creator: String::from("user"),
            deployment_type: String::from("IN_PLACE"),
            app_spec_filename: String::from("appspec.yml"),
            file_exists_behavior: String::from("DISALLOW"),
            revision,
            all_possible_lifecycle_events: Vec::new(),
            git_hub_access_token: None,
            reuse_archive_from: None,
        }
    }

    #[track_caller]
    fn check_round_trip(revision: RevisionSource) {
        let specification = specification(revision);
        let read = Specification::from_json(&specification.to_json()).expect("what we write can be read");
        assert_eq!(read, specification);
    }

    /// Source: service.md §6.1, §6.5.
    #[test]
    fn the_document_is_the_recorded_one() {
        let specification = specification(RevisionSource::S3 {
            bucket: String::from("bundles"),
            key: String::from("rich.tgz"),
            bundle_type: BundleType::Tgz,
            version: None,
            e_tag: None,
        });
        let expected = concat!(
            r#"{"DeploymentId":"d-WIRE00001","DeploymentGroupId":"5b9cb1a2-7d1c-4a4e-9c2e-0f6a1d3e5b77","#,
            r#""DeploymentGroupName":"dg-one","ApplicationName":"app-one","DeploymentCreator":"user","#,
            r#""DeploymentType":"IN_PLACE","AppSpecFilename":"appspec.yml","AgentActionOverrides":"#,
            r#"{"AgentOverrides":{"FileExistsBehavior":"DISALLOW"}},"Revision":{"RevisionType":"S3","#,
            r#""S3Revision":{"Bucket":"bundles","Key":"rich.tgz","BundleType":"tgz"}}}"#,
        );
        assert_eq!(String::from_utf8(specification.to_json()).expect("UTF-8"), expected);
    }

    /// Source: service.md §6.1.
    #[test]
    fn what_is_written_is_read() {
        check_round_trip(RevisionSource::S3 {
            bucket: String::from("bundles"),
            key: String::from("a/\"b\".zip"),
            bundle_type: BundleType::Zip,
            version: Some(String::from("v1")),
            e_tag: Some(String::from("\"abc\"")),
        });
        check_round_trip(RevisionSource::GitHub {
            account: String::from("me"),
            repository: String::from("web"),
            commit_id: "0".repeat(40),
            bundle_type: None,
        });
        let location = String::from("/srv/x");
        let bundle_type = LocalBundleType::Archive(BundleType::Tar);
        check_round_trip(RevisionSource::Local { location: location.clone(), bundle_type });
        check_round_trip(RevisionSource::Local { location, bundle_type: LocalBundleType::Directory });
    }
}
