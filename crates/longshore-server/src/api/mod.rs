//! The CodeDeploy API: each handler decodes, calls the engine and encodes. One file per resource,
//! which also says which exception each of its failures is.

mod application;
mod deployment;
mod deployment_config;
mod deployment_group;
mod enrollment;
mod extension;
mod host;
mod instance;
mod paging;
mod revision;
mod target;

use bytes::Bytes;
use longshore_bundles::Principal;
use longshore_engine::Engine;
use longshore_wire::api::Operation;
use longshore_wire::api::convert::deployment::read_deployment_list;
use longshore_wire::api::convert::not_available;
use longshore_wire::codec::json;
use longshore_wire::error::ApiError;

pub(crate) use self::extension::{ExtensionOperation, TARGET_PREFIX as EXTENSION_TARGET_PREFIX};
use crate::app::App;
use crate::authorize::{Resource, authorize};

/// The service name that requests must be signed for.
pub(crate) const SIGNING_NAME: &str = "codedeploy";

/// A request that is authentic; its caller's permission is asked on the way to the engine.
pub(crate) struct RequestContext<'a> {
    app: &'a App,
    caller: &'a Principal,
    operation: &'static str,
}

impl<'a> RequestContext<'a> {
    pub(crate) fn new(app: &'a App, caller: &'a Principal, operation: &'static str) -> RequestContext<'a> {
        RequestContext { app, caller, operation }
    }

    /// The engine, if the caller may do this operation on `resource`. There is no other way to it.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    fn allowed(&self, resource: &Resource<'_>) -> Result<&'a Engine, ApiError> {
        self.allowed_all(&[*resource])
    }

    /// The engine, if the caller may do this operation on every one of `resources`.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    fn allowed_all(&self, resources: &[Resource<'_>]) -> Result<&'a Engine, ApiError> {
        for resource in resources {
            self.require(self.operation, resource)?;
        }
        Ok(&self.app.engine)
    }

    /// Whether the caller may also do `operation` on `resource`.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    fn require(&self, operation: &str, resource: &Resource<'_>) -> Result<(), ApiError> {
        authorize(self.app, self.caller, &format!("{SIGNING_NAME}:{operation}"), resource)
    }
}

/// Does `operation`. The answer's body is empty for operations that have no output.
///
/// # Errors
/// The operation's exceptions, and those of service.md §1.
pub(crate) async fn call(
    ctx: &RequestContext<'_>,
    operation: Operation,
    body: &[u8],
) -> Result<Bytes, ApiError> {
    use Operation as O;
    match operation {
        O::CreateApplication => output(&application::create(ctx, json::decode(body)?).await?),
        O::GetApplication => output(&application::get(ctx, json::decode(body)?).await?),
        O::BatchGetApplications => output(&application::batch_get(ctx, json::decode(body)?).await?),
        O::ListApplications => output(&application::list(ctx, json::decode(body)?).await?),
        O::UpdateApplication => no_output(application::update(ctx, json::decode(body)?).await?),
        O::DeleteApplication => no_output(application::delete(ctx, json::decode(body)?).await?),

        O::RegisterApplicationRevision => no_output(revision::register(ctx, json::decode(body)?).await?),
        O::GetApplicationRevision => output(&revision::get(ctx, json::decode(body)?).await?),
        O::BatchGetApplicationRevisions => output(&revision::batch_get(ctx, json::decode(body)?).await?),
        O::ListApplicationRevisions => output(&revision::list(ctx, json::decode(body)?).await?),

        O::CreateDeploymentGroup => output(&deployment_group::create(ctx, json::decode(body)?).await?),
        O::GetDeploymentGroup => output(&deployment_group::get(ctx, json::decode(body)?).await?),
        O::BatchGetDeploymentGroups => output(&deployment_group::batch_get(ctx, json::decode(body)?).await?),
        O::ListDeploymentGroups => output(&deployment_group::list(ctx, json::decode(body)?).await?),
        O::UpdateDeploymentGroup => output(&deployment_group::update(ctx, json::decode(body)?).await?),
        O::DeleteDeploymentGroup => output(&deployment_group::delete(ctx, json::decode(body)?).await?),

        O::CreateDeploymentConfig => output(&deployment_config::create(ctx, json::decode(body)?).await?),
        O::GetDeploymentConfig => output(&deployment_config::get(ctx, json::decode(body)?).await?),
        O::ListDeploymentConfigs => output(&deployment_config::list(ctx, json::decode(body)?).await?),
        O::DeleteDeploymentConfig => no_output(deployment_config::delete(ctx, json::decode(body)?).await?),

        O::CreateDeployment => output(&deployment::create(ctx, json::decode(body)?).await?),
        O::GetDeployment => output(&deployment::get(ctx, json::decode(body)?).await?),
        O::BatchGetDeployments => output(&deployment::batch_get(ctx, json::decode(body)?).await?),
        O::ListDeployments => output(&deployment::list(ctx, read_deployment_list(body)?).await?),
        O::StopDeployment => output(&deployment::stop(ctx, json::decode(body)?).await?),

        O::ListDeploymentTargets => output(&target::list(ctx, json::decode(body)?).await?),
        O::GetDeploymentTarget => output(&target::get(ctx, json::decode(body)?).await?),
        O::BatchGetDeploymentTargets => output(&target::batch_get(ctx, json::decode(body)?).await?),
        O::ListDeploymentInstances => output(&instance::list(ctx, json::decode(body)?).await?),
        O::GetDeploymentInstance => output(&instance::get(ctx, json::decode(body)?).await?),
        O::BatchGetDeploymentInstances => output(&instance::batch_get(ctx, json::decode(body)?).await?),

        O::RegisterOnPremisesInstance => no_output(host::register(ctx, json::decode(body)?).await?),
        O::DeregisterOnPremisesInstance => no_output(host::deregister(ctx, json::decode(body)?).await?),
        O::GetOnPremisesInstance => output(&host::get(ctx, json::decode(body)?).await?),
        O::BatchGetOnPremisesInstances => output(&host::batch_get(ctx, json::decode(body)?).await?),
        O::ListOnPremisesInstances => output(&host::list(ctx, json::decode(body)?).await?),
        O::AddTagsToOnPremisesInstances => no_output(host::add_tags(ctx, json::decode(body)?).await?),
        O::RemoveTagsFromOnPremisesInstances => no_output(host::remove_tags(ctx, json::decode(body)?).await?),

        O::ContinueDeployment
        | O::DeleteGitHubAccountToken
        | O::DeleteResourcesByExternalId
        | O::ListGitHubAccountTokenNames
        | O::ListTagsForResource
        | O::PutLifecycleEventHookExecutionStatus
        | O::SkipWaitTimeForInstanceTermination
        | O::TagResource
        | O::UntagResource => {
            ctx.allowed(&Resource::All)?;
            Err(not_available(&format!("The operation {}", operation.name())))
        }
    }
}

/// Does an operation that only this service has.
///
/// # Errors
/// The operation's exceptions, and those of service.md §1.
pub(crate) async fn call_extension(
    ctx: &RequestContext<'_>,
    operation: ExtensionOperation,
    body: &[u8],
) -> Result<Bytes, ApiError> {
    use ExtensionOperation as E;
    match operation {
        E::CreateEnrollmentToken => output(&enrollment::create_token(ctx, json::decode(body)?).await?),
        E::ListEnrollmentTokens => output(&enrollment::list_tokens(ctx, json::decode(body)?).await?),
        E::ListHosts => output(&extension::list_hosts(ctx, json::decode(body)?).await?),
        E::RevokeEnrollmentToken => output(&enrollment::revoke_token(ctx, json::decode(body)?).await?),
    }
}

fn output<T: serde::Serialize>(shape: &T) -> Result<Bytes, ApiError> {
    json::encode(shape).map(Bytes::from)
}

fn no_output((): ()) -> Result<Bytes, ApiError> {
    Ok(Bytes::new())
}
