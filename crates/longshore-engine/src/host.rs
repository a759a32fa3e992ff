//! Hosts: registering on-premises instances and tagging them. Source: service.md §3.7.

use longshore_model::host::{Host, HostContact, HostIdentity, HostTag, MAX_TAGS};
use longshore_model::id::{HostArn, HostName, PrincipalArn};
use longshore_store::{HostFilter, Page, StoreError};

use crate::Engine;

/// Why an operation on a host was refused.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The name is registered already.
    #[error("the on-premises instance name `{0}` is already registered")]
    NameTaken(HostName),
    /// Another registered host has the identity.
    #[error("the identity `{0}` is already used by a registered instance")]
    IdentityTaken(PrincipalArn),
    /// No live registration (and, where tombstones count, no tombstone).
    #[error("no on-premises instance is registered under the name `{0}`")]
    NotRegistered(String),
    /// A host would have too many tags.
    #[error("an on-premises instance may have at most {0} tags")]
    TooManyTags(usize),
    /// The store failed.
    #[error("the on-premises instances could not be read or written")]
    Store(#[source] StoreError),
}

impl Engine {
    /// Registers a host.
    ///
    /// # Errors
    /// `NameTaken`, `IdentityTaken`, `Store`.
    pub async fn register_host(&self, name: HostName, identity: HostIdentity) -> Result<(), HostError> {
        let host = self.new_host(name.clone(), identity);
        match self.inner.store.register_host(&host).await {
            Ok(()) => Ok(()),
            Err(StoreError::AlreadyExists(taken)) if taken == name.as_str() => {
                Err(HostError::NameTaken(name))
            }
            Err(StoreError::AlreadyExists(_)) => {
                Err(HostError::IdentityTaken(host.identity.principal().clone()))
            }
            Err(error) => Err(HostError::Store(error)),
        }
    }

    /// A host without tags, as it is registered now.
    pub(crate) fn new_host(&self, name: HostName, identity: HostIdentity) -> Host {
        let config = &self.inner.config;
        let arn = format!(
            "arn:aws:codedeploy:{}:{}:instance/{name}_{}",
            config.region,
            config.account_id,
            self.draw().host_arn_suffix()
        );
        Host {
            name,
            arn: HostArn(arn),
            identity,
            registered_at: self.now(),
            deregistered_at: None,
            tags: Vec::new(),
        }
    }

    /// Takes a host out of all selections at once. An unknown name succeeds.
    ///
    /// # Errors
    /// `Store`.
    pub async fn deregister_host(&self, name: &HostName) -> Result<(), HostError> {
        let now = self.now();
        let forget_before = now.minus(self.inner.config.tombstone);
        let host = self.inner.store.host(name).await.map_err(HostError::Store)?;
        self.inner.store.deregister_host(name, now, forget_before).await.map_err(HostError::Store)?;
        if let Some(host) = host {
            self.inner.arrivals.forget(host.identity.principal());
        }
        Ok(())
    }

    /// The registered host called `name`, else its tombstone while that lives.
    ///
    /// # Errors
    /// `NotRegistered`, `Store`.
    pub async fn host(&self, name: &HostName) -> Result<Host, HostError> {
        let found = self.inner.store.host(name).await.map_err(HostError::Store)?;
        let oldest = self.now().minus(self.inner.config.tombstone);
        found
            .filter(|host| host.deregistered_at.is_none_or(|at| at >= oldest))
            .ok_or_else(|| HostError::NotRegistered(name.to_string()))
    }

    /// Names, ascending; of tombstones only those that live.
    ///
    /// # Errors
    /// `Store`.
    pub async fn hosts(&self, filter: &HostFilter, page: &Page) -> Result<Vec<HostName>, HostError> {
        let oldest = self.now().minus(self.inner.config.tombstone);
        let filter = HostFilter { deregistered_from: Some(oldest), ..filter.clone() };
        self.inner.store.hosts(&filter, page).await.map_err(HostError::Store)
    }

    /// Adds every tag to every host, all or nothing.
    ///
    /// # Errors
    /// `NotRegistered`, `TooManyTags`, `Store`.
    pub async fn add_host_tags(&self, names: &[HostName], tags: &[HostTag]) -> Result<(), HostError> {
        match self.inner.store.add_host_tags(names, tags, MAX_TAGS).await {
            Ok(()) => {
                let mut principals = Vec::with_capacity(names.len());
                for name in names {
                    let host = self.inner.store.host(name).await.map_err(HostError::Store)?;
                    principals.extend(host.map(|host| host.identity.principal().clone()));
                }
                self.tagged(&principals).await.map_err(HostError::Store)
            }
            Err(StoreError::NotFound(name)) => Err(HostError::NotRegistered(name)),
            Err(StoreError::LimitExceeded { limit, .. }) => Err(HostError::TooManyTags(limit)),
            Err(error) => Err(HostError::Store(error)),
        }
    }

    /// Removes every tag pair from every host, all or nothing.
    ///
    /// # Errors
    /// `NotRegistered`, `Store`.
    pub async fn remove_host_tags(&self, names: &[HostName], tags: &[HostTag]) -> Result<(), HostError> {
        match self.inner.store.remove_host_tags(names, tags).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(name)) => Err(HostError::NotRegistered(name)),
            Err(error) => Err(HostError::Store(error)),
        }
    }

    /// When the host that signs as `principal` was last heard of.
    ///
    /// # Errors
    /// `Store`.
    pub async fn contact(&self, principal: &PrincipalArn) -> Result<Option<HostContact>, HostError> {
        self.inner.store.contact(principal).await.map_err(HostError::Store)
    }
}
