//! Enrollment: tokens, and hosts that are made with one.

use std::fmt;

use crate::{AccessKey, InlinePolicy, Page, StoreError, User};
use async_trait::async_trait;
use longshore_model::enrollment::{EnrollmentToken, TokenState};
use longshore_model::host::Host;
use longshore_model::id::{EnrollmentTokenId, HostArn, PrincipalArn};
use longshore_model::time::Timestamp;

/// A token with its secret: SigV4 needs the secret itself. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// All but the secret.
    pub token: EnrollmentToken,
    /// 40 characters.
    pub secret: String,
}

impl fmt::Debug for StoredToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StoredToken").field("token", &self.token).finish_non_exhaustive()
    }
}

/// A host to be made with a token, all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnrollment {
    /// The token.
    pub token: EnrollmentTokenId,
    /// By which the same request is known when it comes again.
    pub request_id: String,
    /// The host, without tags: those of the token are put on it.
    pub host: Host,
    /// As whom it will sign.
    pub user: User,
    /// With what.
    pub key: AccessKey,
    /// What it may do besides.
    pub policy: InlinePolicy,
}

/// A host that was made with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolledHost {
    /// The host's ARN.
    pub host_arn: HostArn,
    /// As whom it signs.
    pub principal: PrincipalArn,
    /// With what.
    pub key: AccessKey,
}

/// What became of an enrollment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrollOutcome {
    /// The host is there: made now, or by the same request before.
    Enrolled(EnrolledHost),
    /// The token is of no use any more; nothing was made.
    Refused(TokenState),
    /// A registered host has the name; nothing was made and no use was counted.
    HostNameTaken,
    /// A user has the name; nothing was made and no use was counted.
    UserNameTaken,
}

/// Tokens, and what is made with them.
#[async_trait]
pub trait EnrollmentStore: Send + Sync {
    /// Adds a token. Those that ended before `forget_before` are removed on this occasion.
    ///
    /// # Errors
    /// `AlreadyExists`.
    async fn create_enrollment_token(
        &self,
        token: &StoredToken,
        forget_before: Timestamp,
    ) -> Result<(), StoreError>;
    /// The token with this id.
    async fn enrollment_token(&self, id: &EnrollmentTokenId) -> Result<Option<StoredToken>, StoreError>;
    /// Tokens by id, ascending.
    async fn enrollment_tokens(&self, page: &Page) -> Result<Vec<EnrollmentToken>, StoreError>;
    /// Takes a token back at `now`; one that was taken back before stays as it is.
    ///
    /// # Errors
    /// `NotFound`.
    async fn revoke_enrollment_token(
        &self,
        id: &EnrollmentTokenId,
        now: Timestamp,
    ) -> Result<EnrollmentToken, StoreError>;
    /// Makes a host and counts the use of its token, both or neither. The request of a host that was
    /// made before gets the same answer and counts nothing, as long as its key and its registration are
    /// there and the token may repeat at `now`.
    ///
    /// # Errors
    /// `NotFound` when there is no such token; `AlreadyExists` when the access key's id was drawn before.
    async fn enroll(&self, enrollment: &NewEnrollment, now: Timestamp) -> Result<EnrollOutcome, StoreError>;
}
