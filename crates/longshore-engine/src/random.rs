//! Chance, given to the engine so that a simulation can have the same again; new ids are all it is for.

use longshore_model::id::{DeploymentId, EnrollmentTokenId};
use longshore_model::lifecycle::CommandCopy;
use rand::{Rng, RngCore};

use crate::Engine;

const UPPER_CASE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const ANY_CASE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Where random bytes come from. Some become secrets.
pub trait RandomSource: Send + Sync {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// A generator that is fit for secrets and seeded by the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl RandomSource for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Draws what the engine needs at random.
pub(crate) struct Draw<'a>(&'a dyn RandomSource);

impl Engine {
    pub(crate) fn draw(&self) -> Draw<'_> {
        Draw(&*self.inner.outside.random)
    }
}

impl Draw<'_> {
    /// A new deployment id. The store refuses one that was used before.
    pub(crate) fn deployment_id(mut self) -> DeploymentId {
        DeploymentId::parse(&format!("d-{}", self.text(UPPER_CASE, 9)))
            .expect("drawn from the characters of the rule")
    }

    /// The ten characters that tell two registrations of one host name apart.
    pub(crate) fn host_arn_suffix(mut self) -> String {
        self.text(ANY_CASE, 10)
    }

    /// A new token's id.
    pub(crate) fn enrollment_token_id(mut self) -> EnrollmentTokenId {
        EnrollmentTokenId::parse(&format!("LSET{}", self.text(UPPER_CASE, 16)))
            .expect("drawn from the characters of the rule")
    }

    /// A new token's secret: 238 bits.
    pub(crate) fn enrollment_secret(mut self) -> String {
        self.text(ANY_CASE, 40)
    }

    /// What tells one copy of a command from another, whichever server hands them out.
    pub(crate) fn command_copy(self) -> CommandCopy {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        CommandCopy(u32::from_le_bytes(bytes))
    }

    /// A lower-case UUID v4.
    pub(crate) fn uuid(self) -> String {
        let mut bytes = [0; 16];
        self.0.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(alphabet[self.random_range(0..alphabet.len())])).collect()
    }
}

impl RngCore for Draw<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}
