//! The CodeDeploy API: each handler takes a decoded input, calls the engine and answers an output,
//! whichever protocol the call came over. One file per resource, which also says which exception each of
//! its failures is.

mod application;
mod audit;
mod deployment;
mod deployment_config;
mod deployment_group;
mod ec2;
mod enrollment;
mod extension;
mod git_hub;
mod host;
mod instance;
mod notification;
mod paging;
mod resource_tags;
mod revision;
mod tag;
mod target;
mod timeline;
mod webhook;

use bytes::Bytes;
use longshore_bundles::Caller;
use longshore_engine::Engine;
use longshore_model::policy::Context as PolicyContext;
use longshore_wire::api::Operation;
use longshore_wire::api::convert::deployment::read_deployment_list;
use longshore_wire::codec::Codec;
use longshore_wire::error::ApiError;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::extension::{ExtensionOperation, TARGET_PREFIX as EXTENSION_TARGET_PREFIX};
use self::resource_tags::KnownTags;
pub(crate) use self::timeline::place;
use crate::app::App;
use crate::authorize::{Resource, authorize};

/// The service name that requests must be signed for.
pub(crate) const SIGNING_NAME: &str = "codedeploy";
/// As which AWS's service takes the roles that it is given.
const SERVICE_PRINCIPAL: &str = "codedeploy.amazonaws.com";

/// A request that is authentic; its caller's permission is asked on the way to the engine.
pub(crate) struct RequestContext<'a> {
    app: &'a App,
    caller: &'a Caller,
    operation: &'static str,
    tags: KnownTags,
}

impl<'a> RequestContext<'a> {
    pub(crate) fn new(app: &'a App, caller: &'a Caller, operation: &'static str) -> RequestContext<'a> {
        RequestContext { app, caller, operation, tags: KnownTags::default() }
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

    /// As [`RequestContext::allowed_all`], for a request that gives `tags`: `aws:RequestTag/…` and
    /// `aws:TagKeys`.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    fn allowed_with_tags<'t>(
        &self,
        resources: &[Resource<'_>],
        tags: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<&'a Engine, ApiError> {
        let context = self.caller.context.clone().with_request_tags(tags);
        for resource in resources {
            self.decide(self.operation, resource, &context)?;
        }
        Ok(&self.app.engine)
    }

    /// As [`RequestContext::allowed_all`], for a request that takes the tags with `keys` away:
    /// `aws:TagKeys`.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    fn allowed_without_tags<'t>(
        &self,
        resources: &[Resource<'_>],
        keys: impl IntoIterator<Item = &'t str>,
    ) -> Result<&'a Engine, ApiError> {
        let context = self.caller.context.clone().with_tag_keys(keys);
        for resource in resources {
            self.decide(self.operation, resource, &context)?;
        }
        Ok(&self.app.engine)
    }

    /// Whether the caller may also do `operation` on `resource`.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    fn require(&self, operation: &str, resource: &Resource<'_>) -> Result<(), ApiError> {
        self.decide(operation, resource, &self.caller.context)
    }

    /// Whether the caller may give a deployment group the service role `role`. Nobody may hand more power
    /// to the service than an operator lets them.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    fn require_pass_role(&self, role: &str) -> Result<(), ApiError> {
        if !self.app.checks_pass_role {
            return Ok(());
        }
        let context = self.caller.context.clone().with("iam:PassedToService", SERVICE_PRINCIPAL);
        authorize(self.caller, "iam:PassRole", role, &context)
    }

    fn decide(
        &self,
        operation: &str,
        resource: &Resource<'_>,
        context: &PolicyContext,
    ) -> Result<(), ApiError> {
        let action = format!("{SIGNING_NAME}:{operation}");
        let arn = resource.arn(self.app);
        if !self.caller.asks_for_resource_tags() {
            return authorize(self.caller, &action, &arn, context);
        }
        let Some(tags) = self.tags.of(resource) else { return Err(resource_tags::not_at_hand()) };
        let tags = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        authorize(self.caller, &action, &arn, &context.clone().with_resource_tags(tags))
    }
}

/// What a call brings, and in which words it is to be answered. Only here do operations meet a codec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// What both bodies are written in.
    pub(crate) codec: Codec,
    /// The input's.
    pub(crate) body: &'a [u8],
}

impl Call<'_> {
    fn input<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        self.codec.decode(self.body)
    }

    fn output<T: Serialize>(self, shape: &T) -> Result<Bytes, ApiError> {
        self.codec.encode(shape).map(Bytes::from)
    }
}

/// Does `operation`. The answer's body is empty for operations that have no output.
///
/// # Errors
/// The operation's exceptions, and those of service.md §1.
pub(crate) async fn call(
    ctx: &RequestContext<'_>,
    operation: Operation,
    call: Call<'_>,
) -> Result<Bytes, ApiError> {
    use Operation as O;
    match operation {
        O::CreateApplication => call.output(&application::create(ctx, call.input()?).await?),
        O::GetApplication => call.output(&application::get(ctx, call.input()?).await?),
        O::BatchGetApplications => call.output(&application::batch_get(ctx, call.input()?).await?),
        O::ListApplications => call.output(&application::list(ctx, call.input()?).await?),
        O::UpdateApplication => no_output(application::update(ctx, call.input()?).await?),
        O::DeleteApplication => no_output(application::delete(ctx, call.input()?).await?),

        O::RegisterApplicationRevision => no_output(revision::register(ctx, call.input()?).await?),
        O::GetApplicationRevision => call.output(&revision::get(ctx, call.input()?).await?),
        O::BatchGetApplicationRevisions => call.output(&revision::batch_get(ctx, call.input()?).await?),
        O::ListApplicationRevisions => call.output(&revision::list(ctx, call.input()?).await?),

        O::CreateDeploymentGroup => call.output(&deployment_group::create(ctx, call.input()?).await?),
        O::GetDeploymentGroup => call.output(&deployment_group::get(ctx, call.input()?).await?),
        O::BatchGetDeploymentGroups => call.output(&deployment_group::batch_get(ctx, call.input()?).await?),
        O::ListDeploymentGroups => call.output(&deployment_group::list(ctx, call.input()?).await?),
        O::UpdateDeploymentGroup => call.output(&deployment_group::update(ctx, call.input()?).await?),
        O::DeleteDeploymentGroup => call.output(&deployment_group::delete(ctx, call.input()?).await?),

        O::CreateDeploymentConfig => call.output(&deployment_config::create(ctx, call.input()?).await?),
        O::GetDeploymentConfig => call.output(&deployment_config::get(ctx, call.input()?).await?),
        O::ListDeploymentConfigs => call.output(&deployment_config::list(ctx, call.input()?).await?),
        O::DeleteDeploymentConfig => no_output(deployment_config::delete(ctx, call.input()?).await?),

        O::CreateDeployment => call.output(&deployment::create(ctx, call.input()?).await?),
        O::GetDeployment => call.output(&deployment::get(ctx, call.input()?).await?),
        O::BatchGetDeployments => call.output(&deployment::batch_get(ctx, call.input()?).await?),
        O::ListDeployments => {
            call.output(&deployment::list(ctx, read_deployment_list(call.codec, call.body)?).await?)
        }
        O::StopDeployment => call.output(&deployment::stop(ctx, call.input()?).await?),

        O::ListDeploymentTargets => call.output(&target::list(ctx, call.input()?).await?),
        O::GetDeploymentTarget => call.output(&target::get(ctx, call.input()?).await?),
        O::BatchGetDeploymentTargets => call.output(&target::batch_get(ctx, call.input()?).await?),
        O::ListDeploymentInstances => call.output(&instance::list(ctx, call.input()?).await?),
        O::GetDeploymentInstance => call.output(&instance::get(ctx, call.input()?).await?),
        O::BatchGetDeploymentInstances => call.output(&instance::batch_get(ctx, call.input()?).await?),

        O::RegisterOnPremisesInstance => no_output(host::register(ctx, call.input()?).await?),
        O::DeregisterOnPremisesInstance => no_output(host::deregister(ctx, call.input()?).await?),
        O::GetOnPremisesInstance => call.output(&host::get(ctx, call.input()?).await?),
        O::BatchGetOnPremisesInstances => call.output(&host::batch_get(ctx, call.input()?).await?),
        O::ListOnPremisesInstances => call.output(&host::list(ctx, call.input()?).await?),
        O::AddTagsToOnPremisesInstances => no_output(host::add_tags(ctx, call.input()?).await?),
        O::RemoveTagsFromOnPremisesInstances => no_output(host::remove_tags(ctx, call.input()?).await?),

        O::ContinueDeployment => no_output(deployment::continue_(ctx, call.input()?).await?),
        O::SkipWaitTimeForInstanceTermination => {
            no_output(deployment::skip_wait_time(ctx, call.input()?).await?)
        }
        O::PutLifecycleEventHookExecutionStatus => {
            call.output(&deployment::put_hook_status(ctx, call.input()?).await?)
        }

        O::TagResource => call.output(&tag::add(ctx, call.input()?).await?),
        O::UntagResource => call.output(&tag::remove(ctx, call.input()?).await?),
        O::ListTagsForResource => call.output(&tag::list(ctx, call.input()?).await?),

        O::ListGitHubAccountTokenNames => call.output(&git_hub::list(ctx, call.input()?).await?),
        O::DeleteGitHubAccountToken => call.output(&git_hub::delete(ctx, call.input()?).await?),
        O::DeleteResourcesByExternalId => {
            call.output(&deployment::delete_by_external_id(ctx, &call.input()?)?)
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
    call: Call<'_>,
) -> Result<Bytes, ApiError> {
    use ExtensionOperation as E;
    match operation {
        E::CreateEnrollmentToken => call.output(&enrollment::create_token(ctx, call.input()?).await?),
        E::DeleteEc2Instance => call.output(&ec2::delete(ctx, call.input()?).await?),
        E::ListEc2Instances => call.output(&ec2::list(ctx, call.input()?).await?),
        E::ListEnrollmentTokens => call.output(&enrollment::list_tokens(ctx, call.input()?).await?),
        E::GetWebhookSecret => call.output(&webhook::secret(ctx, call.input()?)?),
        E::LinkApplicationToGitHub => call.output(&git_hub::link(ctx, call.input()?).await?),
        E::GetDeploymentTimeline => call.output(&timeline::get(ctx, call.input()?).await?),
        E::ListAuditEvents => call.output(&audit::list(ctx, call.input()?).await?),
        E::ListEvents => call.output(&timeline::list_events(ctx, call.input()?).await?),
        E::ListHosts => call.output(&extension::list_hosts(ctx, call.input()?).await?),
        E::ListScriptTimes => call.output(&timeline::list_script_times(ctx, call.input()?).await?),
        E::ListUndeliveredNotifications => call.output(&notification::list(ctx, call.input()?).await?),
        E::PutEc2Instance => call.output(&ec2::put(ctx, call.input()?).await?),
        E::PutGitHubAccountToken => call.output(&git_hub::put(ctx, call.input()?).await?),
        E::ResendNotifications => call.output(&notification::resend(ctx, call.input()?).await?),
        E::RevokeEnrollmentToken => call.output(&enrollment::revoke_token(ctx, call.input()?).await?),
    }
}

fn no_output((): ()) -> Result<Bytes, ApiError> {
    Ok(Bytes::new())
}
