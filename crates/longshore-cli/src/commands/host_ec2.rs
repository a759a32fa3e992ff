//! `longshore hosts ec2`: telling the server about EC2 instances.

use anyhow::Context;
use clap::Subcommand;
use longshore_model::id::Ec2InstanceId;
use longshore_wire::api::shapes;
use longshore_wire::ec2::{Ec2InstanceInfo, PutEc2InstanceInput};
use serde::Serialize;

use super::hosts::seen;
use crate::advice::Advice;
use crate::output::Output;
use crate::service::{Service, Tag};

/// Tell the server about an EC2 instance, or take one out of its inventory
///
/// The server asks no cloud: it deploys to the instances that it was told about. An instance needs no key
/// of its own. Its agent signs as the instance does, as a session of the role in its instance profile that
/// is named after the instance, and the server knows it by that.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore hosts ec2 put i-0123456789abcdef0 --zone us-east-1a --role web --tag role=web
  longshore hosts ec2 put i-0123456789abcdef0 --zone us-east-1a --role web --state stopped
  longshore hosts ec2 remove i-0123456789abcdef0

With --output json: put {\"instance\":{\"instanceId\",\"instanceArn\",\"availabilityZone\",\"state\",\"roleName\",
\"tags\",\"autoScalingGroupName\",\"launchTemplate\",\"updateTime\",\"lastPollTime\",\"agentVersion\"}}, what is not
known left out; remove {\"instanceId\"}. `longshore hosts` lists the instances.")]
pub(crate) struct Args {
    /// What to do
    #[command(subcommand)]
    command: Ec2Command,
}

#[derive(Debug, Subcommand)]
enum Ec2Command {
    /// Add an instance to the inventory; of one that is there, everything is replaced
    Put(PutArgs),
    /// Take an instance out of the inventory: nothing is deployed to it any more
    Remove {
        /// The instance, like i-0123456789abcdef0
        #[arg(value_name = "INSTANCE")]
        id: String,
    },
}

#[derive(Debug, clap::Args)]
struct PutArgs {
    /// The instance, like i-0123456789abcdef0
    #[arg(value_name = "INSTANCE")]
    id: String,
    /// The availability zone that it runs in
    #[arg(long, value_name = "NAME")]
    zone: String,
    /// The role of its instance profile, without a path
    #[arg(long, value_name = "NAME")]
    role: String,
    /// pending, running, stopping, stopped, shutting-down or terminated; the last two are never deployed to
    #[arg(long, default_value = "running")]
    state: String,
    /// A tag of the instance; may be given several times, no key twice
    #[arg(long, value_name = "KEY=VALUE")]
    tag: Vec<Tag>,
    /// The Auto Scaling group that it belongs to
    #[arg(long, value_name = "NAME")]
    auto_scaling_group: Option<String>,
    /// The launch template that it was launched from
    #[arg(long, value_name = "NAME")]
    launch_template: Option<String>,
}

#[derive(Serialize)]
struct PutDocument<'a> {
    instance: &'a Ec2InstanceInfo,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemovedDocument<'a> {
    instance_id: &'a str,
}

/// Puts or removes.
pub(crate) async fn run(service: &Service, args: &Args, output: Output) -> anyhow::Result<()> {
    match &args.command {
        Ec2Command::Put(put_args) => {
            check_id(&put_args.id)?;
            let instance = service.put_ec2_instance(&input(put_args)).await?;
            let (id, zone, role) = (&instance.instance_id, &instance.availability_zone, &instance.role_name);
            output.text(&format!("{id} is in the inventory: in {zone}, with the role {role}"))?;
            output.json(&PutDocument { instance: &instance })?;
        }
        Ec2Command::Remove { id } => {
            check_id(id)?;
            service.delete_ec2_instance(id).await?;
            output.text(&format!("removed {id}"))?;
            output.json(&RemovedDocument { instance_id: id })?;
        }
    }
    Ok(())
}

fn check_id(id: &str) -> anyhow::Result<()> {
    Ec2InstanceId::parse(id).context(Advice::new(
        "that is no id of an EC2 instance",
        "give it as EC2 shows it, like i-0123456789abcdef0",
    ))?;
    Ok(())
}

fn input(args: &PutArgs) -> PutEc2InstanceInput {
    let shape = |tag: &Tag| shapes::Tag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) };
    PutEc2InstanceInput {
        instance_id: Some(args.id.clone()),
        availability_zone: Some(args.zone.clone()),
        state: Some(args.state.clone()),
        role_name: Some(args.role.clone()),
        tags: Some(args.tag.iter().map(shape).collect()),
        auto_scaling_group_name: args.auto_scaling_group.clone(),
        launch_template: args.launch_template.clone(),
    }
}

/// The heads of the columns of [`row`].
pub(super) const HEADS: [&str; 6] = ["INSTANCE", "STATE", "ZONE", "LAST SEEN", "AGENT", "TAGS"];

/// An instance in a list.
pub(super) fn row(instance: &Ec2InstanceInfo) -> [String; 6] {
    let tag = |tag: &shapes::Tag| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        format!("{}={}", text(&tag.key), text(&tag.value))
    };
    let tags: Vec<String> = instance.tags.iter().map(tag).collect();
    [
        instance.instance_id.clone(),
        instance.state.clone(),
        instance.availability_zone.clone(),
        seen(instance.last_poll_time.map(|time| time.0.secs_f64())),
        instance.agent_version.clone().unwrap_or_default(),
        tags.join(" "),
    ]
}
