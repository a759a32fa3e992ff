//! Resource tags: what callers may do with them. Source: service.md §3.8.

use longshore_model::application::{ResourceTag, TagChange, TaggedResource};
use longshore_model::id::{ApplicationName, DeploymentGroupName};
use longshore_store::{Page, StoreError};

use crate::Engine;
use crate::application::ApplicationError;
use crate::deployment_group::DeploymentGroupError;

/// Why an operation on tags was refused.
#[derive(Debug, thiserror::Error)]
pub enum TagError {
    /// There is no such application.
    #[error("no application found for name: {0}")]
    NoSuchApplication(ApplicationName),
    /// The application has no such group.
    #[error("No Deployment Group found for name: {0}")]
    NoSuchGroup(DeploymentGroupName),
    /// The resource would have too many.
    #[error("a resource may have at most {0} tags")]
    LimitExceeded(usize),
    /// The store failed.
    #[error("the tags could not be read or written")]
    Store(#[source] StoreError),
}

impl Engine {
    /// Changes the tags of a resource, all or nothing.
    ///
    /// # Errors
    /// `NoSuchApplication`, `NoSuchGroup`, `LimitExceeded`, `Store`.
    pub async fn change_tags(&self, resource: &TaggedResource, change: &TagChange) -> Result<(), TagError> {
        match self.inner.store.change_tags(resource, change).await {
            Ok(()) => {
                let TaggedResource::Group(application, name) = resource else { return Ok(()) };
                // One of them may say that late hosts are to be updated.
                match self.inner.store.deployment_group(application, name).await {
                    Ok(Some(group)) => self.group_changed(&group).await.map_err(TagError::Store),
                    Ok(None) => Ok(()),
                    Err(error) => Err(TagError::Store(error)),
                }
            }
            Err(StoreError::LimitExceeded { limit, .. }) => Err(TagError::LimitExceeded(limit)),
            // Says which of the two names is unknown.
            Err(StoreError::NotFound(_)) => match self.all_tags(resource).await {
                Ok(_) => Err(TagError::Store(StoreError::Stale)),
                Err(error) => Err(error),
            },
            Err(error) => Err(TagError::Store(error)),
        }
    }

    /// Tags of a resource, ascending by key, which is also the page key.
    ///
    /// # Errors
    /// `NoSuchApplication`, `NoSuchGroup`, `Store`.
    pub async fn tags(&self, resource: &TaggedResource, page: &Page) -> Result<Vec<ResourceTag>, TagError> {
        let mut tags = self.all_tags(resource).await?;
        tags.sort_by(|one, other| one.key.cmp(&other.key));
        let is_new = |tag: &ResourceTag| page.after.as_ref().is_none_or(|after| *after < tag.key);
        Ok(tags.into_iter().filter(is_new).take(page.limit).collect())
    }

    async fn all_tags(&self, resource: &TaggedResource) -> Result<Vec<ResourceTag>, TagError> {
        match resource {
            TaggedResource::Application(name) => match self.application(name).await {
                Ok(application) => Ok(application.tags),
                Err(ApplicationError::Store(error)) => Err(TagError::Store(error)),
                Err(_) => Err(TagError::NoSuchApplication(name.clone())),
            },
            TaggedResource::Group(application, name) => {
                match self.find_deployment_group(application, name).await {
                    Ok(group) => Ok(group.tags),
                    Err(DeploymentGroupError::NoSuchApplication(name)) => {
                        Err(TagError::NoSuchApplication(name))
                    }
                    Err(DeploymentGroupError::Store(error)) => Err(TagError::Store(error)),
                    Err(_) => Err(TagError::NoSuchGroup(name.clone())),
                }
            }
        }
    }
}
