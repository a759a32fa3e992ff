//! The engine's only source of chance: new ids.

use longshore_model::id::{DeploymentId, EnrollmentTokenId};
use rand::Rng;

const UPPER_CASE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const ANY_CASE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A new deployment id. The store refuses one that was used before.
pub(crate) fn deployment_id() -> DeploymentId {
    DeploymentId::parse(&format!("d-{}", text(UPPER_CASE, 9))).expect("drawn from the characters of the rule")
}

/// The ten characters that tell two registrations of one host name apart.
pub(crate) fn host_arn_suffix() -> String {
    text(ANY_CASE, 10)
}

/// A new token's id.
pub(crate) fn enrollment_token_id() -> EnrollmentTokenId {
    EnrollmentTokenId::parse(&format!("LSET{}", text(UPPER_CASE, 16)))
        .expect("drawn from the characters of the rule")
}

/// A new token's secret: 238 bits from a generator that is fit for secrets and seeded by the system.
pub(crate) fn enrollment_secret() -> String {
    text(ANY_CASE, 40)
}

/// A lower-case UUID v4.
pub(crate) fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn text(alphabet: &[u8], length: usize) -> String {
    let mut rng = rand::rng();
    (0..length).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
}
