//! Revisions: what callers may do with them. Source: service.md §3.2.

use longshore_model::id::{ApplicationName, DeploymentGroupName};
use longshore_model::revision::{RegisteredRevision, Revision};
use longshore_store::{Page, StoreError};

use crate::Engine;
use crate::application::ApplicationError;

/// A revision and the groups whose target revision it is.
#[derive(Clone, Debug)]
pub struct RevisionView {
    /// The record.
    pub registered: RegisteredRevision,
    /// Groups, ascending by name.
    pub groups: Vec<DeploymentGroupName>,
}

/// Why an operation on a revision was refused.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// There is no such application.
    #[error("no application found for name: {0}")]
    NoSuchApplication(ApplicationName),
    /// The application does not know it; `similar` are registered revisions of the same object.
    #[error("the revision is not registered with application `{application}`")]
    NotFound {
        /// The application.
        application: ApplicationName,
        /// Same bucket and key (or repository), other version or ETag.
        similar: Vec<Revision>,
    },
    /// The store failed.
    #[error("the revisions could not be read or written")]
    Store(#[source] StoreError),
}

impl Engine {
    /// Makes a revision known to an application. A known one gets the new description, if there is one.
    ///
    /// # Errors
    /// `NoSuchApplication`, `Store`.
    pub async fn register_revision(
        &self,
        application: &ApplicationName,
        revision: Revision,
        description: Option<String>,
    ) -> Result<(), RevisionError> {
        let registered = RegisteredRevision {
            application: application.clone(),
            revision,
            description,
            registered_at: self.now(),
            first_used_at: None,
            last_used_at: None,
        };
        match self.inner.store.register_revision(&registered).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(RevisionError::NoSuchApplication(application.clone())),
            Err(error) => Err(RevisionError::Store(error)),
        }
    }

    /// The record of `revision`, found by its whole identity.
    ///
    /// # Errors
    /// `NoSuchApplication`, `NotFound`, `Store`.
    pub async fn revision(
        &self,
        application: &ApplicationName,
        revision: &Revision,
    ) -> Result<RevisionView, RevisionError> {
        self.require_revision_application(application).await?;
        let store = &self.inner.store;
        if let Some(registered) = store.revision(application, revision).await.map_err(RevisionError::Store)? {
            let groups = store.groups_with_target(application, revision).await;
            return Ok(RevisionView { registered, groups: groups.map_err(RevisionError::Store)? });
        }
        let all = self.all_revisions(application).await?;
        let similar = all
            .into_iter()
            .map(|known| known.revision)
            .filter(|known| is_same_object(known, revision))
            .collect();
        Err(RevisionError::NotFound { application: application.clone(), similar })
    }

    /// Every revision of the application in order of registration, each with its groups.
    ///
    /// # Errors
    /// `NoSuchApplication`, `Store`.
    pub async fn revisions(&self, application: &ApplicationName) -> Result<Vec<RevisionView>, RevisionError> {
        self.require_revision_application(application).await?;
        let mut views = Vec::new();
        for registered in self.all_revisions(application).await? {
            let groups = self.inner.store.groups_with_target(application, &registered.revision).await;
            views.push(RevisionView { registered, groups: groups.map_err(RevisionError::Store)? });
        }
        Ok(views)
    }

    async fn all_revisions(
        &self,
        application: &ApplicationName,
    ) -> Result<Vec<RegisteredRevision>, RevisionError> {
        const PAGE: usize = 1000;
        let mut all: Vec<RegisteredRevision> = Vec::new();
        loop {
            let after = all
                .last()
                .map(|last| format!("{:020}/{}", last.registered_at.millis(), last.revision.identity()));
            let page = Page { after, limit: PAGE };
            let found = self.inner.store.revisions(application, &page).await.map_err(RevisionError::Store)?;
            let is_last = found.len() < PAGE;
            all.extend(found);
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn require_revision_application(&self, name: &ApplicationName) -> Result<(), RevisionError> {
        match self.application(name).await {
            Ok(_) => Ok(()),
            Err(ApplicationError::Store(error)) => Err(RevisionError::Store(error)),
            Err(_) => Err(RevisionError::NoSuchApplication(name.clone())),
        }
    }
}

fn is_same_object(known: &Revision, asked: &Revision) -> bool {
    match (known, asked) {
        (Revision::S3 { bucket, key, .. }, Revision::S3 { bucket: asked_bucket, key: asked_key, .. }) => {
            bucket == asked_bucket && key == asked_key
        }
        (Revision::GitHub { repository, .. }, Revision::GitHub { repository: asked_repository, .. }) => {
            repository == asked_repository
        }
        (Revision::S3 { .. }, Revision::GitHub { .. }) | (Revision::GitHub { .. }, Revision::S3 { .. }) => {
            false
        }
    }
}
