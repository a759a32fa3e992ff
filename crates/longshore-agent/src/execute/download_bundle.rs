//! The DownloadBundle command: retention, then the revision from wherever it is, then the pointer.
//! Source: agent.md §5, agent-2x-differences.md §8.

use std::path::{Path, PathBuf};

use longshore_model::revision::BundleType;
use longshore_wire::host_command::specification::{LocalBundleType, RevisionSource, Specification};

use super::download::reuse::{self, BundleSource, Reuse};
use super::download::{self, local};
use super::unpack::{self, BundleKind, UnpackLimits};
use super::{BUNDLE, Executor, blocking, failed};
use crate::failure::CommandFailure;
use crate::layout::{ARCHIVE, Pointer};
use crate::retention;

/// The note of a completion whose revision was not downloaded. Source: agent-2x-differences.md §1.
const REUSED: &str = "BundleSource=archive-reuse";

impl Executor {
    /// Answers the note for the completion.
    pub(super) async fn download_bundle(
        &self,
        spec: &Specification,
        deployment_dir: &Path,
    ) -> Result<&'static str, CommandFailure> {
        self.retain(spec, deployment_dir).await?;
        let is_reused = self.reuse(spec).await;
        let e_tag = if is_reused { None } else { self.fetch(spec, deployment_dir).await? };
        let source = if is_reused { BundleSource::ArchiveReuse } else { BundleSource::Downloaded };
        self.record(deployment_dir, source, e_tag).await;
        self.layout
            .write_pointer(Pointer::MostRecentInstall, &spec.deployment_group_id, deployment_dir)
            .map_err(failed)?;
        Ok(if is_reused { REUSED } else { "" })
    }

    /// Whether the archive of an earlier deployment could be taken. Whatever fails, it is downloaded.
    async fn reuse(&self, spec: &Specification) -> bool {
        let Some(source_id) = spec.reuse_archive_from.clone().filter(|_| self.settings.enable_archive_reuse)
        else {
            return false;
        };
        let e_tag = match &spec.revision {
            RevisionSource::S3 { e_tag, .. } => e_tag.clone(),
            RevisionSource::GitHub { .. } | RevisionSource::Local { .. } => None,
        };
        let reuse = Reuse {
            group_dir: self.layout.group(&spec.deployment_group_id),
            deployment_id: spec.deployment_id.clone(),
            source_id: source_id.clone(),
            appspec_filename: spec.app_spec_filename.clone(),
            e_tag,
        };
        let reused = tokio::task::spawn_blocking(move || reuse.apply()).await;
        match reused {
            Ok(Ok(())) => {
                tracing::info!("Reused the archive of deployment {source_id}");
                return true;
            }
            Ok(Err(error)) => tracing::info!("Not reusing the archive of deployment {source_id}: {error}"),
            Err(error) => tracing::error!("The agent failed inside while reusing {source_id}: {error}"),
        }
        false
    }

    /// Brings the revision here and unpacks it. Answers the bundle's ETag, if it has one.
    async fn fetch(
        &self,
        spec: &Specification,
        deployment_dir: &Path,
    ) -> Result<Option<String>, CommandFailure> {
        let bundle = deployment_dir.join(BUNDLE);
        let archive_dir = deployment_dir.join(ARCHIVE);
        let (kind, e_tag) = match &spec.revision {
            RevisionSource::S3 { bucket, key, bundle_type, version, e_tag } => {
                let (version, e_tag) = (version.as_deref(), e_tag.as_deref());
                let object = download::Object { bucket, key, version, e_tag };
                let e_tag = self.downloader.fetch(&object, &bundle).await.map_err(failed)?;
                (*bundle_type, e_tag)
            }
            RevisionSource::GitHub { account, repository, commit_id, bundle_type } => {
                let bundle_type = bundle_type.as_deref();
                let token = spec.git_hub_access_token.as_ref();
                let commit = download::Commit { account, repository, commit_id, bundle_type, token };
                self.downloader.fetch_commit(&commit, &bundle).await.map_err(failed)?;
                (if bundle_type == Some("zip") { BundleType::Zip } else { BundleType::Tar }, None)
            }
            RevisionSource::Local { location, bundle_type: LocalBundleType::Archive(bundle_type) } => {
                let (from, to) = (PathBuf::from(location), bundle.clone());
                blocking(move || local::link_file(&from, &to)).await?;
                (*bundle_type, None)
            }
            RevisionSource::Local { location, bundle_type: LocalBundleType::Directory } => {
                let from = PathBuf::from(location);
                blocking(move || local::copy_directory(&from, &archive_dir)).await?;
                return Ok(None);
            }
        };
        self.unpack(bundle, kind, archive_dir).await?;
        Ok(e_tag)
    }

    async fn retain(&self, spec: &Specification, deployment_dir: &Path) -> Result<(), CommandFailure> {
        let group_id = &spec.deployment_group_id;
        let last_successful =
            self.layout.read_pointer(Pointer::LastSuccessfulInstall, group_id).map_err(failed)?;
        let group_dir = self.layout.group(group_id);
        let max_revisions = self.settings.max_revisions;
        let current = deployment_dir.to_owned();
        let tracked = self.tracker.deployment_ids();
        blocking(move || {
            let keep = retention::Keep {
                current: &current,
                last_successful: last_successful.as_deref(),
                tracked: &tracked,
            };
            retention::apply(&group_dir, max_revisions, &keep)
        })
        .await
    }

    async fn unpack(
        &self,
        bundle: PathBuf,
        kind: BundleKind,
        archive_dir: PathBuf,
    ) -> Result<(), CommandFailure> {
        let limits = UnpackLimits::of(&self.settings);
        let old_archive = archive_dir.clone();
        blocking(move || download::remove_directory(&old_archive)).await?;
        blocking(move || unpack::unpack(&bundle, kind, &archive_dir, &limits)).await
    }

    /// Without this record the archive is not reused later; that is no reason to fail now.
    async fn record(&self, deployment_dir: &Path, source: BundleSource, e_tag: Option<String>) {
        let dir = deployment_dir.to_owned();
        let recorded =
            tokio::task::spawn_blocking(move || reuse::record(&dir, source, e_tag.as_deref())).await;
        if let Ok(Err(error)) = recorded {
            tracing::warn!("Cannot record the digest of {}: {error}", deployment_dir.display());
        }
    }
}
