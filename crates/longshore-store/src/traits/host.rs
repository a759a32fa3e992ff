//! Hosts: registered on-premises instances, their tombstones, their last contact.

use crate::Page;
use crate::StoreError;
use async_trait::async_trait;
use longshore_model::host::{Arrival, Host, HostContact, HostTag};
use longshore_model::id::{HostName, PrincipalArn};
use longshore_model::tag_filter::TagSelector;
use longshore_model::time::Timestamp;

/// Which hosts a list means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFilter {
    /// `Some(true)` only registered, `Some(false)` only tombstones, `None` both, no name twice.
    pub is_registered: Option<bool>,
    /// Of the tombstones only those made at this time or later; `None` does not filter.
    pub deregistered_from: Option<Timestamp>,
    /// Only hosts that this selects; `None` does not filter.
    pub tags: Option<TagSelector>,
}

/// Hosts: registered on-premises instances and tombstones.
#[async_trait]
pub trait HostStore: Send + Sync {
    /// Registers a host (without tags).
    ///
    /// # Errors
    /// `AlreadyExists` with the host's name when the name is registered, with the ARN when another
    /// registered host has it; the name is checked first.
    async fn register_host(&self, host: &Host) -> Result<(), StoreError>;
    /// Turns the registration into a tombstone at `now`. An unknown name is no error. Tombstones
    /// made before `forget_before` are removed on this occasion.
    async fn deregister_host(
        &self,
        name: &HostName,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> Result<(), StoreError>;
    /// Removes tombstones made before `forget_before`, at most `limit`, and answers how many.
    async fn forget_tombstones(&self, forget_before: Timestamp, limit: usize) -> Result<usize, StoreError>;
    /// The registered host called `name`, else its latest tombstone.
    async fn host(&self, name: &HostName) -> Result<Option<Host>, StoreError>;
    /// The registered host that signs as `principal`.
    async fn host_by_principal(&self, principal: &PrincipalArn) -> Result<Option<Host>, StoreError>;
    /// Names in ascending byte order.
    async fn hosts(&self, filter: &HostFilter, page: &Page) -> Result<Vec<HostName>, StoreError>;
    /// Every registered host that `selector` selects, in ascending order of name.
    async fn select_hosts(&self, selector: &TagSelector) -> Result<Vec<Host>, StoreError>;
    /// Adds every tag to every host, all or nothing. A pair that is there already counts once.
    ///
    /// # Errors
    /// `NotFound` with the first name that is not registered; `LimitExceeded` when a host would
    /// have more than `max` pairs.
    async fn add_host_tags(&self, names: &[HostName], tags: &[HostTag], max: usize)
    -> Result<(), StoreError>;
    /// Removes every pair from every host, all or nothing. An absent pair is no error.
    ///
    /// # Errors
    /// `NotFound` with the first name that is not registered.
    async fn remove_host_tags(&self, names: &[HostName], tags: &[HostTag]) -> Result<(), StoreError>;
    /// Notes that the host polled. This alone need not be durable when it returns: it may be kept
    /// in memory and written with the next group commit.
    async fn note_contact(&self, principal: &PrincipalArn, contact: &HostContact) -> Result<(), StoreError>;
    /// When the host was last heard of.
    async fn contact(&self, principal: &PrincipalArn) -> Result<Option<HostContact>, StoreError>;
    /// Notes hosts that have come and are to be looked after, each in place of its earlier arrival.
    async fn note_arrivals(&self, arrivals: &[Arrival]) -> Result<(), StoreError>;
    /// All arrivals that are noted, in ascending order of principal.
    async fn arrivals(&self) -> Result<Vec<Arrival>, StoreError>;
    /// Forgets these arrivals: not one whose host has come again since.
    async fn forget_arrivals(&self, arrivals: &[Arrival]) -> Result<(), StoreError>;
}
