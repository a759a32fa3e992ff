//! Tags of resources, for callers whose policies ask for them (`aws:ResourceTag/…`).
//!
//! Handlers ask for permission in one place and without waiting, before they do anything. So where a
//! decision needs tags that are not at hand, the handler is refused, the tags are read, and the handler is
//! run again from its start. Nobody pays for that whose policies name no tag.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_engine::application::ApplicationError;
use longshore_engine::deployment_group::DeploymentGroupError;
use longshore_model::application::ResourceTag;
use longshore_model::id::{ApplicationName, DeploymentGroupName};
use longshore_wire::error::ApiError;

use super::RequestContext;
use crate::authorize::Resource;

/// What has been read for this request, and what is still to be.
#[derive(Default)]
pub(super) struct KnownTags(Mutex<State>);

#[derive(Default)]
struct State {
    known: BTreeMap<Tagged, Arc<[ResourceTag]>>,
    wanted: Option<Tagged>,
}

/// A resource that can have tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tagged {
    application: ApplicationName,
    group: Option<DeploymentGroupName>,
}

impl Tagged {
    fn of(resource: &Resource<'_>) -> Option<Tagged> {
        match *resource {
            Resource::Application(name) => Some(Tagged { application: name.clone(), group: None }),
            Resource::Group(application, group) => {
                Some(Tagged { application: application.clone(), group: Some(group.clone()) })
            }
            Resource::Applications
            | Resource::Groups(_)
            | Resource::SomeGroup
            | Resource::Config(_)
            | Resource::Configs
            | Resource::Host(_)
            | Resource::Hosts
            | Resource::Ec2Instance(_)
            | Resource::All => None,
        }
    }
}

impl KnownTags {
    /// The tags of `resource`; `None` when they have to be read first.
    pub(super) fn of(&self, resource: &Resource<'_>) -> Option<Arc<[ResourceTag]>> {
        let Some(tagged) = Tagged::of(resource) else { return Some(Arc::default()) };
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = state.known.get(&tagged).cloned();
        if known.is_none() {
            state.wanted = Some(tagged);
        }
        known
    }

    fn take_wanted(&self) -> Option<Tagged> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wanted.take()
    }

    fn keep(&self, tagged: Tagged, tags: Vec<ResourceTag>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).known.insert(tagged, tags.into());
    }
}

/// What a handler that needs tags is refused with; no caller sees it.
pub(super) fn not_at_hand() -> ApiError {
    ApiError::internal("the tags of the resource were not read before the decision")
}

impl RequestContext<'_> {
    /// Reads the tags that a decision was refused for. Whether there was one: then the handler is to be run
    /// again. Each time it is the tags of one more resource, and a request names few.
    ///
    /// # Errors
    /// A failure to read.
    pub(crate) async fn read_wanted_tags(&self) -> Result<bool, ApiError> {
        let Some(wanted) = self.tags.take_wanted() else { return Ok(false) };
        let tags = self.read_tags(&wanted).await?;
        self.tags.keep(wanted, tags);
        Ok(true)
    }

    /// What is not there has no tags.
    async fn read_tags(&self, wanted: &Tagged) -> Result<Vec<ResourceTag>, ApiError> {
        let engine = &self.app.engine;
        match &wanted.group {
            None => match engine.application(&wanted.application).await {
                Ok(application) => Ok(application.tags),
                Err(ApplicationError::NotFound(_)) => Ok(Vec::new()),
                Err(error) => Err(ApiError::internal(error)),
            },
            Some(group) => match engine.deployment_group(&wanted.application, group).await {
                Ok(view) => Ok(view.group.tags),
                Err(DeploymentGroupError::NotFound(_) | DeploymentGroupError::NoSuchApplication(_)) => {
                    Ok(Vec::new())
                }
                Err(error) => Err(ApiError::internal(error)),
            },
        }
    }
}
