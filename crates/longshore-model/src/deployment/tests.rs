//! The table of statuses, and what is said with them.

use super::*;

/// A row a status, a column an event: the first letter of the status after it, `.` when it does not apply.
/// service.md §5.1; `Ready` belongs to load balancers.
#[test]
fn the_table_of_statuses() {
    use DeploymentEvent as E;
    let events = [E::Queued, E::Started, E::ZoneDone, E::ZoneBegun, E::Succeeded, E::Failed, E::Stopped];
    let after = |from: DeploymentStatus, event| match from.after(event) {
        Ok(status) => match status {
            DeploymentStatus::Succeeded => '+',
            DeploymentStatus::Failed => '-',
            DeploymentStatus::Stopped => '!',
            other => other.as_str().chars().next().unwrap(),
        },
        Err(refused) => {
            assert_eq!(refused, IllegalTransition { from, event });
            '.'
        }
    };
    let table: Vec<String> = DeploymentStatus::ALL
        .into_iter()
        .map(|from| format!("{from:?} {}", events.map(|event| after(from, event)).iter().collect::<String>()))
        .collect();
    assert_eq!(
        table,
        [
            "Created QI..+-!",
            "Queued .I..+-!",
            "InProgress ..BI+-!",
            "Baking ...I..!",
            "Succeeded .......",
            "Failed .......",
            "Stopped .......",
        ]
    );
}

/// service.md §5.1: terminal statuses are those three.
#[test]
fn three_statuses_are_final() {
    let is_final: Vec<&str> = DeploymentStatus::ALL
        .iter()
        .filter(|status| status.is_final())
        .map(|status| status.as_str())
        .collect();
    assert_eq!(is_final, ["Succeeded", "Failed", "Stopped"]);
}

/// service.md §5.1: statuses are spelled as the API's enum spells them.
#[test]
fn statuses_are_spelled_as_in_the_api() {
    for status in DeploymentStatus::ALL {
        assert_eq!(status.as_str(), format!("{status:?}"));
        assert_eq!(DeploymentStatus::from_name(status.as_str()), Some(status));
    }
    assert_eq!(DeploymentStatus::from_name("In Progress"), None);
}

/// service.md §5.5: the texts that are known of AWS, which people and tools match on.
#[test]
fn messages_of_aws_are_kept_to_the_letter() {
    let message = |code: ErrorCode| code.error().message;
    assert_eq!(
        message(ErrorCode::HealthConstraints),
        "The overall deployment failed because too many individual instances failed deployment, too few \
         healthy instances are available for deployment, or some instances in your deployment group are \
         experiencing problems."
    );
    assert_eq!(
        message(ErrorCode::HealthConstraintsInvalid),
        "The deployment can't start because the minimum number of healthy instances, as defined by your \
         deployment configuration, are not available. You can reduce the required number of healthy \
         instances by updating your deployment configuration or increase the number of instances in this \
         deployment group."
    );
    assert_eq!(
        message(ErrorCode::NoInstances),
        "The deployment failed because no instances were found for your deployment group. Check your \
         deployment group settings to make sure the tags for your EC2 instances or Auto Scaling groups \
         correctly identify the instances you want to deploy to, and then try again."
    );
    assert_eq!(
        message(ErrorCode::OverMaxInstances),
        "The deployment failed because more instances are targeted for deployment than are allowed for your \
         account. To reduce the number of instances targeted for this deployment, update the tag settings \
         for this deployment group or delete some of the targeted instances."
    );
    assert_eq!(
        StopReason::AlarmActive(vec![String::from("cpu"), String::from("5xx")]).error().message,
        "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and \
         the affected deployments have been stopped. Activated alarms: <cpu> <5xx>"
    );
}

/// service.md §5.5: each reason of a stop has its code, a manual one too.
#[test]
fn a_stop_has_the_code_of_its_reason() {
    let code = |reason: StopReason| reason.error().code.as_str();
    assert_eq!(code(StopReason::Manual), "MANUAL_STOP");
    assert_eq!(code(StopReason::AlarmActive(Vec::new())), "ALARM_ACTIVE");
    let unreadable = StopReason::AlarmUnreadable { alarm: String::from("a"), why: String::from("b") };
    assert_eq!(code(unreadable), "ALARM_ACTIVE");
    assert_eq!(code(StopReason::DeploymentGroupDeleted), "DEPLOYMENT_GROUP_MISSING");
    assert_eq!(code(StopReason::ApplicationDeleted), "APPLICATION_MISSING");
}

/// service.md §7.5: `overrideAlarmConfiguration`, else the group's; `enabled: false` ignores the list. §7.4:
/// a rollback watches none.
#[test]
fn alarms_of_the_deployment_take_the_place_of_the_groups() {
    let alarms = |name: &str, is_enabled| {
        Some(Alarms { is_enabled, ignore_poll_failure: false, names: vec![name.to_owned()] })
    };
    let watched = |group: Option<Alarms>, own: Option<Alarms>, creator| {
        let rule = MinimumHealthyHosts::AllButOne;
        let deployment = Deployment {
            alarms: group,
            override_alarms: own,
            creator,
            ..crate::fixture::deployment(rule, Timestamp::from_millis(0))
        };
        deployment.watched_alarms().map(|alarms| alarms.names.join(" "))
    };
    let (group, own) = (|| alarms("group", true), || alarms("own", true));
    assert_eq!(watched(None, None, Creator::User), None);
    assert_eq!(watched(group(), None, Creator::User).as_deref(), Some("group"));
    assert_eq!(watched(group(), own(), Creator::User).as_deref(), Some("own"));
    assert_eq!(watched(group(), alarms("own", false), Creator::User), None);
    assert_eq!(watched(alarms("group", false), None, Creator::User), None);
    assert_eq!(watched(alarms("group", false), own(), Creator::User).as_deref(), Some("own"));
    assert_eq!(watched(group(), None, Creator::AutoUpdate).as_deref(), Some("group"));
    assert_eq!(watched(group(), own(), Creator::Rollback), None);
}

/// service.md §6.5: the three behaviours, of which `DISALLOW` is the default.
#[test]
fn a_file_in_the_way_is_disallowed_unless_told_otherwise() {
    assert_eq!(FileExistsBehavior::default().as_str(), "DISALLOW");
    for name in ["DISALLOW", "OVERWRITE", "RETAIN"] {
        assert_eq!(FileExistsBehavior::from_name(name).map(FileExistsBehavior::as_str), Some(name));
    }
    assert_eq!(FileExistsBehavior::from_name("retain"), None);
}
