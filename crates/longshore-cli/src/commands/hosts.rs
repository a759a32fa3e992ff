//! `longshore hosts`, `longshore hosts add`, `longshore hosts ec2` and `longshore hosts token`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use longshore_model::id::{Ec2InstanceId, HostName};
use longshore_wire::ec2::Ec2InstanceInfo;
use serde::Serialize;

use super::watch::now;
use super::{Outcome, host_ec2, host_token};
use crate::advice::Advice;
use crate::args::Global;
use crate::host_files::{Identity, Places, agent_text, identity_text};
use crate::output::Output;
use crate::output::columns::columns;
use crate::output::line::duration_text;
use crate::service::{KnownHost, Service, Tag};
use crate::settings;

/// List the hosts, register one, or make a token with which machines register themselves
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  longshore hosts
  longshore hosts --output json | jq -r '.hosts[].name'
  longshore hosts token --tag role=web
  longshore hosts add web-1 --tag role=web --write /etc/longshore/web-1
  longshore hosts ec2 put i-0123456789abcdef0 --zone us-east-1a --role web --tag role=web

With --output json: {\"hosts\":[{\"name\",\"arn\",\"iamArn\",\"registerTime\",\"lastPollTime\",\"agentVersion\",
\"tags\":[{\"Key\",\"Value\"}]}],\"ec2Instances\":[{\"instanceId\",…}]}, as `hosts ec2` shows them; lastPollTime
and agentVersion only if its agent has been heard of."
)]
pub(crate) struct Args {
    /// What to do instead of listing
    #[command(subcommand)]
    command: Option<HostsCommand>,
}

#[derive(Debug, Subcommand)]
enum HostsCommand {
    /// Register a host, and print or write the files that its agent needs
    Add(AddArgs),
    Ec2(host_ec2::Args),
    Token(host_token::Args),
}

/// Register a host, and print or write the files that its agent needs
///
/// Makes an IAM user for the host with a key of its own, registers the host under the name and tags it,
/// as `aws deploy register` does. Deployment groups choose hosts by tag.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore hosts add web-1 --tag role=web --write ./web-1
  longshore-agent run --config_file=./web-1/codedeployagent.yml
  longshore hosts add web-2 --tag role=web --tag zone=north

The key in codedeploy.onpremises.yml is the host's only proof of who it is, and is shown this once.

With --output json: {\"name\",\"iamUserArn\",\"region\",\"accessKeyId\",\"secretAccessKey\",\"folder\"}; the
secret only without --write, the folder only with it.")]
struct AddArgs {
    /// The host's name, unique among the registered ones
    name: String,
    /// A tag of the host; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    tag: Vec<Tag>,
    /// Write the files into this folder instead of printing them; the agent's logs and deployments go there too
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListDocument<'a> {
    hosts: &'a [KnownHost],
    ec2_instances: &'a [Ec2InstanceInfo],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddedDocument<'a> {
    name: &'a str,
    iam_user_arn: &'a str,
    region: &'a str,
    access_key_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_access_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<&'a Path>,
}

/// Lists or registers.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    match &args.command {
        None => list(&Service::new(settings::connection(global)?)?, output).await?,
        Some(HostsCommand::Add(add_args)) => {
            let hint = if Ec2InstanceId::parse(&add_args.name).is_ok() {
                "an EC2 instance needs no key: use `longshore hosts ec2 put`"
            } else {
                "choose another"
            };
            HostName::parse(&add_args.name).context(Advice::new("that is no name for a host", hint))?;
            let service = Service::new(settings::connection(global)?)?;
            add(&service, add_args, output).await?;
        }
        Some(HostsCommand::Ec2(ec2_args)) => {
            host_ec2::run(&Service::new(settings::connection(global)?)?, ec2_args, output).await?;
        }
        Some(HostsCommand::Token(token_args)) => {
            host_token::run(&Service::new(settings::connection(global)?)?, token_args, output).await?;
        }
    }
    Ok(Outcome::Done)
}

async fn list(service: &Service, output: Output) -> anyhow::Result<()> {
    let hosts = service.hosts().await?;
    let instances = service.ec2_instances().await?;
    if hosts.is_empty() && instances.is_empty() {
        output.text("no hosts yet: make a token for one with `longshore hosts token --tag Key=Value`")?;
    }
    if !hosts.is_empty() {
        let rows: Vec<[String; 4]> = hosts.iter().map(row).collect();
        output.lines(&columns(["HOST", "LAST SEEN", "AGENT", "TAGS"], &rows))?;
    }
    if !instances.is_empty() {
        let rows: Vec<[String; 6]> = instances.iter().map(host_ec2::row).collect();
        output.lines(&columns(host_ec2::HEADS, &rows))?;
    }
    output.json(&ListDocument { hosts: &hosts, ec2_instances: &instances })?;
    Ok(())
}

/// How long ago a host was heard of, from seconds since the epoch.
pub(super) fn seen(last_poll_time: Option<f64>) -> String {
    match last_poll_time {
        Some(time) => {
            let ago = std::time::Duration::try_from_secs_f64(now().secs_f64() - time).unwrap_or_default();
            format!("{} ago", duration_text(ago))
        }
        None => String::from("never"),
    }
}

fn row(host: &KnownHost) -> [String; 4] {
    let tags: Vec<String> = host.tags.iter().map(Tag::text).collect();
    [
        host.name.clone(),
        seen(host.last_poll_time),
        host.agent_version.clone().unwrap_or_default(),
        tags.join(" "),
    ]
}

async fn add(service: &Service, args: &AddArgs, output: Output) -> anyhow::Result<()> {
    // An agent may be started from anywhere: its configuration needs absolute paths.
    let folder = match &args.write {
        Some(folder) => Some(std::path::absolute(folder).context("the folder's path is no use")?),
        None => None,
    };
    let places = folder.as_deref().map_or_else(Places::of_the_system, Places::below);
    if folder.is_some() && places.identity_file().exists() {
        bail!(Advice::new(
            format!("there is a host's identity already: {}", places.identity_file().display()),
            "choose another folder, or remove the file if that host is gone"
        ));
    }
    let (identity, signer) = service.enroll_host(&args.name, &args.tag).await?;
    let endpoint = &service.connection().endpoint;
    if folder.is_some() {
        let written = places.write_identity(&identity).and_then(|()| places.write_agent(endpoint, &signer));
        written.context("the host is registered, but its files cannot be written")?;
        output.text(&format!("registered {}; start its agent with:", args.name))?;
        output.text(&format!("  longshore-agent run --config_file={}", places.agent_file().display()))?;
    } else {
        print_files(&args.name, &identity, &signer, (&places, endpoint), output)?;
    }
    output.json(&AddedDocument {
        name: &args.name,
        iam_user_arn: &identity.iam_user_arn,
        region: &identity.region,
        access_key_id: &identity.credentials.access_key_id,
        secret_access_key: folder.is_none().then_some(identity.credentials.secret_access_key.as_str()),
        folder: folder.as_deref(),
    })?;
    Ok(())
}

fn print_files(
    name: &str,
    identity: &Identity,
    signer: &str,
    (places, endpoint): (&Places, &str),
    output: Output,
) -> anyhow::Result<()> {
    output.text(&format!("registered {name}; put these files on it, the first readable by root only:"))?;
    let files = [
        (places.identity_file(), identity_text(identity)),
        (places.agent_file(), agent_text(places, endpoint)),
        (places.signer_file(), signer.to_owned()),
    ];
    for (path, text) in files {
        output.text(&format!("\n# {}", path.display()))?;
        output.text(text.trim_end())?;
    }
    output.text("\nthen start the agent:\n  longshore-agent run")?;
    Ok(())
}
