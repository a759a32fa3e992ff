//! What good inputs look like: one call of each operation, and one value of each structure that has rules.
//!
//! Words that begin with `$` are filled in by [`crate::fixture`].

use crate::data::Data;
use crate::model::{Kind, Model};

/// Each operation with an input that breaks no rule, and what it answers: nothing is a success.
pub const VALID: [(&str, &str, &str); 47] = [
    ("AddTagsToOnPremisesInstances", r#"{"instanceNames":["silent"],"tags":[{"Key":"k","Value":"v"}]}"#, ""),
    ("BatchGetApplicationRevisions", r#"{"applicationName":"web","revisions":[$S3]}"#, ""),
    ("BatchGetApplications", r#"{"applicationNames":["web","shop"]}"#, ""),
    ("BatchGetDeploymentGroups", r#"{"applicationName":"web","deploymentGroupNames":["prod","none"]}"#, ""),
    ("BatchGetDeploymentInstances", r#"{"deploymentId":"$ACTIVE","instanceIds":["silent"]}"#, ""),
    ("BatchGetDeploymentTargets", r#"{"deploymentId":"$ACTIVE","targetIds":["silent"]}"#, ""),
    ("BatchGetDeployments", r#"{"deploymentIds":["$ENDED","$ACTIVE","d-NOBODY000"]}"#, ""),
    ("BatchGetOnPremisesInstances", r#"{"instanceNames":["silent","nobody"]}"#, ""),
    ("ContinueDeployment", r#"{"deploymentId":"$ACTIVE"}"#, "UnsupportedActionForDeploymentTypeException"),
    ("CreateApplication", r#"{"applicationName":"made-$CODEC","tags":[{"Key":"k","Value":"v"}]}"#, ""),
    (
        "CreateDeployment",
        r#"{"applicationName":"web","deploymentGroupName":"idle-$CODEC","revision":$S3}"#,
        "",
    ),
    (
        "CreateDeploymentConfig",
        r#"{"deploymentConfigName":"made-$CODEC","minimumHealthyHosts":{"type":"HOST_COUNT","value":1}}"#,
        "",
    ),
    (
        "CreateDeploymentGroup",
        r#"{"applicationName":"web","deploymentGroupName":"made-$CODEC","serviceRoleArn":"$ROLE"}"#,
        "",
    ),
    ("DeleteApplication", r#"{"applicationName":"nobody"}"#, ""),
    ("DeleteDeploymentConfig", r#"{"deploymentConfigName":"nobody"}"#, ""),
    ("DeleteDeploymentGroup", r#"{"applicationName":"web","deploymentGroupName":"nobody"}"#, ""),
    ("DeleteGitHubAccountToken", r#"{"tokenName":"token-$CODEC"}"#, ""),
    ("DeleteResourcesByExternalId", r#"{"externalId":"x"}"#, ""),
    ("DeregisterOnPremisesInstance", r#"{"instanceName":"nobody"}"#, ""),
    ("GetApplication", r#"{"applicationName":"web"}"#, ""),
    ("GetApplicationRevision", r#"{"applicationName":"web","revision":$S3}"#, ""),
    ("GetDeployment", r#"{"deploymentId":"$ACTIVE"}"#, ""),
    ("GetDeploymentConfig", r#"{"deploymentConfigName":"CodeDeployDefault.OneAtATime"}"#, ""),
    ("GetDeploymentGroup", r#"{"applicationName":"web","deploymentGroupName":"prod"}"#, ""),
    ("GetDeploymentInstance", r#"{"deploymentId":"$ACTIVE","instanceId":"silent"}"#, ""),
    ("GetDeploymentTarget", r#"{"deploymentId":"$ACTIVE","targetId":"silent"}"#, ""),
    ("GetOnPremisesInstance", r#"{"instanceName":"silent"}"#, ""),
    (
        "ListApplicationRevisions",
        r#"{"applicationName":"web","sortBy":"registerTime","sortOrder":"ascending"}"#,
        "",
    ),
    ("ListApplications", "{}", ""),
    ("ListDeploymentConfigs", "{}", ""),
    ("ListDeploymentGroups", r#"{"applicationName":"web"}"#, ""),
    ("ListDeploymentInstances", r#"{"deploymentId":"$ACTIVE"}"#, ""),
    ("ListDeploymentTargets", r#"{"deploymentId":"$ACTIVE"}"#, ""),
    ("ListDeployments", r#"{"applicationName":"web","deploymentGroupName":"busy"}"#, ""),
    ("ListGitHubAccountTokenNames", "{}", ""),
    ("ListOnPremisesInstances", "{}", ""),
    ("ListTagsForResource", r#"{"ResourceArn":"$WEB"}"#, ""),
    (
        "PutLifecycleEventHookExecutionStatus",
        r#"{"deploymentId":"$ACTIVE","lifecycleEventHookExecutionId":"x","status":"Succeeded"}"#,
        "UnsupportedActionForDeploymentTypeException",
    ),
    ("RegisterApplicationRevision", r#"{"applicationName":"web","description":"again","revision":$S3}"#, ""),
    ("RegisterOnPremisesInstance", r#"{"instanceName":"made-$CODEC","iamUserArn":"$USER/made-$CODEC"}"#, ""),
    (
        "RemoveTagsFromOnPremisesInstances",
        r#"{"instanceNames":["silent"],"tags":[{"Key":"k","Value":"v"}]}"#,
        "",
    ),
    (
        "SkipWaitTimeForInstanceTermination",
        r#"{"deploymentId":"$ACTIVE"}"#,
        "UnsupportedActionForDeploymentTypeException",
    ),
    ("StopDeployment", r#"{"deploymentId":"$STOPPABLE"}"#, ""),
    ("TagResource", r#"{"ResourceArn":"$WEB","Tags":[{"Key":"k","Value":"v"}]}"#, ""),
    ("UntagResource", r#"{"ResourceArn":"$WEB","TagKeys":["k"]}"#, ""),
    ("UpdateApplication", r#"{"applicationName":"shop","newApplicationName":"shop"}"#, ""),
    (
        "UpdateDeploymentGroup",
        r#"{"applicationName":"web","currentDeploymentGroupName":"prod","serviceRoleArn":"$ROLE"}"#,
        "",
    ),
];

/// A value of each structure that has rules of its own.
const SAMPLES: [(&str, &str); 18] = [
    ("Alarm", r#"{"name":"a"}"#),
    ("AlarmConfiguration", r#"{"enabled":true,"alarms":[{"name":"a"}]}"#),
    ("AutoRollbackConfiguration", r#"{"enabled":true,"events":["DEPLOYMENT_FAILURE"]}"#),
    ("BlueInstanceTerminationOption", r#"{"action":"KEEP_ALIVE"}"#),
    ("DeploymentReadyOption", r#"{"actionOnTimeout":"CONTINUE_DEPLOYMENT"}"#),
    ("DeploymentStyle", r#"{"deploymentType":"IN_PLACE","deploymentOption":"WITHOUT_TRAFFIC_CONTROL"}"#),
    ("EC2TagFilter", r#"{"Key":"k","Value":"v","Type":"KEY_AND_VALUE"}"#),
    ("ELBInfo", r#"{"name":"a"}"#),
    ("GitHubLocation", r#"{"repository":"a/b","commitId":"0123456789012345678901234567890123456789"}"#),
    ("GreenFleetProvisioningOption", r#"{"action":"DISCOVER_EXISTING"}"#),
    ("MinimumHealthyHosts", r#"{"type":"HOST_COUNT","value":1}"#),
    ("MinimumHealthyHostsPerZone", r#"{"type":"HOST_COUNT","value":1}"#),
    (
        "RevisionLocation",
        r#"{"revisionType":"S3","s3Location":{"bucket":"bundles","key":"web.zip","bundleType":"zip"}}"#,
    ),
    ("S3Location", r#"{"bucket":"bundles","key":"web.zip","bundleType":"zip"}"#),
    ("Tag", r#"{"Key":"k","Value":"v"}"#),
    ("TagFilter", r#"{"Key":"k","Value":"v","Type":"KEY_AND_VALUE"}"#),
    ("TargetGroupInfo", r#"{"name":"a"}"#),
    (
        "TriggerConfig",
        r#"{"triggerName":"t","triggerTargetArn":"arn:aws:sns:us-east-1:000000000000:t",
            "triggerEvents":["DeploymentStart"]}"#,
    ),
];

/// The valid input of `operation`, and what it answers.
///
/// # Panics
/// When there is none: the model has an operation that nobody wrote an input for.
pub fn valid(operation: &str) -> (&'static str, &'static str) {
    let found = VALID.iter().find(|(name, ..)| *name == operation);
    let (_, input, answer) = found.unwrap_or_else(|| panic!("no valid input of {operation} is known"));
    (input, answer)
}

/// A good value of `shape`.
pub fn sample(model: &Model, shape: &str) -> Data {
    if let Some((_, json)) = SAMPLES.iter().find(|(name, _)| *name == shape) {
        return Data::parse(json);
    }
    match &model.shape(shape).kind {
        Kind::Structure { .. } | Kind::Exception => Data::Map(Vec::new()),
        Kind::List(member) => Data::List(vec![sample(model, member)]),
        Kind::Map(key, value) => {
            let key = match sample(model, key) {
                Data::Text(text) => text,
                other => panic!("the key of {shape} is {other:?}"),
            };
            Data::Map(vec![(key, sample(model, value))])
        }
        Kind::Text(values) => Data::Text(values.first().map_or("x", String::as_str).to_owned()),
        Kind::Boolean => Data::Bool(true),
        Kind::Integer | Kind::Timestamp => Data::Integer(1),
        Kind::Double => Data::Float(1.5),
    }
}
