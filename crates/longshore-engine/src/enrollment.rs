//! Enrollment: tokens for machines that are to become hosts, and the becoming. Source: design.md §7.

use std::time::Duration;

use longshore_model::enrollment::{
    DEFAULT_LIFETIME, EnrollmentToken, MAX_LIFETIME, MAX_USES, REMEMBERED, TokenState,
};
use longshore_model::host::{HostIdentity, HostTag};
use longshore_model::id::{EnrollmentTokenId, HostName, PrincipalArn};
use longshore_store::{
    AccessKey, EnrollOutcome, EnrolledHost, InlinePolicy, NewEnrollment, Page, StoreError, StoredToken, User,
};

use crate::Engine;

/// The least that a token may be good for.
const MIN_LIFETIME: Duration = Duration::from_secs(1);

/// Why an operation on tokens was refused.
#[derive(Debug, thiserror::Error)]
pub enum EnrollmentTokenError {
    /// Too short or too long.
    #[error("a token is good for 1 second to {} days, not for {} seconds", MAX_LIFETIME.as_secs() / 86_400, .0.as_secs())]
    Lifetime(Duration),
    /// None or too many.
    #[error("a token is for 1 to {MAX_USES} hosts, not for {0}")]
    Uses(u32),
    /// No such token, or it ended long ago.
    #[error("there is no enrollment token `{0}`")]
    NoSuchToken(EnrollmentTokenId),
    /// The store failed.
    #[error("the enrollment tokens could not be read or written")]
    Store(#[source] StoreError),
}

/// Why a machine did not become a host. Nothing was made and no use was counted.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// The token is of no use any more.
    #[error("the enrollment token `{}` is of no use any more: {state:?}", token.id)]
    Spent {
        /// The token.
        token: Box<EnrollmentToken>,
        /// Why.
        state: TokenState,
    },
    /// No such token, or it ended long ago.
    #[error("there is no enrollment token `{0}`")]
    NoSuchToken(EnrollmentTokenId),
    /// A registered host has the name.
    #[error("the on-premises instance name `{0}` is already registered")]
    HostNameTaken(HostName),
    /// An IAM user has the name.
    #[error("there is an IAM user `{0}` already")]
    UserNameTaken(HostName),
    /// The store failed.
    #[error("the host could not be enrolled")]
    Store(#[source] StoreError),
}

/// What a token is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewToken {
    /// How many hosts; 1 when it is not said.
    pub max_uses: Option<u32>,
    /// How long; an hour when it is not said.
    pub lifetime: Option<Duration>,
    /// What its hosts are tagged with.
    pub tags: Vec<HostTag>,
}

/// As whom a new host will sign, and what it may do besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostUser {
    /// The IAM user.
    pub user: User,
    /// Its key.
    pub key: AccessKey,
    /// Its policy.
    pub policy: InlinePolicy,
}

impl Engine {
    /// Makes a token for `created_by`.
    ///
    /// # Errors
    /// `Lifetime`, `Uses`, `Store`.
    pub async fn create_enrollment_token(
        &self,
        created_by: &PrincipalArn,
        new: NewToken,
    ) -> Result<StoredToken, EnrollmentTokenError> {
        let lifetime = new.lifetime.unwrap_or(DEFAULT_LIFETIME);
        if !(MIN_LIFETIME..=MAX_LIFETIME).contains(&lifetime) {
            return Err(EnrollmentTokenError::Lifetime(lifetime));
        }
        let max_uses = new.max_uses.unwrap_or(1);
        if !(1..=MAX_USES).contains(&max_uses) {
            return Err(EnrollmentTokenError::Uses(max_uses));
        }
        let now = self.now();
        let token = EnrollmentToken {
            id: self.draw().enrollment_token_id(),
            created_at: now,
            created_by: created_by.clone(),
            expires_at: now.plus(lifetime),
            max_uses,
            n_uses: 0,
            revoked_at: None,
            tags: new.tags,
        };
        let stored = StoredToken { token, secret: self.draw().enrollment_secret() };
        let added = self.inner.store.create_enrollment_token(&stored, now.minus(REMEMBERED)).await;
        added.map_err(EnrollmentTokenError::Store)?;
        Ok(stored)
    }

    /// The token with this id and its secret, whether it is of use or not.
    ///
    /// # Errors
    /// `Store`.
    pub async fn enrollment_token(
        &self,
        id: &EnrollmentTokenId,
    ) -> Result<Option<StoredToken>, EnrollmentTokenError> {
        self.inner.store.enrollment_token(id).await.map_err(EnrollmentTokenError::Store)
    }

    /// Tokens by id, ascending.
    ///
    /// # Errors
    /// `Store`.
    pub async fn enrollment_tokens(&self, page: &Page) -> Result<Vec<EnrollmentToken>, EnrollmentTokenError> {
        self.inner.store.enrollment_tokens(page).await.map_err(EnrollmentTokenError::Store)
    }

    /// Takes a token back. Hosts that it has enrolled stay.
    ///
    /// # Errors
    /// `NoSuchToken`, `Store`.
    pub async fn revoke_enrollment_token(
        &self,
        id: &EnrollmentTokenId,
    ) -> Result<EnrollmentToken, EnrollmentTokenError> {
        match self.inner.store.revoke_enrollment_token(id, self.now()).await {
            Ok(token) => Ok(token),
            Err(StoreError::NotFound(_)) => Err(EnrollmentTokenError::NoSuchToken(id.clone())),
            Err(error) => Err(EnrollmentTokenError::Store(error)),
        }
    }

    /// Makes a host called `name` with `token`: its user, registration and tags, and the count of the
    /// token's use, all or nothing. The same request again gets the same answer.
    ///
    /// # Errors
    /// [`EnrollError`].
    pub async fn enroll_host(
        &self,
        token: &EnrollmentToken,
        request_id: String,
        name: HostName,
        user: HostUser,
    ) -> Result<EnrolledHost, EnrollError> {
        let HostUser { user, key, policy } = user;
        let host = self.new_host(name.clone(), HostIdentity::IamUser(user.arn.clone()));
        let new = NewEnrollment { token: token.id.clone(), request_id, host, user, key, policy };
        match self.inner.store.enroll(&new, self.now()).await {
            Ok(EnrollOutcome::Enrolled(enrolled)) => Ok(enrolled),
            Ok(EnrollOutcome::Refused(state)) => {
                Err(EnrollError::Spent { token: Box::new(token.clone()), state })
            }
            Ok(EnrollOutcome::HostNameTaken) => Err(EnrollError::HostNameTaken(name)),
            Ok(EnrollOutcome::UserNameTaken) => Err(EnrollError::UserNameTaken(name)),
            // A host that was registered for a user before there was one.
            Err(StoreError::AlreadyExists(taken)) if taken == new.user.arn.0 => {
                Err(EnrollError::UserNameTaken(name))
            }
            Err(StoreError::NotFound(_)) => Err(EnrollError::NoSuchToken(new.token)),
            Err(error) => Err(EnrollError::Store(error)),
        }
    }
}
