//! Small valid things for tests of this crate and of those that build on it.

use crate::deployment::{Creator, Deployment, DeploymentStatus, FileExistsBehavior, Late};
use crate::deployment_config::MinimumHealthyHosts;
use crate::deployment_group::AutoRollback;
use crate::host::ec2::{Ec2Instance, Ec2State};
use crate::host::{Host, HostHealth, HostIdentity, HostTag};
use crate::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupId, DeploymentGroupName, DeploymentId,
    Ec2InstanceId, HostArn, HostName, PrincipalArn, RoleName, ZoneName,
};
use crate::plan::begin::Candidate;
use crate::revision::{BundleType, Revision};
use crate::tag_filter::{TagFilter, TagFilterType, TagSelector};
use crate::time::Timestamp;
use crate::traffic::Traffic;

/// A revision whose object has this key.
pub fn revision(key: &str) -> Revision {
    Revision::S3 {
        bucket: String::from("bundles"),
        key: key.to_owned(),
        bundle_type: BundleType::Zip,
        version: None,
        e_tag: None,
    }
}

/// A deployment of `v2.zip` after `v1.zip` under `rule`, accepted at `now` and not begun.
pub fn deployment(rule: MinimumHealthyHosts, now: Timestamp) -> Deployment {
    Deployment {
        id: DeploymentId::parse("d-ABCDEF123").expect("a valid id"),
        application: ApplicationName::parse("app").expect("a valid name"),
        group: DeploymentGroupName::parse("group").expect("a valid name"),
        group_id: DeploymentGroupId::parse("00000000-0000-4000-8000-00000000000a").expect("a valid id"),
        config: DeploymentConfigName::parse("config").expect("a valid name"),
        minimum_healthy_hosts: rule,
        selector: TagSelector::default(),
        ec2_selector: TagSelector::default(),
        revision: revision("v2.zip"),
        previous_revision: Some(revision("v1.zip")),
        description: None,
        creator: Creator::User,
        ignore_application_stop_failures: false,
        update_outdated_instances_only: false,
        only_hosts: None,
        late: Late::default(),
        file_exists_behavior: FileExistsBehavior::Disallow,
        auto_rollback: AutoRollback::default(),
        rollback: None,
        traffic: Traffic::default(),
        target_instances: None,
        alarms: None,
        triggers: Vec::new(),
        override_alarms: None,
        processes_to_suspend: Vec::new(),
        zonal: None,
        restart_of: None,
        status: DeploymentStatus::Created,
        error: None,
        stop: None,
        status_messages: Vec::new(),
        created_at: now,
        started_at: None,
        completed_at: None,
        n_hosts: 0,
        minimum_hosts: 0,
        zones: None,
    }
}

/// A registered host called `name` with what its group remembers of it.
pub fn candidate(name: &str, health: Option<HostHealth>) -> Candidate {
    let host = Host {
        name: HostName::parse(name).expect("a valid name"),
        arn: HostArn(format!("arn:aws:codedeploy:us-east-1:000000000000:instance/{name}_abcdefghij")),
        identity: HostIdentity::IamUser(PrincipalArn(format!("arn:aws:iam::000000000000:user/{name}"))),
        registered_at: Timestamp::from_millis(0),
        deregistered_at: None,
        tags: Vec::new(),
    };
    Candidate::on_premises(host, health)
}

/// A running EC2 instance in `zone`, tagged `role=web`, with the role `web`.
pub fn ec2_instance(id: &str, zone: &str) -> Ec2Instance {
    Ec2Instance {
        id: Ec2InstanceId::parse(id).expect("a valid id"),
        arn: HostArn(format!("arn:aws:ec2:us-east-1:000000000000:instance/{id}")),
        zone: ZoneName::parse(zone).expect("a valid name"),
        state: Ec2State::Running,
        role: RoleName::parse("web").expect("a valid name"),
        tags: vec![HostTag { key: String::from("role"), value: String::from("web") }],
        auto_scaling_group: None,
        launch_template: None,
        put_at: Timestamp::from_millis(0),
    }
}

/// The filter for the tag `key` with `value`.
pub fn filter(key: &str, value: &str) -> TagFilter {
    TagFilter {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
        filter_type: TagFilterType::KeyAndValue,
    }
}
