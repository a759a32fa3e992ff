//! Applications, deployment groups and deployments.

use anyhow::Context;
use longshore_model::id::DeploymentId;
use longshore_wire::api::{Operation, shapes};

use super::{Ignored, S3Revision, Service, Tag, explained};
use crate::progress::{HostProgress, Progress, host_from_shape, progress_from_shape};

/// The most targets that one BatchGetDeploymentTargets answers. Source: service.md §3.6.
const MAX_BATCH: usize = 25;

/// The role that a deployment group made here names. The server needs no role for hosts of one's own;
/// the API demands a well-formed one.
const SERVICE_ROLE_ARN: &str = "arn:aws:iam::000000000000:role/longshore";

/// What CreateDeployment is asked for.
#[derive(Clone, Debug)]
pub(crate) struct NewDeployment {
    /// The application.
    pub(crate) application: String,
    /// The deployment group.
    pub(crate) group: String,
    /// A deployment config other than the group's.
    pub(crate) config: Option<String>,
    /// What to deploy.
    pub(crate) revision: S3Revision,
    /// For people.
    pub(crate) description: Option<String>,
    /// `DISALLOW`, `OVERWRITE` or `RETAIN`.
    pub(crate) file_exists_behavior: Option<String>,
    /// Whether a failing ApplicationStop fails the host.
    pub(crate) ignore_application_stop_failures: bool,
}

impl Service {
    /// Makes the application unless it is there; tells whether it was made.
    pub(crate) async fn ensure_application(&self, application: &str) -> anyhow::Result<bool> {
        let input = shapes::CreateApplicationInput {
            application_name: Some(application.to_owned()),
            ..shapes::CreateApplicationInput::default()
        };
        let created: Result<Ignored, _> = self.call(Operation::CreateApplication, &input).await;
        match created {
            Err(error) if error.code() == Some("ApplicationAlreadyExistsException") => Ok(false),
            other => explained(other, format!("cannot make the application `{application}`")).map(|_| true),
        }
    }

    /// Makes the deployment group unless it is there; tells whether it was made.
    pub(crate) async fn ensure_group(
        &self,
        application: &str,
        group: &str,
        tags: &[Tag],
    ) -> anyhow::Result<bool> {
        let filters = tags.iter().map(Tag::to_filter).collect();
        let input = shapes::CreateDeploymentGroupInput {
            application_name: Some(application.to_owned()),
            deployment_group_name: Some(group.to_owned()),
            on_premises_instance_tag_filters: Some(filters),
            service_role_arn: Some(SERVICE_ROLE_ARN.to_owned()),
            ..shapes::CreateDeploymentGroupInput::default()
        };
        let created: Result<Ignored, _> = self.call(Operation::CreateDeploymentGroup, &input).await;
        match created {
            Err(error) if error.code() == Some("DeploymentGroupAlreadyExistsException") => Ok(false),
            other => explained(other, format!("cannot make the deployment group `{group}`")).map(|_| true),
        }
    }

    /// Makes sure that application and deployment group are there.
    pub(crate) async fn require_group(&self, application: &str, group: &str) -> anyhow::Result<()> {
        let input = shapes::GetDeploymentGroupInput {
            application_name: Some(application.to_owned()),
            deployment_group_name: Some(group.to_owned()),
        };
        let found: Result<Ignored, _> = self.call(Operation::GetDeploymentGroup, &input).await;
        explained(found, format!("cannot deploy `{application}` to `{group}`")).map(drop)
    }

    /// Begins a deployment.
    pub(crate) async fn create_deployment(&self, new: NewDeployment) -> anyhow::Result<DeploymentId> {
        let tried = format!("cannot deploy `{}` to `{}`", new.application, new.group);
        let input = shapes::CreateDeploymentInput {
            application_name: Some(new.application),
            deployment_group_name: Some(new.group),
            deployment_config_name: new.config,
            revision: Some(new.revision.to_shape()),
            description: new.description,
            file_exists_behavior: new.file_exists_behavior,
            ignore_application_stop_failures: Some(new.ignore_application_stop_failures),
            ..shapes::CreateDeploymentInput::default()
        };
        let created: shapes::CreateDeploymentOutput =
            explained(self.call(Operation::CreateDeployment, &input).await, tried)?;
        DeploymentId::required(created.deployment_id.as_deref())
            .context("the server answered no deployment id")
    }

    /// A deployment without its hosts.
    pub(crate) async fn deployment(&self, id: &DeploymentId) -> anyhow::Result<Progress> {
        let input = shapes::GetDeploymentInput { deployment_id: Some(id.to_string()) };
        let answer: shapes::GetDeploymentOutput = explained(
            self.call(Operation::GetDeployment, &input).await,
            format!("cannot look at deployment `{id}`"),
        )?;
        let info = answer.deployment_info.context("the server answered no deployment")?;
        Ok(progress_from_shape(info, Vec::new())?)
    }

    /// The names of a deployment's hosts in scheduling order; none before it has started.
    pub(crate) async fn target_names(&self, id: &DeploymentId) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        let mut next_token = None;
        loop {
            let input = shapes::ListDeploymentTargetsInput {
                deployment_id: Some(id.to_string()),
                next_token,
                ..shapes::ListDeploymentTargetsInput::default()
            };
            let answer: Result<shapes::ListDeploymentTargetsOutput, _> =
                self.call(Operation::ListDeploymentTargets, &input).await;
            let answer = match answer {
                Err(error) if error.code() == Some("DeploymentNotStartedException") => return Ok(names),
                other => explained(other, format!("cannot list the hosts of deployment `{id}`"))?,
            };
            names.extend(answer.target_ids.unwrap_or_default());
            next_token = answer.next_token;
            if next_token.is_none() {
                return Ok(names);
            }
        }
    }

    /// How the named hosts of a deployment stand, in the order of `names`.
    pub(crate) async fn targets(
        &self,
        id: &DeploymentId,
        names: &[String],
    ) -> anyhow::Result<Vec<HostProgress>> {
        let mut hosts = Vec::with_capacity(names.len());
        for batch in names.chunks(MAX_BATCH) {
            let input = shapes::BatchGetDeploymentTargetsInput {
                deployment_id: Some(id.to_string()),
                target_ids: Some(batch.to_vec()),
            };
            let answer: shapes::BatchGetDeploymentTargetsOutput = explained(
                self.call(Operation::BatchGetDeploymentTargets, &input).await,
                format!("cannot look at the hosts of deployment `{id}`"),
            )?;
            for target in answer.deployment_targets.unwrap_or_default() {
                hosts.push(host_from_shape(target)?);
            }
        }
        Ok(hosts)
    }

    /// The ids of the latest deployments, newest first, at most `max`.
    pub(crate) async fn latest_deployments(&self, max: usize) -> anyhow::Result<Vec<DeploymentId>> {
        let input = shapes::ListDeploymentsInput::default();
        let answer: shapes::ListDeploymentsOutput =
            explained(self.call(Operation::ListDeployments, &input).await, "cannot list the deployments")?;
        let ids = answer.deployments.unwrap_or_default();
        ids.iter()
            .take(max)
            .map(|id| DeploymentId::parse(id).context("the server answered a bad id"))
            .collect()
    }

    /// Several deployments without their hosts, in the order of `ids`.
    pub(crate) async fn deployments(&self, ids: &[DeploymentId]) -> anyhow::Result<Vec<Progress>> {
        let mut deployments = Vec::with_capacity(ids.len());
        for batch in ids.chunks(MAX_BATCH) {
            let input = shapes::BatchGetDeploymentsInput {
                deployment_ids: Some(batch.iter().map(ToString::to_string).collect()),
            };
            let answer: shapes::BatchGetDeploymentsOutput = explained(
                self.call(Operation::BatchGetDeployments, &input).await,
                "cannot look at the deployments",
            )?;
            for info in answer.deployments_info.unwrap_or_default() {
                deployments.push(progress_from_shape(info, Vec::new())?);
            }
        }
        Ok(deployments)
    }

    /// Asks a deployment to stop; returns the server's sentence.
    pub(crate) async fn stop_deployment(&self, id: &DeploymentId) -> anyhow::Result<String> {
        let input = shapes::StopDeploymentInput {
            deployment_id: Some(id.to_string()),
            ..shapes::StopDeploymentInput::default()
        };
        let answer: shapes::StopDeploymentOutput = explained(
            self.call(Operation::StopDeployment, &input).await,
            format!("cannot stop deployment `{id}`"),
        )?;
        Ok(answer.status_message.unwrap_or_default())
    }
}
