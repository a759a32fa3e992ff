//! Signed deployment specifications. Every command of every host of a deployment asks for the same
//! one, so it is signed once and kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_model::deployment::Deployment;
use longshore_model::git_hub::GitHubSecret;
use longshore_model::id::DeploymentId;
use longshore_model::revision::Revision;
use longshore_model::time::Timestamp;
use longshore_store::{ServerRecord, ServerRecordStore, StoreError};
use longshore_wire::envelope::{PinError, Signer, SignerError, fingerprint};
use longshore_wire::error::ApiError;
use longshore_wire::host_command::shapes::{
    DeploymentSpecification, Envelope, GetDeploymentSpecificationOutput,
};
use longshore_wire::host_command::specification::Specification;
use longshore_wire::host_command::{DEPLOYMENT_SYSTEM, ENVELOPE_FORMAT, MAX_PAYLOAD_CHARS};

/// How many signed specifications are kept: one is about 2 KB.
const MAX_KEPT: usize = 1000;

/// Where the signer's key and certificate are kept.
const RECORD: &str = "signer";

/// Why there is no signer.
#[derive(Debug, thiserror::Error)]
pub enum SignerRecordError {
    /// The record cannot be read or written.
    #[error("cannot read or store the signer's key")]
    Store(#[source] StoreError),
    /// The key cannot be made or read.
    #[error("the signer's key cannot be used")]
    Signer(#[source] SignerError),
    /// The certificate cannot be read.
    #[error("the signer's certificate cannot be used")]
    Certificate(#[source] PinError),
}

/// A specification that an agent could not take.
#[derive(Debug, thiserror::Error)]
enum SpecificationError {
    #[error("the specification of deployment `{0}` cannot be signed")]
    Sign(DeploymentId, #[source] SignerError),
    #[error(
        "the signed specification of deployment `{id}` has {n_chars} characters; agents take at most {MAX_PAYLOAD_CHARS}"
    )]
    TooLong { id: DeploymentId, n_chars: usize },
}

/// A specification and the token in it: with another token it is another one.
struct Kept {
    is_from_git_hub: bool,
    git_hub_secret: Option<GitHubSecret>,
    signed: Arc<GetDeploymentSpecificationOutput>,
}

/// Signs specifications.
pub(crate) struct Specifications {
    signer: Signer,
    signer_fingerprint: String,
    kept: Mutex<HashMap<DeploymentId, Kept>>,
}

impl Specifications {
    /// With the signer of this store, which is made at the first start.
    pub(crate) async fn open(
        store: &dyn ServerRecordStore,
        region: &str,
        now: Timestamp,
    ) -> Result<Specifications, SignerRecordError> {
        // Servers that start at the same time get the same record, whoever is first.
        let fresh = Signer::generate(&format!("codedeploy-signer-{region}.longshore"), now)
            .map_err(SignerRecordError::Signer)?;
        let record = ServerRecord { name: RECORD.to_owned(), value: fresh.to_pem() };
        let pem = store.server_record(&record).await.map_err(SignerRecordError::Store)?;
        let signer = Signer::from_pem(&pem).map_err(SignerRecordError::Signer)?;
        let signer_fingerprint =
            fingerprint(signer.certificate_pem()).map_err(SignerRecordError::Certificate)?;
        Ok(Specifications { signer, signer_fingerprint, kept: Mutex::default() })
    }

    /// By which hosts know the certificate.
    pub(crate) fn signer_fingerprint(&self) -> &str {
        &self.signer_fingerprint
    }

    /// The certificate that specifications are signed with, for hosts to pin.
    pub(crate) fn certificate_pem(&self) -> &str {
        self.signer.certificate_pem()
    }

    /// The signed specification of a deployment, if it is kept and never changes: one with a token does, with
    /// the token.
    pub(super) fn kept_for_all(
        &self,
        deployment: &DeploymentId,
    ) -> Option<Arc<GetDeploymentSpecificationOutput>> {
        let kept = self.lock();
        let known = kept.get(deployment).filter(|known| !known.is_from_git_hub)?;
        Some(Arc::clone(&known.signed))
    }

    /// The signed specification of `deployment`, with the token for its repository if it has one.
    pub(super) fn of(
        &self,
        deployment: &Deployment,
        git_hub_secret: Option<GitHubSecret>,
        now: Timestamp,
    ) -> Result<Arc<GetDeploymentSpecificationOutput>, ApiError> {
        if let Some(known) = self.lock().get(&deployment.id)
            && known.git_hub_secret == git_hub_secret
        {
            return Ok(Arc::clone(&known.signed));
        }
        let signed = self.signed(deployment, git_hub_secret.as_ref(), now).map_err(ApiError::internal)?;
        let signed = Arc::new(signed);
        let mut kept = self.lock();
        if MAX_KEPT <= kept.len() {
            kept.clear();
        }
        let is_from_git_hub = matches!(deployment.revision, Revision::GitHub { .. });
        let known = Kept { is_from_git_hub, git_hub_secret, signed: Arc::clone(&signed) };
        kept.insert(deployment.id.clone(), known);
        Ok(signed)
    }

    fn signed(
        &self,
        deployment: &Deployment,
        git_hub_secret: Option<&GitHubSecret>,
        now: Timestamp,
    ) -> Result<GetDeploymentSpecificationOutput, SpecificationError> {
        let id = &deployment.id;
        let content = Specification::of(deployment, git_hub_secret).to_json();
        let payload =
            self.signer.sign(&content, now).map_err(|error| SpecificationError::Sign(id.clone(), error))?;
        let n_chars = payload.chars().count();
        if MAX_PAYLOAD_CHARS < n_chars {
            return Err(SpecificationError::TooLong { id: id.clone(), n_chars });
        }
        let envelope = Envelope { format: Some(ENVELOPE_FORMAT.to_owned()), payload: Some(payload) };
        Ok(GetDeploymentSpecificationOutput {
            deployment_system: Some(DEPLOYMENT_SYSTEM.to_owned()),
            deployment_specification: Some(DeploymentSpecification {
                generic_envelope: Some(envelope),
                ..DeploymentSpecification::default()
            }),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<DeploymentId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
