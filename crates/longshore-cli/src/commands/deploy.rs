//! `longshore deploy`: push if a folder is given, make what is missing if asked to, deploy, watch.

use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;
use serde::Serialize;

use super::push::{UploadArgs, pack, upload};
use super::{Outcome, watch};
use crate::advice::Advice;
use crate::args::Global;
use crate::bundle::Bundle;
use crate::output::Output;
use crate::service::{NewDeployment, S3Revision, Service, Tag};
use crate::settings;

/// Deploy a folder or a revision and show it happening
///
/// A folder is packed, checked, uploaded and registered first, as `longshore push` does it. Then the
/// revision goes to the hosts of the deployment group, as many at a time as the deployment config allows.
/// Ctrl-C ends the watching, not the deployment.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore deploy ./my-app --application my-app --group production
  longshore deploy ./my-app --application my-app --group production --create --tag role=web
  longshore deploy --application my-app --group production --revision s3://releases/my-app/1.2.3.zip
  longshore deploy ./my-app --application my-app --group production --config CodeDeployDefault.AllAtOnce

Exit status: 0 Succeeded, 1 Failed, 3 Stopped, 2 could not be done, 130 interrupted (the deployment goes on).

With --output json, a JSON object a line: {\"type\":\"pushed\",...} as `longshore push` prints it, then
{\"type\":\"created\",\"deploymentId\"}, then what `longshore watch` prints, the last {\"type\":\"result\",...}.")]
pub(crate) struct Args {
    /// The folder to deploy, with an appspec.yml in it
    #[arg(required_unless_present_any = ["revision", "s3_location"])]
    folder: Option<PathBuf>,
    /// The application
    #[arg(long, value_name = "NAME")]
    application: String,
    /// The deployment group: which hosts
    #[arg(long, value_name = "NAME")]
    group: String,
    /// The deployment config: how many hosts at a time [default: the group's]
    #[arg(long, value_name = "NAME")]
    config: Option<String>,
    /// Deploy this bundle instead of a folder: s3://BUCKET/KEY, with ?versionId=ID for a version of it
    #[arg(long, value_name = "URL", conflicts_with_all = ["folder", "s3_location"])]
    revision: Option<String>,
    /// The same as the AWS CLI writes it: bucket=B,key=K,bundleType=zip and, if wanted,
    /// version=V, eTag=E
    #[arg(long, value_name = "LOCATION", conflicts_with = "folder")]
    s3_location: Option<String>,
    /// Where and how a folder is uploaded
    #[command(flatten)]
    upload: UploadArgs,
    /// What Install does with files that are there already and not from the previous revision
    #[arg(long, value_enum, value_name = "WHAT")]
    file_exists_behavior: Option<FileExists>,
    /// Go on with a host on which ApplicationStop fails
    #[arg(long)]
    ignore_application_stop_failures: bool,
    /// Make the application and the deployment group if they do not exist
    #[arg(long, requires = "tag")]
    create: bool,
    /// With --create: the group's hosts are those with any of these tags
    #[arg(long, value_name = "KEY=VALUE", requires = "create")]
    tag: Vec<Tag>,
}

/// `--file-exists-behavior`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FileExists {
    /// Fail before anything is changed
    Disallow,
    /// Replace them
    Overwrite,
    /// Keep them
    Retain,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "created", rename_all = "camelCase")]
struct CreatedDocument<'a> {
    deployment_id: &'a str,
}

/// What is to be deployed.
enum Source {
    Folder(Bundle),
    Revision(S3Revision),
}

/// Deploys and watches.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let source = source(args)?;
    let service = Service::new(settings::connection(global)?)?;
    if args.create {
        ensure_group(&service, args, output).await?;
    } else {
        // Before anything is uploaded: a typing error should cost nothing.
        service.require_group(&args.application, &args.group).await?;
    }
    let revision = match source {
        Source::Folder(bundle) => upload(&service, &bundle, &args.application, &args.upload, output).await?,
        Source::Revision(revision) => revision,
    };
    let id = service.create_deployment(new_deployment(args, revision)).await?;
    output.text(&format!("deployment {id}"))?;
    output.json(&CreatedDocument { deployment_id: id.as_str() })?;
    watch::watch(&service, &id, output).await
}

fn source(args: &Args) -> anyhow::Result<Source> {
    if args.folder.is_none() && args.upload.is_about_upload() {
        bail!(Advice::new(
            "--bucket, --key and --ignore-hidden-files are for uploading a folder",
            "name a folder, or leave them out"
        ));
    }
    match (&args.folder, &args.revision, &args.s3_location) {
        (Some(folder), _, _) => Ok(Source::Folder(pack(folder, args.upload.ignore_hidden_files())?)),
        (None, Some(url), _) => Ok(Source::Revision(revision_from_url(url)?)),
        (None, None, Some(location)) => Ok(Source::Revision(revision_from_location(location)?)),
        (None, None, None) => bail!(Advice::new("nothing to deploy", "name a folder, or a --revision")),
    }
}

async fn ensure_group(service: &Service, args: &Args, output: Output) -> anyhow::Result<()> {
    if service.ensure_application(&args.application).await? {
        output.text(&format!("made the application {}", args.application))?;
    }
    if service.ensure_group(&args.application, &args.group, &args.tag).await? {
        let tags: Vec<String> = args.tag.iter().map(Tag::text).collect();
        output.text(&format!(
            "made the deployment group {}: hosts with {}",
            args.group,
            tags.join(" or ")
        ))?;
    }
    Ok(())
}

fn new_deployment(args: &Args, revision: S3Revision) -> NewDeployment {
    let behavior = args.file_exists_behavior.map(|behavior| match behavior {
        FileExists::Disallow => "DISALLOW",
        FileExists::Overwrite => "OVERWRITE",
        FileExists::Retain => "RETAIN",
    });
    NewDeployment {
        application: args.application.clone(),
        group: args.group.clone(),
        config: args.config.clone(),
        revision,
        description: args.upload.description.clone(),
        file_exists_behavior: behavior.map(str::to_owned),
        ignore_application_stop_failures: args.ignore_application_stop_failures,
    }
}

/// Reads `s3://BUCKET/KEY[?versionId=ID]`; the kind of bundle from the key's ending.
fn revision_from_url(url: &str) -> anyhow::Result<S3Revision> {
    let advice =
        || Advice::new(format!("`{url}` is no revision"), "write it as s3://BUCKET/KEY.zip (or .tgz, .tar)");
    let Some((bucket, rest)) = url.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) else {
        bail!(advice());
    };
    let (key, version) = match rest.split_once("?versionId=") {
        Some((key, version)) => (key, Some(version.to_owned())),
        None => (rest, None),
    };
    let bundle_type = match key {
        _ if key.ends_with(".zip") => "zip",
        _ if key.ends_with(".tgz") || key.ends_with(".tar.gz") => "tgz",
        _ if key.ends_with(".tar") => "tar",
        _ => bail!(Advice::new(
            format!("the ending of `{key}` does not tell what kind of bundle it is"),
            "use --s3-location bucket=B,key=K,bundleType=zip (or tgz, tar)"
        )),
    };
    Ok(S3Revision {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        bundle_type: bundle_type.to_owned(),
        version,
        e_tag: None,
    })
}

/// Reads the AWS CLI's shorthand.
fn revision_from_location(location: &str) -> anyhow::Result<S3Revision> {
    let part = |name: &str| {
        location
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    };
    match (part("bucket"), part("key"), part("bundleType")) {
        (Some(bucket), Some(key), Some(bundle_type)) => {
            Ok(S3Revision { bucket, key, bundle_type, version: part("version"), e_tag: part("eTag") })
        }
        _ => bail!(Advice::new(
            format!("`{location}` is no S3 location"),
            "write it as bucket=B,key=K,bundleType=zip[,version=V][,eTag=E]"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(read: anyhow::Result<S3Revision>, expected: &str) {
        let shown = match read {
            Ok(revision) => revision.s3_location(),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_revision_is_written_as_a_url() {
        check(revision_from_url("s3://b/k/1.zip"), "bucket=b,key=k/1.zip,bundleType=zip");
        check(
            revision_from_url("s3://b/k.tar.gz?versionId=v1"),
            "bucket=b,key=k.tar.gz,bundleType=tgz,version=v1",
        );
        check(revision_from_url("b/k.zip"), "`b/k.zip` is no revision");
        check(
            revision_from_url("s3://b/k.rpm"),
            "the ending of `k.rpm` does not tell what kind of bundle it is",
        );
    }

    #[test]
    fn or_as_the_aws_cli_takes_it() {
        check(
            revision_from_location("bucket=b,bundleType=tgz,key=k,eTag=e"),
            "bucket=b,key=k,bundleType=tgz,eTag=e",
        );
        check(revision_from_location("bucket=b"), "`bucket=b` is no S3 location");
    }
}
