//! What must come of each case, one line an entry. Source: service.md §1.8, §2 and §3.
//!
//! Exceptions are written without the `Exception` at their end, as in service.md.

use crate::cases::Wrong;

/// The exception of a member that is missing or empty, whatever the operation.
const REQUIRED: [(&str, &str); 21] = [
    ("ResourceArn", "ResourceArnRequired"),
    ("TagKeys", "TagRequired"),
    ("Tags", "TagRequired"),
    ("applicationName", "ApplicationNameRequired"),
    ("applicationNames", "ApplicationNameRequired"),
    ("currentDeploymentGroupName", "DeploymentGroupNameRequired"),
    ("deploymentConfigName", "DeploymentConfigNameRequired"),
    ("deploymentGroupName", "DeploymentGroupNameRequired"),
    ("deploymentGroupNames", "DeploymentGroupNameRequired"),
    ("deploymentId", "DeploymentIdRequired"),
    ("deploymentIds", "DeploymentIdRequired"),
    ("instanceId", "InstanceIdRequired"),
    ("instanceIds", "InstanceIdRequired"),
    ("instanceName", "InstanceNameRequired"),
    ("instanceNames", "InstanceNameRequired"),
    ("revisions", "RevisionRequired"),
    ("serviceRoleArn", "RoleRequired"),
    ("tags", "TagRequired"),
    ("targetId", "DeploymentTargetIdRequired"),
    ("targetIds", "DeploymentTargetIdRequired"),
    ("tokenName", "GitHubAccountTokenNameRequired"),
];

/// Members that the service needs though the model calls them optional.
const NEEDED: [(&str, &str); 8] = [
    ("ContinueDeployment", "deploymentId"),
    ("CreateDeployment", "deploymentGroupName"),
    ("CreateDeployment", "revision"),
    ("CreateDeploymentConfig", "minimumHealthyHosts"),
    ("DeleteGitHubAccountToken", "tokenName"),
    ("PutLifecycleEventHookExecutionStatus", "deploymentId"),
    ("SkipWaitTimeForInstanceTermination", "deploymentId"),
    ("UpdateApplication", "applicationName"),
];

/// Where a missing or empty member has another exception: operation, member, missing, empty.
const REQUIRED_OTHERWISE: [(&str, &str, &str, &str); 4] = [
    // There, but not a revision.
    ("CreateDeployment", "revision", "RevisionRequired", "InvalidRevision"),
    ("GetApplicationRevision", "revision", "RevisionRequired", "InvalidRevision"),
    ("RegisterApplicationRevision", "revision", "RevisionRequired", "InvalidRevision"),
    // The table of service.md §2.3 knows one exception for all of it.
    (
        "CreateDeploymentConfig",
        "minimumHealthyHosts",
        "InvalidMinimumHealthyHostValue",
        "InvalidMinimumHealthyHostValue",
    ),
];

/// The exception of a value that breaks its shape's rules. `NoSuchValue` is by the enumeration.
const INVALID: [(&str, &str); 34] = [
    ("ApplicationName", "InvalidApplicationName"),
    ("ApplicationRevisionSortBy", "InvalidSortBy"),
    ("Arn", "InvalidArn"),
    ("AutoRollbackEvent", "InvalidAutoRollbackConfig"),
    ("AutoScalingGroupProcess", "InvalidAutoScalingGroupProcessToSuspend"),
    ("AutoScalingGroupProcessesToSuspendList", "InvalidAutoScalingGroupProcessToSuspend"),
    ("BundleType", "InvalidRevision"),
    ("ComputePlatform", "InvalidComputePlatform"),
    ("DeploymentConfigName", "InvalidDeploymentConfigName"),
    ("DeploymentGroupName", "InvalidDeploymentGroupName"),
    ("DeploymentMode", "InvalidInput"),
    ("DeploymentOption", "InvalidDeploymentStyle"),
    ("DeploymentReadyAction", "InvalidBlueGreenDeploymentConfiguration"),
    ("DeploymentStatus", "InvalidDeploymentStatus"),
    ("DeploymentType", "InvalidDeploymentStyle"),
    ("DeploymentWaitType", "InvalidDeploymentWaitType"),
    ("EC2TagFilterType", "InvalidEC2Tag"),
    ("FileExistsBehavior", "InvalidFileExistsBehavior"),
    ("GreenFleetProvisioningAction", "InvalidBlueGreenDeploymentConfiguration"),
    ("InstanceAction", "InvalidBlueGreenDeploymentConfiguration"),
    ("InstanceStatus", "InvalidInstanceStatus"),
    ("InstanceType", "InvalidInstanceType"),
    ("LifecycleEventStatus", "InvalidLifecycleEventHookExecutionStatus"),
    ("ListStateFilterAction", "InvalidDeployedStateFilter"),
    ("MinimumHealthyHostsPerZoneType", "InvalidZonalDeploymentConfiguration"),
    ("MinimumHealthyHostsType", "InvalidMinimumHealthyHostValue"),
    ("OutdatedInstancesStrategy", "InvalidInput"),
    ("RegistrationStatus", "InvalidRegistrationStatus"),
    ("RevisionLocationType", "InvalidRevision"),
    ("SortOrder", "InvalidSortOrder"),
    ("TagFilterType", "InvalidTag"),
    ("TargetFilterName", "InvalidTargetFilterName"),
    ("TrafficRoutingType", "InvalidTrafficRoutingConfiguration"),
    ("TriggerEventType", "InvalidTriggerConfig"),
];

/// Where a broken rule has another exception: operation, how the member begins, exception.
const INVALID_OTHERWISE: [(&str, &str, &str); 2] = [
    ("CreateDeployment", "targetInstances", "InvalidTargetInstances"),
    ("ListOnPremisesInstances", "tagFilters", "InvalidTagFilter"),
];

/// Whether the service needs a member that the model calls optional.
pub fn is_needed(operation: &str, place: &str) -> bool {
    NEEDED.contains(&(operation, place))
}

/// The exception for something `wrong` at `place`, which is of `shape`.
///
/// # Panics
/// When nobody has written it down.
pub fn code(operation: &str, place: &str, shape: &str, wrong: Wrong) -> String {
    let short = match wrong {
        Wrong::Missing | Wrong::Empty => required(operation, place, shape, wrong),
        Wrong::TooLong | Wrong::BadCharacter | Wrong::NoSuchValue => invalid(operation, place, shape),
        Wrong::Type => Some("Serialization"),
    };
    let short = short.unwrap_or_else(|| panic!("what comes of {operation} with {place} {wrong:?}?"));
    format!("{short}Exception")
}

fn required(operation: &str, place: &str, shape: &str, wrong: Wrong) -> Option<&'static str> {
    let otherwise =
        REQUIRED_OTHERWISE.iter().find(|(name, member, ..)| (*name, *member) == (operation, place));
    if let Some((_, _, missing, empty)) = otherwise {
        return Some(if wrong == Wrong::Missing { missing } else { empty });
    }
    // An item of a list of names is a name.
    let member = place.strip_suffix("[]").unwrap_or(place);
    let found = REQUIRED.iter().find(|(name, _)| *name == member);
    // Processes are no names: an empty one is one that there is not.
    found.map(|(_, code)| *code).or_else(|| invalid(operation, place, shape))
}

fn invalid(operation: &str, place: &str, shape: &str) -> Option<&'static str> {
    let otherwise = INVALID_OTHERWISE
        .iter()
        .find(|(name, beginning, _)| *name == operation && place.starts_with(beginning));
    if let Some((.., code)) = otherwise {
        return Some(code);
    }
    INVALID.iter().find(|(name, _)| *name == shape).map(|(_, code)| *code)
}

/// Exceptions of the model that are never raised here. Source: service.md §3.9.
pub const NEVER_RAISED: [&str; 11] = [
    "DeploymentAlreadyStarted",
    "ECSServiceMappingLimitExceeded",
    "InvalidIgnoreApplicationStopFailuresValue",
    "InvalidInstanceId",
    "InvalidLifecycleEventHookExecutionId",
    "InvalidTarget",
    "InvalidUpdateOutdatedInstancesOnlyValue",
    "LifecycleEventAlreadyCompleted",
    "OperationNotSupported",
    "ResourceValidation",
    "InvalidGitHubAccountToken",
];

/// Exceptions that a caller will be able to provoke, and what they wait for. One that is seen must leave
/// this list.
pub const WAITING: [(&str, &str); 2] = [
    ("DeploymentIsNotInReadyState", "blue/green deployments"),
    ("LifecycleHookLimitExceeded", "Auto Scaling groups"),
];
