//! What the promises are tried on: small valid things of each kind.

use std::time::Duration;

use longshore_model::application::Application;
use longshore_model::deployment::{
    Creator, Deployment, DeploymentStatus, FileExistsBehavior, Late, StopReason, StopRequest,
};
use longshore_model::deployment_config::MinimumHealthyHosts;
use longshore_model::deployment_group::{
    AutoRollback, DeploymentGroup, GroupHistory, OutdatedInstancesStrategy,
};
use longshore_model::host::{Host, HostIdentity, HostTag};
use longshore_model::id::{
    ApplicationId, ApplicationName, DeploymentConfigName, DeploymentGroupId, DeploymentGroupName,
    DeploymentId, HostArn, HostName, PrincipalArn,
};
use longshore_model::lifecycle::{Diagnostics, IN_PLACE, LifecycleErrorCode, ScriptTime};
use longshore_model::revision::{RegisteredRevision, Revision};
use longshore_model::tag_filter::{TagFilter, TagFilterType, TagSelector};
use longshore_model::target::{Clocks, Target, TargetEvent, TargetKey};
use longshore_model::time::Timestamp;
use longshore_model::traffic::Traffic;

use crate::{Generation, NewRevisionUse, Page, RoundOutcome, Store};

/// More than any promise makes of anything.
pub const NO_LIMIT: usize = usize::MAX;

/// The point `millis` milliseconds into a test.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

/// The page of `limit` items after `after`.
pub fn page(after: Option<&str>, limit: usize) -> Page {
    Page { after: after.map(str::to_owned), limit }
}

/// A list that is long enough for all.
pub fn whole() -> Page {
    page(None, 1000)
}

/// A lower-case UUID that says `text`: equal texts, equal ids.
fn uuid(text: &str) -> String {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let hex = format!("{hex:0>32}");
    let hex = &hex[hex.len() - 32..];
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// An application's name.
pub fn application_name(name: &str) -> ApplicationName {
    ApplicationName::parse(name).expect("a valid name")
}

/// A deployment group's name.
pub fn group_name(name: &str) -> DeploymentGroupName {
    DeploymentGroupName::parse(name).expect("a valid name")
}

/// A deployment config's name.
pub fn config_name(name: &str) -> DeploymentConfigName {
    DeploymentConfigName::parse(name).expect("a valid name")
}

/// A host's name.
pub fn host_name(name: &str) -> HostName {
    HostName::parse(name).expect("a valid name")
}

/// A deployment's id: `d-` and the number.
pub fn deployment_id(number: u32) -> DeploymentId {
    DeploymentId::parse(&format!("d-{number:09}")).expect("a valid id")
}

/// As whom the host called `name` signs.
pub fn principal(name: &str) -> PrincipalArn {
    PrincipalArn(format!("arn:aws:iam::000000000000:user/AWS/CodeDeploy/{name}"))
}

/// An application without tags.
pub fn application(name: &str) -> Application {
    Application {
        id: ApplicationId::parse(&uuid(name)).expect("a valid id"),
        name: application_name(name),
        created_at: at(0),
        tags: Vec::new(),
        git_hub_token: None,
    }
}

/// A group without history.
pub fn group(application: &str, name: &str) -> DeploymentGroup {
    DeploymentGroup {
        id: DeploymentGroupId::parse(&uuid(&format!("{application}/{name}"))).expect("a valid id"),
        application: application_name(application),
        name: group_name(name),
        config: config_name("CodeDeployDefault.OneAtATime"),
        service_role_arn: String::from("arn:aws:iam::000000000000:role/deploy"),
        ec2_selector: TagSelector::default(),
        on_premises_selector: selector("role", "web"),
        auto_rollback: AutoRollback::default(),
        outdated_instances_strategy: OutdatedInstancesStrategy::default(),
        termination_hook_enabled: false,
        traffic: Traffic::default(),
        alarms: None,
        triggers: Vec::new(),
        processes_to_suspend: Vec::new(),
        tags: Vec::new(),
        created_at: at(1),
        history: GroupHistory::default(),
    }
}

/// One filter: the key with the value.
pub fn selector(key: &str, value: &str) -> TagSelector {
    TagSelector::Filters(vec![TagFilter {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
        filter_type: TagFilterType::KeyAndValue,
    }])
}

/// A tag pair.
pub fn tag(key: &str, value: &str) -> HostTag {
    HostTag { key: key.to_owned(), value: value.to_owned() }
}

/// A commit of a repository.
pub fn revision(commit_id: &str) -> Revision {
    Revision::GitHub { repository: String::from("example/site"), commit_id: commit_id.to_owned() }
}

/// A revision that is registered at `registered_at` and was never used.
pub fn registered(application: &str, commit_id: &str, registered_at: Timestamp) -> RegisteredRevision {
    RegisteredRevision {
        application: application_name(application),
        revision: revision(commit_id),
        description: None,
        registered_at,
        first_used_at: None,
        last_used_at: None,
    }
}

/// A registered host without tags.
pub fn host(name: &str) -> Host {
    Host {
        name: host_name(name),
        arn: HostArn(format!("arn:aws:codedeploy:us-east-1:000000000000:instance/{name}_Aa1")),
        identity: HostIdentity::IamUser(principal(name)),
        registered_at: at(0),
        deregistered_at: None,
        tags: Vec::new(),
    }
}

/// A deployment of [`revision`] `r1` to `group`, just created.
pub fn deployment(number: u32, group: &DeploymentGroup, created_at: Timestamp) -> Deployment {
    Deployment {
        id: deployment_id(number),
        application: group.application.clone(),
        group: group.name.clone(),
        group_id: group.id.clone(),
        config: group.config.clone(),
        minimum_healthy_hosts: MinimumHealthyHosts::AllButOne,
        selector: group.on_premises_selector.clone(),
        ec2_selector: group.ec2_selector.clone(),
        revision: revision("r1"),
        previous_revision: None,
        description: Some(String::from("a \"quoted\" description \\ with odd characters: \u{1F680}\n")),
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
        created_at,
        started_at: None,
        completed_at: None,
        n_hosts: 0,
        minimum_hosts: 0,
        zones: None,
    }
}

/// The use that `deployment` makes of its revision.
pub fn revision_use(deployment: &Deployment) -> NewRevisionUse {
    NewRevisionUse {
        revision: RegisteredRevision {
            application: deployment.application.clone(),
            revision: deployment.revision.clone(),
            description: None,
            registered_at: deployment.created_at,
            first_used_at: Some(deployment.created_at),
            last_used_at: Some(deployment.created_at),
        },
    }
}

/// Which target: the host called `host` in the deployment.
pub fn key(deployment: &Deployment, host: &str) -> TargetKey {
    TargetKey { deployment: deployment.id.clone(), host: host_name(host).into() }
}

/// A target that has not begun; its host is called `h` and its position.
pub fn new_target(deployment: &Deployment, position: u32) -> Target {
    let host = host(&format!("h{position}"));
    let principal = host.identity.principal().clone();
    let key = TargetKey { deployment: deployment.id.clone(), host: host.name.into() };
    Target::new(key, position, host.arn, principal, &IN_PLACE, deployment.created_at)
}

/// `deployment` as it is when its hosts have begun.
pub fn started(deployment: &Deployment) -> Deployment {
    Deployment {
        status: DeploymentStatus::InProgress,
        started_at: Some(deployment.created_at),
        ..deployment.clone()
    }
}

/// `deployment` with a stop that somebody asked for.
pub fn stopping(deployment: &Deployment) -> Deployment {
    let stop = StopRequest {
        reason: StopReason::Manual,
        requested_at: at(500),
        was_pending: false,
        rolls_back: None,
    };
    Deployment { stop: Some(stop), ..deployment.clone() }
}

/// `deployment` as it is when it has ended well.
pub fn succeeded(deployment: &Deployment) -> Deployment {
    Deployment { status: DeploymentStatus::Succeeded, completed_at: Some(at(900)), ..deployment.clone() }
}

/// A round that changes nothing but the deployment.
pub fn outcome(deployment: &Deployment) -> RoundOutcome {
    RoundOutcome {
        deployment: deployment.clone(),
        new_targets: Vec::new(),
        target_events: Vec::new(),
        group_history: None,
        host_health: Vec::new(),
        timeline: Vec::new(),
        places: None,
        follow_up: None,
    }
}

/// A report that the event at `event_idx` ended well or not.
pub fn report(event_idx: u32, is_success: bool) -> TargetEvent {
    TargetEvent::Reported {
        event_idx,
        is_success,
        diagnostics: Diagnostics {
            error_code: if is_success {
                LifecycleErrorCode::Success
            } else {
                LifecycleErrorCode::ScriptFailed
            },
            script_name: String::from("scripts/it's \"quoted\".sh"),
            message: String::from("one\nline \\ another"),
            log_tail: String::from("tab\there, nul-free, \u{2028} and \u{1F680}"),
            scripts: vec![ScriptTime::new("scripts/it's \"quoted\".sh", Duration::from_millis(1234))],
        },
    }
}

/// Adds the application and the group.
pub async fn add_group(store: &dyn Store, application: &str, name: &str) -> DeploymentGroup {
    let group = group(application, name);
    if store.application(&group.application).await.expect("read").is_none() {
        store
            .create_application(&self::application(application), NO_LIMIT)
            .await
            .expect("add the application");
    }
    store.create_deployment_group(&group, NO_LIMIT).await.expect("add the group");
    group
}

/// Adds a deployment to `group`.
pub async fn add_deployment(
    store: &dyn Store,
    number: u32,
    group: &DeploymentGroup,
    created_at: Timestamp,
) -> Deployment {
    let deployment = deployment(number, group, created_at);
    store.create_deployment(&deployment, &revision_use(&deployment)).await.expect("add the deployment");
    deployment
}

/// Writes a round over whatever generation is the present one.
pub async fn commit(store: &dyn Store, outcome: &RoundOutcome) -> Vec<Target> {
    let generation = generation(store, &outcome.deployment).await;
    store.commit(generation, outcome, &Clocks::default(), at(100)).await.expect("commit")
}

/// The present generation.
pub async fn generation(store: &dyn Store, deployment: &Deployment) -> Generation {
    store.snapshot(&deployment.id).await.expect("read").expect("it exists").generation
}

/// Adds an application, a group and a deployment in progress with `n_targets` targets, each waiting
/// for its first command to be picked up.
pub async fn add_running_deployment(store: &dyn Store, n_targets: u32) -> Deployment {
    let group = add_group(store, "app", "group").await;
    let deployment = started(&add_deployment(store, 1, &group, at(10)).await);
    let mut begin = outcome(&deployment);
    begin.new_targets = (0..n_targets).map(|position| new_target(&deployment, position)).collect();
    begin.target_events = (0..n_targets).map(|position| (position, TargetEvent::Started)).collect();
    commit(store, &begin).await;
    deployment
}
