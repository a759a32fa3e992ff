//! `longshore push`, and the pushing that `deploy` and `demo` share.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use longshore_model::id::ApplicationName;
use serde::Serialize;

use super::Outcome;
use super::watch::now;
use crate::advice::Advice;
use crate::args::Global;
use crate::bundle::{self, BadBundle, Bundle, Hidden};
use crate::output::Output;
use crate::output::line::{Line, Tone};
use crate::service::{S3Revision, Service, default_bucket};
use crate::settings;

/// Pack a folder, check its AppSpec, upload it and register it as a revision
///
/// The AppSpec file is checked before anything is uploaded: its YAML, its rules, and that every file and
/// script it names is in the folder. Modes and symlinks are kept. The application must exist.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore push ./my-app --application my-app
  longshore push ./my-app --application my-app --bucket releases --key my-app/1.2.3.zip

With --output json: {\"revision\":{\"bucket\",\"key\",\"bundleType\",\"version\",\"eTag\"},\"url\",\"s3Location\",
\"sizeBytes\",\"nEntries\",\"warnings\"}")]
pub(crate) struct Args {
    /// The folder, with an appspec.yml in it
    folder: PathBuf,
    /// The application that the revision is for
    #[arg(long, value_name = "NAME")]
    application: String,
    /// Where and how
    #[command(flatten)]
    upload: UploadArgs,
}

/// Flags of an upload.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct UploadArgs {
    /// The bucket [default: longshore-bundles-REGION, made if it is not there]
    #[arg(long)]
    bucket: Option<String>,
    /// The object's key [default: APPLICATION/TIME.zip]
    #[arg(long)]
    key: Option<String>,
    /// A description of the revision or deployment
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Leave out files whose name begins with a dot
    #[arg(long)]
    ignore_hidden_files: bool,
}

impl UploadArgs {
    /// Whether files whose name begins with a dot stay behind.
    pub(crate) fn ignore_hidden_files(&self) -> bool {
        self.ignore_hidden_files
    }

    /// Whether any flag is given that only makes sense with a folder to upload.
    pub(crate) fn is_about_upload(&self) -> bool {
        self.bucket.is_some() || self.key.is_some() || self.ignore_hidden_files
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RevisionDocument<'a> {
    bucket: &'a str,
    key: &'a str,
    bundle_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e_tag: Option<&'a str>,
}

/// What `--output json` shows of a push.
#[derive(Serialize)]
#[serde(tag = "type", rename = "pushed", rename_all = "camelCase")]
struct Document<'a> {
    revision: RevisionDocument<'a>,
    url: String,
    s3_location: String,
    size_bytes: u64,
    n_entries: usize,
    warnings: &'a [String],
}

/// Pushes, and says what to do with the revision.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let packed = pack(&args.folder, args.upload.ignore_hidden_files)?;
    let service = Service::new(settings::connection(global)?)?;
    let revision = upload(&service, &packed, &args.application, &args.upload, output).await?;
    output.text("deploy it with:")?;
    let application = &args.application;
    output.text(&format!(
        "  longshore deploy --application {application} --group GROUP --revision '{}'",
        revision.url()
    ))?;
    output.text("or:")?;
    output.text(&format!(
        "  aws deploy create-deployment --application-name {application} --deployment-group-name GROUP --s3-location {}",
        revision.s3_location()
    ))?;
    Ok(Outcome::Done)
}

/// Checks and packs the folder: nothing has left this machine when it fails.
///
/// # Errors
/// When it is no bundle, with what to do about it.
pub(crate) fn pack(folder: &Path, ignore_hidden_files: bool) -> anyhow::Result<Bundle> {
    let hidden = if ignore_hidden_files { Hidden::LeftOut } else { Hidden::Packed };
    bundle::bundle(folder, hidden).map_err(|error| {
        let hint = error.downcast_ref::<BadBundle>().and_then(hint);
        match hint {
            Some(hint) => {
                error.context(Advice::new(format!("`{}` cannot be deployed", folder.display()), hint))
            }
            None => error,
        }
    })
}

fn hint(bad: &BadBundle) -> Option<&'static str> {
    match bad {
        BadBundle::NotAFolder(_) => Some("name the folder that holds appspec.yml"),
        BadBundle::NoAppSpec(_) => Some(
            "write one: which files go where, which scripts run when; demo/app/appspec.yml is an example",
        ),
        BadBundle::AppSpec { .. } => Some("correct the file; nothing was uploaded"),
        BadBundle::Missing { .. } => {
            Some("correct the path, which is relative to the folder; nothing was uploaded")
        }
        BadBundle::NameNotUtf8(_) | BadBundle::SpecialFile(_) => {
            Some("remove or rename it; nothing was uploaded")
        }
        BadBundle::Walk { .. } | BadBundle::Unreadable { .. } => None,
    }
}

/// Uploads the packed folder and registers it; tells what it did.
///
/// # Errors
/// When the server refuses.
pub(crate) async fn upload(
    service: &Service,
    packed: &Bundle,
    application: &str,
    args: &UploadArgs,
    output: Output,
) -> anyhow::Result<S3Revision> {
    if let Err(error) = ApplicationName::parse(application) {
        bail!(error);
    }
    for warning in &packed.warnings {
        output.line(&Line::of(Tone::Bad, "warning: ").then(Tone::Plain, warning.as_str()))?;
    }
    let bucket = args.bucket.clone().unwrap_or_else(|| default_bucket(&service.connection().region));
    // A bucket that somebody named is theirs to make: a typing error should not make another.
    if args.bucket.is_none() && service.ensure_bucket(&bucket).await? {
        output.text(&format!("made the bucket {bucket}"))?;
    }
    let key = args.key.clone().map_or_else(|| default_key(application), Ok)?;
    let revision = service.upload(packed.file.path(), &bucket, &key).await?;
    service.register_revision(application, &revision, args.description.as_deref()).await?;
    output.text(&format!(
        "pushed {} ({} entries, {}) for {application}",
        revision.url(),
        packed.n_entries,
        size_text(packed.size_bytes)
    ))?;
    output.json(&document(&revision, packed))?;
    Ok(revision)
}

/// A key that sorts by time and is different each millisecond.
fn default_key(application: &str) -> anyhow::Result<String> {
    let time =
        jiff::Timestamp::from_millisecond(now().millis()).context("this machine's clock is out of range")?;
    Ok(format!("{application}/{}.zip", time.strftime("%Y%m%dT%H%M%S%.3fZ")))
}

fn document<'a>(revision: &'a S3Revision, packed: &'a Bundle) -> Document<'a> {
    Document {
        revision: RevisionDocument {
            bucket: &revision.bucket,
            key: &revision.key,
            bundle_type: &revision.bundle_type,
            version: revision.version.as_deref(),
            e_tag: revision.e_tag.as_deref(),
        },
        url: revision.url(),
        s3_location: revision.s3_location(),
        size_bytes: packed.size_bytes,
        n_entries: packed.n_entries,
        warnings: &packed.warnings,
    }
}

fn size_text(size_bytes: u64) -> String {
    match size_bytes {
        0..1024 => format!("{size_bytes} B"),
        1024..0x10_0000 => format!("{} KiB", size_bytes / 1024),
        _ => format!("{:.1} MiB", size_bytes as f64 / 1_048_576.0),
    }
}
