//! Enrollment: how a machine becomes a host by itself, with a token that somebody made for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::host::HostTag;
use crate::id::{EnrollmentTokenId, PrincipalArn};
use crate::time::Timestamp;

/// How long a token is good for when nothing else is asked for.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The longest that a token may be good for: it is for machines that are being set up.
pub const MAX_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The most hosts that one token may enroll.
pub const MAX_USES: u32 = 10_000;

/// How long a token is remembered after its end, so that a late user is told what it was.
pub const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentToken {
    /// Also the access key id that an enrollment is signed with.
    pub id: EnrollmentTokenId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: PrincipalArn,
    /// From then on it is of no use.
    pub expires_at: Timestamp,
    /// How many hosts it may enroll; at least 1.
    pub max_uses: u32,
    /// How many it has enrolled.
    pub n_uses: u32,
    /// When somebody took it back.
    pub revoked_at: Option<Timestamp>,
    /// What its hosts are tagged with.
    pub tags: Vec<HostTag>,
}

/// Whether a token is of use, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It can enroll one more host.
    Usable,
    /// It has enrolled all the hosts that it was for.
    UsedUp,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}

impl EnrollmentToken {
    /// What it is good for at `now`. What somebody did to it is told before what time did.
    pub fn state(&self, now: Timestamp) -> TokenState {
        if self.revoked_at.is_some() {
            TokenState::Revoked
        } else if self.n_uses >= self.max_uses {
            TokenState::UsedUp
        } else if self.expires_at <= now {
            TokenState::Expired
        } else {
            TokenState::Usable
        }
    }

    /// Whether an enrollment that it has counted may be answered again at `now`: its answer may have been
    /// lost, but a key is not shown for ever.
    pub fn may_repeat(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(n_uses: u32, revoked_at: Option<i64>) -> EnrollmentToken {
        EnrollmentToken {
            id: EnrollmentTokenId::parse("LSET0123456789ABCDEF").expect("a valid id"),
            created_at: Timestamp::from_millis(0),
            created_by: PrincipalArn(String::from("arn:aws:iam::000000000000:root")),
            expires_at: Timestamp::from_millis(1000),
            max_uses: 2,
            n_uses,
            revoked_at: revoked_at.map(Timestamp::from_millis),
            tags: Vec::new(),
        }
    }

    #[track_caller]
    fn check(n_uses: u32, revoked_at: Option<i64>, now: i64, expected: (TokenState, bool)) {
        let (token, now) = (token(n_uses, revoked_at), Timestamp::from_millis(now));
        assert_eq!((token.state(now), token.may_repeat(now)), expected);
    }

    #[test]
    fn a_token_ends_by_use_by_time_or_by_hand() {
        check(0, None, 999, (TokenState::Usable, true));
        check(1, None, 999, (TokenState::Usable, true));
        check(2, None, 999, (TokenState::UsedUp, true));
        check(1, None, 1000, (TokenState::Expired, false));
        check(2, None, 1000, (TokenState::UsedUp, false));
        check(2, Some(5), 2000, (TokenState::Revoked, false));
        check(0, Some(5), 6, (TokenState::Revoked, false));
    }
}
