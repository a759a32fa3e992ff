//! Every operation with an input that is well formed, and what must be allowed for it. Source: service.md §11.

/// `(operation, input, [(action, resource)])`; actions without a service are CodeDeploy's, resources without
/// `arn:` are what follows the account. `{id}` is a deployment of `web`/`prod`.
pub(crate) type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const WEB: &str = "application:web";
const PROD: &str = "deploymentgroup:web/prod";
const ALL_APPLICATIONS: &str = "application:*";
const INSTANCE: &str = "arn:aws:ec2:eu-test-1:111122223333:instance/i-0abcdef1";
const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";

/// CodeDeploy's, and Longshore's own. What is deleted or stopped comes last.
pub(crate) const OPERATIONS: &[Row] = &[
    (
        "AddTagsToOnPremisesInstances",
        r#"{"instanceNames":["h1","h2"],"tags":[{"Key":"k"}]}"#,
        &[("AddTagsToOnPremisesInstances", "instance/h1"), ("AddTagsToOnPremisesInstances", "instance/h2")],
    ),
    (
        "BatchGetApplicationRevisions",
        r#"{"applicationName":"web","revisions":[{"revisionType":"S3","s3Location":{"bucket":"b","key":"k","bundleType":"zip"}}]}"#,
        &[("BatchGetApplicationRevisions", WEB)],
    ),
    (
        "BatchGetApplications",
        r#"{"applicationNames":["web"]}"#,
        &[("BatchGetApplications", ALL_APPLICATIONS)],
    ),
    (
        "BatchGetDeploymentGroups",
        r#"{"applicationName":"web","deploymentGroupNames":["prod","test"]}"#,
        &[("BatchGetDeploymentGroups", PROD), ("BatchGetDeploymentGroups", "deploymentgroup:web/test")],
    ),
    (
        "BatchGetDeploymentInstances",
        r#"{"deploymentId":"{id}","instanceIds":["h1"]}"#,
        &[("BatchGetDeploymentInstances", PROD)],
    ),
    (
        "BatchGetDeploymentTargets",
        r#"{"deploymentId":"{id}","targetIds":["h1"]}"#,
        &[("BatchGetDeploymentTargets", PROD)],
    ),
    ("BatchGetDeployments", r#"{"deploymentIds":["{id}"]}"#, &[("BatchGetDeployments", PROD)]),
    ("BatchGetOnPremisesInstances", r#"{"instanceNames":["h1"]}"#, &[("BatchGetOnPremisesInstances", "*")]),
    ("CreateApplication", r#"{"applicationName":"new"}"#, &[("CreateApplication", "application:new")]),
    (
        "CreateDeployment",
        r#"{"applicationName":"web","deploymentGroupName":"prod","deploymentConfigName":"CodeDeployDefault.AllAtOnce",
            "revision":{"revisionType":"S3","s3Location":{"bucket":"b","key":"fresh","bundleType":"zip"}}}"#,
        &[
            ("CreateDeployment", PROD),
            ("GetDeploymentConfig", "deploymentconfig:CodeDeployDefault.AllAtOnce"),
            ("RegisterApplicationRevision", WEB),
        ],
    ),
    (
        "CreateDeployment",
        r#"{"applicationName":"web","deploymentGroupName":"prod","revision":{"revisionType":"S3",
            "s3Location":{"bucket":"bundles","key":"web.zip","bundleType":"zip"}}}"#,
        &[
            ("CreateDeployment", PROD),
            ("GetDeploymentConfig", "deploymentconfig:CodeDeployDefault.OneAtATime"),
            ("GetApplicationRevision", WEB),
        ],
    ),
    (
        "CreateDeploymentConfig",
        r#"{"deploymentConfigName":"mine","minimumHealthyHosts":{"type":"HOST_COUNT","value":1}}"#,
        &[("CreateDeploymentConfig", "deploymentconfig:mine")],
    ),
    (
        "CreateDeploymentGroup",
        r#"{"applicationName":"web","deploymentGroupName":"new","serviceRoleArn":"arn:aws:iam::111122223333:role/deploy"}"#,
        &[("CreateDeploymentGroup", "deploymentgroup:web/new"), ("iam:PassRole", ROLE)],
    ),
    ("GetApplication", r#"{"applicationName":"web"}"#, &[("GetApplication", WEB)]),
    (
        "GetApplicationRevision",
        r#"{"applicationName":"web","revision":{"revisionType":"S3","s3Location":{"bucket":"b","key":"k","bundleType":"zip"}}}"#,
        &[("GetApplicationRevision", WEB)],
    ),
    ("GetDeployment", r#"{"deploymentId":"{id}"}"#, &[("GetDeployment", PROD)]),
    (
        "GetDeploymentConfig",
        r#"{"deploymentConfigName":"mine"}"#,
        &[("GetDeploymentConfig", "deploymentconfig:mine")],
    ),
    (
        "GetDeploymentGroup",
        r#"{"applicationName":"web","deploymentGroupName":"prod"}"#,
        &[("GetDeploymentGroup", PROD)],
    ),
    (
        "GetDeploymentInstance",
        r#"{"deploymentId":"{id}","instanceId":"h1"}"#,
        &[("GetDeploymentInstance", PROD)],
    ),
    ("GetDeploymentTarget", r#"{"deploymentId":"{id}","targetId":"h1"}"#, &[("GetDeploymentTarget", PROD)]),
    ("GetOnPremisesInstance", r#"{"instanceName":"h1"}"#, &[("GetOnPremisesInstance", "instance/h1")]),
    (
        "ListApplicationRevisions",
        r#"{"applicationName":"web"}"#,
        &[("ListApplicationRevisions", ALL_APPLICATIONS)],
    ),
    ("ListApplications", "{}", &[("ListApplications", ALL_APPLICATIONS)]),
    ("ListDeploymentConfigs", "{}", &[("ListDeploymentConfigs", "deploymentconfig:*")]),
    (
        "ListDeploymentGroups",
        r#"{"applicationName":"web"}"#,
        &[("ListDeploymentGroups", "deploymentgroup:web/*")],
    ),
    ("ListDeploymentInstances", r#"{"deploymentId":"{id}"}"#, &[("ListDeploymentInstances", PROD)]),
    ("ListDeploymentTargets", r#"{"deploymentId":"{id}"}"#, &[("ListDeploymentTargets", PROD)]),
    ("ListDeployments", "{}", &[("ListDeployments", "*")]),
    (
        "ListDeployments",
        r#"{"applicationName":"web","deploymentGroupName":"prod"}"#,
        &[("ListDeployments", PROD)],
    ),
    ("ListOnPremisesInstances", "{}", &[("ListOnPremisesInstances", "*")]),
    (
        "RegisterApplicationRevision",
        r#"{"applicationName":"web","revision":{"revisionType":"S3","s3Location":{"bucket":"b","key":"k","bundleType":"zip"}}}"#,
        &[("RegisterApplicationRevision", WEB)],
    ),
    (
        "RegisterOnPremisesInstance",
        r#"{"instanceName":"new","iamUserArn":"arn:aws:iam::111122223333:user/new"}"#,
        &[("RegisterOnPremisesInstance", "instance/new")],
    ),
    (
        "RemoveTagsFromOnPremisesInstances",
        r#"{"instanceNames":["h1"],"tags":[{"Key":"k"}]}"#,
        &[("RemoveTagsFromOnPremisesInstances", "instance/h1")],
    ),
    (
        "UpdateApplication",
        r#"{"applicationName":"new","newApplicationName":"newer"}"#,
        &[("UpdateApplication", "application:new"), ("UpdateApplication", "application:newer")],
    ),
    (
        "UpdateDeploymentGroup",
        r#"{"applicationName":"web","currentDeploymentGroupName":"new","newDeploymentGroupName":"newer",
            "serviceRoleArn":"arn:aws:iam::111122223333:role/deploy"}"#,
        &[
            ("UpdateDeploymentGroup", "deploymentgroup:web/new"),
            ("UpdateDeploymentGroup", "deploymentgroup:web/newer"),
            ("iam:PassRole", ROLE),
        ],
    ),
    ("Longshore_v1.GetDeploymentTimeline", r#"{"deploymentId":"{id}"}"#, &[("GetDeploymentTimeline", PROD)]),
    ("Longshore_v1.ListScriptTimes", r#"{"deploymentId":"{id}"}"#, &[("ListScriptTimes", PROD)]),
    ("Longshore_v1.ListAuditEvents", "{}", &[("ListAuditEvents", "*")]),
    ("Longshore_v1.ListEvents", "{}", &[("ListEvents", "*")]),
    ("Longshore_v1.ListUndeliveredNotifications", "{}", &[("ListUndeliveredNotifications", "*")]),
    ("Longshore_v1.ResendNotifications", "{}", &[("ResendNotifications", "*")]),
    ("Longshore_v1.ListEnrollmentTokens", "{}", &[("ListEnrollmentTokens", "*")]),
    ("Longshore_v1.ListHosts", "{}", &[("ListHosts", "*")]),
    (
        "Longshore_v1.PutEc2Instance",
        r#"{"instanceId":"i-0abcdef1","availabilityZone":"a","roleName":"web"}"#,
        &[("PutEc2Instance", INSTANCE)],
    ),
    ("Longshore_v1.ListEc2Instances", "{}", &[("ListEc2Instances", "*")]),
    ("Longshore_v1.DeleteEc2Instance", r#"{"instanceId":"i-0abcdef1"}"#, &[("DeleteEc2Instance", INSTANCE)]),
    ("Longshore_v1.CreateEnrollmentToken", "{}", &[("CreateEnrollmentToken", "*")]),
    (
        "Longshore_v1.RevokeEnrollmentToken",
        r#"{"tokenId":"LSETAAAAAAAAAAAAAAAA"}"#,
        &[("RevokeEnrollmentToken", "*")],
    ),
    ("ContinueDeployment", r#"{"deploymentId":"{id}"}"#, &[("ContinueDeployment", PROD)]),
    (
        "SkipWaitTimeForInstanceTermination",
        r#"{"deploymentId":"{id}"}"#,
        &[("SkipWaitTimeForInstanceTermination", "instance/*")],
    ),
    (
        "PutLifecycleEventHookExecutionStatus",
        r#"{"deploymentId":"{id}","lifecycleEventHookExecutionId":"x","status":"Succeeded"}"#,
        &[("PutLifecycleEventHookExecutionStatus", PROD)],
    ),
    (
        "TagResource",
        r#"{"ResourceArn":"arn:aws:codedeploy:eu-test-1:111122223333:application:web","Tags":[{"Key":"k"}]}"#,
        &[("TagResource", WEB)],
    ),
    (
        "UntagResource",
        r#"{"ResourceArn":"arn:aws:codedeploy:eu-test-1:111122223333:deploymentgroup:web/prod","TagKeys":["k"]}"#,
        &[("UntagResource", PROD)],
    ),
    (
        "ListTagsForResource",
        r#"{"ResourceArn":"arn:aws:codedeploy:eu-test-1:111122223333:application:web"}"#,
        &[("ListTagsForResource", WEB)],
    ),
    ("ListGitHubAccountTokenNames", "{}", &[("ListGitHubAccountTokenNames", "*")]),
    (
        "Longshore_v1.PutGitHubAccountToken",
        r#"{"tokenName":"t","token":"0123456789abcdef"}"#,
        &[("PutGitHubAccountToken", "*")],
    ),
    (
        "Longshore_v1.LinkApplicationToGitHub",
        r#"{"applicationName":"web"}"#,
        &[("LinkApplicationToGitHub", WEB)],
    ),
    ("DeleteGitHubAccountToken", r#"{"tokenName":"t"}"#, &[("DeleteGitHubAccountToken", "*")]),
    ("DeleteResourcesByExternalId", r#"{"externalId":"x"}"#, &[("DeleteResourcesByExternalId", "*")]),
    ("StopDeployment", r#"{"deploymentId":"{id}"}"#, &[("StopDeployment", PROD)]),
    (
        "DeregisterOnPremisesInstance",
        r#"{"instanceName":"new"}"#,
        &[("DeregisterOnPremisesInstance", "instance/new")],
    ),
    ("DeleteApplication", r#"{"applicationName":"newer"}"#, &[("DeleteApplication", "application:newer")]),
    (
        "DeleteDeploymentConfig",
        r#"{"deploymentConfigName":"mine"}"#,
        &[("DeleteDeploymentConfig", "deploymentconfig:mine")],
    ),
    (
        "DeleteDeploymentGroup",
        r#"{"applicationName":"web","deploymentGroupName":"newer"}"#,
        &[("DeleteDeploymentGroup", "deploymentgroup:web/newer")],
    ),
];

/// IAM's and STS's: a form, and what must be allowed for it. `{user}` is the caller.
pub(crate) const IDENTITY_ACTIONS: &[(&str, &str, &str)] = &[
    ("iam", "Action=CreateUser&UserName=u&Path=/p/", "user/p/u"),
    ("iam", "Action=GetUser&UserName=u", "user/p/u"),
    ("iam", "Action=ListUsers", "user/"),
    ("iam", "Action=CreateAccessKey&UserName=u", "user/p/u"),
    ("iam", "Action=ListAccessKeys&UserName=u", "user/p/u"),
    ("iam", "Action=UpdateAccessKey&UserName=u&AccessKeyId=AKIAX&Status=Inactive", "user/p/u"),
    ("iam", "Action=DeleteAccessKey&UserName=u&AccessKeyId=AKIAX", "user/p/u"),
    ("iam", "Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument=x", "user/p/u"),
    ("iam", "Action=GetUserPolicy&UserName=u&PolicyName=p", "user/p/u"),
    ("iam", "Action=ListUserPolicies&UserName=u", "user/p/u"),
    ("iam", "Action=DeleteUserPolicy&UserName=u&PolicyName=p", "user/p/u"),
    ("iam", "Action=CreateGroup&GroupName=g", "group/g"),
    ("iam", "Action=GetGroup&GroupName=g", "group/g"),
    ("iam", "Action=ListGroups", "group/"),
    ("iam", "Action=AddUserToGroup&GroupName=g&UserName=u", "group/g"),
    ("iam", "Action=ListGroupsForUser&UserName=u", "user/p/u"),
    ("iam", "Action=RemoveUserFromGroup&GroupName=g&UserName=u", "group/g"),
    ("iam", "Action=PutGroupPolicy&GroupName=g&PolicyName=p&PolicyDocument=x", "group/g"),
    ("iam", "Action=GetGroupPolicy&GroupName=g&PolicyName=p", "group/g"),
    ("iam", "Action=ListGroupPolicies&GroupName=g", "group/g"),
    ("iam", "Action=DeleteGroupPolicy&GroupName=g&PolicyName=p", "group/g"),
    ("iam", "Action=DeleteGroup&GroupName=g", "group/g"),
    ("iam", "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=x", "role/r"),
    ("iam", "Action=GetRole&RoleName=r", "role/r"),
    ("iam", "Action=ListRoles", "role/"),
    ("iam", "Action=UpdateAssumeRolePolicy&RoleName=r&PolicyDocument=x", "role/r"),
    ("iam", "Action=PutRolePolicy&RoleName=r&PolicyName=p&PolicyDocument=x", "role/r"),
    ("iam", "Action=GetRolePolicy&RoleName=r&PolicyName=p", "role/r"),
    ("iam", "Action=ListRolePolicies&RoleName=r", "role/r"),
    ("iam", "Action=DeleteRolePolicy&RoleName=r&PolicyName=p", "role/r"),
    ("iam", "Action=DeleteRole&RoleName=r", "role/r"),
    ("iam", "Action=DeleteUser&UserName=u", "user/p/u"),
    (
        "sts",
        "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/shut&RoleSessionName=mine",
        "role/shut",
    ),
];
