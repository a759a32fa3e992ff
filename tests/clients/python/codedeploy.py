"""Every CodeDeploy operation through boto3, with the exceptions that the SDK has types for.

The host named on the command line has an agent; pages hold two items.
"""

import datetime
import io
import sys
import time
import zipfile

from botocore.exceptions import WaiterError

from client import client, equal, run

deploy = client("codedeploy")
s3 = client("s3")
HOST = sys.argv[1]
ACCOUNT = "000000000000"
APP_ARN = f"arn:aws:codedeploy:us-east-1:{ACCOUNT}:application:shop"
GROUP = {"applicationName": "shop", "deploymentGroupName": "web"}
REVISION = {"revisionType": "S3", "s3Location": {"bucket": "bkt", "key": "app.zip", "bundleType": "zip"}}
OTHER_REVISION = {"revisionType": "GitHub", "gitHubLocation": {"repository": "acme/shop", "commitId": "a" * 40}}
WEB = [{"Key": "Role", "Value": "web", "Type": "KEY_AND_VALUE"}]

called = set()
deploy.meta.events.register("before-call.codedeploy", lambda model, **_: called.add(model.name))
done = {}


def raises(name, call, **arguments):
    """The SDK's own type of exception, as callers catch it."""
    try:
        call(**arguments)
    except getattr(deploy.exceptions, name) as error:
        assert error.response["Error"]["Message"], name
        equal(error.response["ResponseMetadata"]["HTTPStatusCode"], 400, name)
        return
    raise AssertionError(f"{name} was expected")


def pages(operation, key, **arguments):
    """All items, and that they came in pages of at most two."""
    all_pages = list(deploy.get_paginator(operation).paginate(**arguments))
    items = [item for page in all_pages for item in page.get(key, [])]
    equal(len(all_pages), max(1, (len(items) + 1) // 2), f"pages of {operation}")
    assert all(len(page.get(key, [])) <= 2 for page in all_pages), operation
    return items


def applications():
    for name in ["shop", "blog", "wiki"]:
        assert deploy.create_application(applicationName=name, computePlatform="Server")["applicationId"]
    raises("ApplicationAlreadyExistsException", deploy.create_application, applicationName="shop")
    raises("InvalidApplicationNameException", deploy.create_application, applicationName="a b")
    raises("InvalidComputePlatformException", deploy.create_application, applicationName="x", computePlatform="ECS")
    info = deploy.get_application(applicationName="shop")["application"]
    equal((info["computePlatform"], info["linkedToGitHub"]), ("Server", False))
    assert info["createTime"].tzinfo, "a time, not a number"
    equal(pages("list_applications", "applications"), ["blog", "shop", "wiki"])
    raises("ApplicationDoesNotExistException", deploy.get_application, applicationName="none")
    deploy.update_application(applicationName="wiki", newApplicationName="pages")
    infos = deploy.batch_get_applications(applicationNames=["pages", "shop"])["applicationsInfo"]
    equal([info["applicationName"] for info in infos], ["pages", "shop"])
    deploy.delete_application(applicationName="pages")
    equal(pages("list_applications", "applications"), ["blog", "shop"])
    raises("InvalidNextTokenException", deploy.list_applications, nextToken="nonsense")


def configs():
    for name in ["a", "b"]:
        deploy.create_deployment_config(
            deploymentConfigName=name, minimumHealthyHosts={"type": "FLEET_PERCENT", "value": 75}
        )
    rule = {"type": "HOST_COUNT", "value": -1}
    raises(
        "InvalidMinimumHealthyHostValueException", deploy.create_deployment_config,
        deploymentConfigName="c", minimumHealthyHosts=rule,
    )
    info = deploy.get_deployment_config(deploymentConfigName="a")["deploymentConfigInfo"]
    equal(info["minimumHealthyHosts"], {"type": "FLEET_PERCENT", "value": 75})
    predefined = [f"CodeDeployDefault.{name}" for name in ["AllAtOnce", "HalfAtATime", "OneAtATime"]]
    listed = pages("list_deployment_configs", "deploymentConfigsList")
    equal((sorted(listed[:3]), listed[3:]), (predefined, ["a", "b"]))
    deploy.delete_deployment_config(deploymentConfigName="b")
    raises("DeploymentConfigDoesNotExistException", deploy.get_deployment_config, deploymentConfigName="b")
    raises("InvalidOperationException", deploy.delete_deployment_config, deploymentConfigName=predefined[0])


def groups():
    for name in ["web", "idle", "third"]:
        deploy.create_deployment_group(
            applicationName="shop", deploymentGroupName=name, deploymentConfigName="CodeDeployDefault.AllAtOnce",
            serviceRoleArn=f"arn:aws:iam::{ACCOUNT}:role/CodeDeploy",
            onPremisesInstanceTagFilters=WEB if name == "web" else [{"Key": "Role", "Value": "idle", "Type": "KEY_AND_VALUE"}],
        )
    info = deploy.get_deployment_group(**GROUP)["deploymentGroupInfo"]
    equal((info["onPremisesInstanceTagFilters"], info["computePlatform"]), (WEB, "Server"))
    listed = pages("list_deployment_groups", "deploymentGroups", applicationName="shop")
    equal(listed, ["idle", "third", "web"])
    changed = deploy.update_deployment_group(
        applicationName="shop", currentDeploymentGroupName="third", newDeploymentGroupName="last",
        deploymentConfigName="a",
    )
    equal(changed["hooksNotCleanedUp"], [])
    raises("DeploymentConfigInUseException", deploy.delete_deployment_config, deploymentConfigName="a")
    found = deploy.batch_get_deployment_groups(applicationName="shop", deploymentGroupNames=["last", "none"])
    equal([info["deploymentGroupName"] for info in found["deploymentGroupsInfo"]], ["last"])
    assert "none" in found["errorMessage"], found["errorMessage"]
    equal(deploy.delete_deployment_group(applicationName="shop", deploymentGroupName="last")["hooksNotCleanedUp"], [])
    raises(
        "DeploymentGroupDoesNotExistException", deploy.get_deployment_group,
        applicationName="shop", deploymentGroupName="last",
    )


def revisions():
    for at in range(3):
        location = {**REVISION["s3Location"], "key": f"old-{at}.zip"}
        deploy.register_application_revision(
            applicationName="shop", description=f"number {at}", revision={**REVISION, "s3Location": location}
        )
    deploy.register_application_revision(applicationName="shop", revision=OTHER_REVISION)
    first = {**REVISION, "s3Location": {**REVISION["s3Location"], "key": "old-0.zip"}}
    found = deploy.get_application_revision(applicationName="shop", revision=first)
    equal((found["revision"], found["revisionInfo"]["description"]), (first, "number 0"))
    raises(
        "RevisionDoesNotExistException", deploy.get_application_revision, applicationName="shop", revision=REVISION
    )
    raises(
        "InvalidRevisionException", deploy.register_application_revision,
        applicationName="shop", revision={"revisionType": "S3"},
    )
    listed = pages("list_application_revisions", "revisions", applicationName="shop")
    equal(listed[0], first)
    equal((len(listed), listed[3]), (4, OTHER_REVISION))
    of_bucket = pages(
        "list_application_revisions", "revisions", applicationName="shop", s3Bucket="bkt", s3KeyPrefix="old-",
        sortBy="registerTime", sortOrder="descending",
    )
    equal([one["s3Location"]["key"] for one in of_bucket], ["old-2.zip", "old-1.zip", "old-0.zip"])
    batch = deploy.batch_get_application_revisions(applicationName="shop", revisions=[first, REVISION])
    equal([one["revisionLocation"] for one in batch["revisions"]], [first])
    assert "app.zip" in batch["errorMessage"], batch["errorMessage"]


def instances():
    for at in range(3):
        arn = f"arn:aws:iam::{ACCOUNT}:user/idle-{at}"
        deploy.register_on_premises_instance(instanceName=f"idle-{at}", iamUserArn=arn)
    raises(
        "InstanceNameAlreadyRegisteredException", deploy.register_on_premises_instance,
        instanceName="idle-0", iamUserArn=f"arn:aws:iam::{ACCOUNT}:user/other",
    )
    tags = [{"Key": "Role", "Value": "idle"}, {"Key": "Zone", "Value": "a"}]
    names = [f"idle-{at}" for at in range(3)]
    deploy.add_tags_to_on_premises_instances(tags=tags, instanceNames=names)
    deploy.remove_tags_from_on_premises_instances(tags=tags[1:], instanceNames=names[:1])
    info = deploy.get_on_premises_instance(instanceName="idle-0")["instanceInfo"]
    equal(info["tags"], tags[:1])
    raises("InstanceNotRegisteredException", deploy.get_on_premises_instance, instanceName="none")
    raises("InvalidInstanceNameException", deploy.get_on_premises_instance, instanceName="i-0123")
    equal(len(deploy.batch_get_on_premises_instances(instanceNames=[*names, "none"])["instanceInfos"]), 3)
    listed = pages("list_on_premises_instances", "instanceNames", registrationStatus="Registered")
    equal(sorted(listed), sorted([*names, HOST]))
    equal(pages("list_on_premises_instances", "instanceNames", tagFilters=[
        {"Key": "Zone", "Value": "a", "Type": "KEY_AND_VALUE"}
    ]), ["idle-1", "idle-2"])


def a_deployment_that_succeeds():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("appspec.yml", "version: 0.0\nos: linux\nfiles:\n  - source: page\n    destination: boto3\n")
        bundle.writestr("page", "served")
    s3.create_bucket(Bucket="bkt")
    s3.put_object(Bucket="bkt", Key="app.zip", Body=archive.getvalue())
    id = deploy.create_deployment(**GROUP, revision=REVISION, description="through boto3")["deploymentId"]
    done["succeeded"] = id
    deploy.get_waiter("deployment_successful").wait(
        deploymentId=id, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    info = deploy.get_deployment(deploymentId=id)["deploymentInfo"]
    equal((info["status"], info["creator"], info["description"]), ("Succeeded", "user", "through boto3"))
    equal(info["deploymentOverview"]["Succeeded"], 1)
    assert info["createTime"] <= info["startTime"] <= info["completeTime"], info
    target = deploy.get_deployment_target(deploymentId=id, targetId=HOST)["deploymentTarget"]
    events = target["instanceTarget"]["lifecycleEvents"]
    equal([event["status"] for event in events if event["lifecycleEventName"] == "Install"], ["Succeeded"])
    target_arn = target["instanceTarget"]["targetArn"]
    assert target_arn.startswith(f"arn:aws:codedeploy:us-east-1:{ACCOUNT}:instance/{HOST}_"), target_arn
    old = deploy.get_deployment_instance(deploymentId=id, instanceId=HOST)["instanceSummary"]
    equal(old["status"], "Succeeded")
    group = deploy.get_deployment_group(**GROUP)["deploymentGroupInfo"]
    equal((group["targetRevision"], group["lastSuccessfulDeployment"]["deploymentId"]), (REVISION, id))
    raises("DeploymentAlreadyCompletedException", deploy.stop_deployment, deploymentId=id)


def a_deployment_that_is_stopped():
    idle = {"applicationName": "shop", "deploymentGroupName": "idle"}
    id = deploy.create_deployment(**idle, revision=REVISION)["deploymentId"]
    done["stopped"] = id
    raises("DeploymentLimitExceededException", deploy.create_deployment, **idle, revision=REVISION)
    while deploy.get_deployment(deploymentId=id)["deploymentInfo"]["status"] == "Created":
        time.sleep(0.05)
    targets = pages("list_deployment_targets", "targetIds", deploymentId=id)
    equal(sorted(targets), ["idle-0", "idle-1", "idle-2"])
    equal(sorted(pages("list_deployment_instances", "instancesList", deploymentId=id)), sorted(targets))
    found = deploy.batch_get_deployment_targets(deploymentId=id, targetIds=targets)["deploymentTargets"]
    equal({one["instanceTarget"]["targetId"] for one in found}, set(targets))
    old = deploy.batch_get_deployment_instances(deploymentId=id, instanceIds=[*targets[:2], "none"])
    equal(len(old["instancesSummary"]), 2)
    assert "none" in old["errorMessage"], old["errorMessage"]
    raises("DeploymentTargetDoesNotExistException", deploy.get_deployment_target, deploymentId=id, targetId="none")
    assert deploy.stop_deployment(deploymentId=id)["status"] in ("Pending", "Succeeded")
    try:
        deploy.get_waiter("deployment_successful").wait(
            deploymentId=id, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
    except WaiterError as error:
        equal(error.last_response["deploymentInfo"]["status"], "Stopped")
    else:
        raise AssertionError("a stopped deployment is no success")


def a_deployment_without_hosts():
    deploy.remove_tags_from_on_premises_instances(
        tags=[{"Key": "Role", "Value": "idle"}], instanceNames=[f"idle-{at}" for at in range(3)]
    )
    idle = {"applicationName": "shop", "deploymentGroupName": "idle"}
    id = deploy.create_deployment(**idle, revision=REVISION)["deploymentId"]
    done["failed"] = id
    while (info := deploy.get_deployment(deploymentId=id)["deploymentInfo"])["status"] != "Failed":
        time.sleep(0.05)
    equal(info["errorInformation"]["code"], "NO_INSTANCES")


def deployments():
    newest_first = [done["failed"], done["stopped"], done["succeeded"]]
    equal(pages("list_deployments", "deployments"), newest_first)
    equal(pages("list_deployments", "deployments", **GROUP), [done["succeeded"]])
    equal(pages("list_deployments", "deployments", includeOnlyStatuses=["Stopped", "Failed"]), newest_first[:2])
    # The SDK sends whole seconds. The first deployment is older than one: its waiter slept that long.
    since = deploy.get_deployment(deploymentId=done["stopped"])["deploymentInfo"]["createTime"]
    equal(pages("list_deployments", "deployments", createTimeRange={"start": since}), newest_first[:2])
    later = since + datetime.timedelta(days=1)
    equal(pages("list_deployments", "deployments", createTimeRange={"end": later}), newest_first)
    equal(pages("list_deployments", "deployments", createTimeRange={"start": later}), [])
    infos = deploy.batch_get_deployments(deploymentIds=newest_first)["deploymentsInfo"]
    equal({info["deploymentId"] for info in infos}, set(newest_first))
    raises("DeploymentDoesNotExistException", deploy.get_deployment, deploymentId="d-AAAAAAAAA")
    raises("InvalidDeploymentIdException", deploy.get_deployment, deploymentId="nonsense")
    raises("InvalidTimeRangeException", deploy.list_deployments, createTimeRange={"start": since, "end": 0})


def what_blue_green_and_lambda_know():
    """Operations for other kinds of deployments say that this is none."""
    for call in [deploy.continue_deployment, deploy.skip_wait_time_for_instance_termination]:
        raises("UnsupportedActionForDeploymentTypeException", call, deploymentId=done["succeeded"])
    raises(
        "UnsupportedActionForDeploymentTypeException", deploy.put_lifecycle_event_hook_execution_status,
        deploymentId=done["succeeded"], status="Succeeded",
    )
    raises("DeploymentDoesNotExistException", deploy.continue_deployment, deploymentId="d-AAAAAAAAA")


def tags():
    group_arn = f"arn:aws:codedeploy:us-east-1:{ACCOUNT}:deploymentgroup:shop/web"
    for arn in [APP_ARN, group_arn]:
        deploy.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        deploy.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
        deploy.untag_resource(ResourceArn=arn, TagKeys=["b", "never"])
        equal(deploy.list_tags_for_resource(ResourceArn=arn)["Tags"], [{"Key": "a", "Value": "3"}])
    raises("InvalidArnException", deploy.list_tags_for_resource, ResourceArn="nonsense")
    arn = f"arn:aws:codedeploy:us-east-1:{ACCOUNT}:deploymentconfig:a"
    raises("ArnNotSupportedException", deploy.tag_resource, ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])


def tokens_and_external_ids():
    equal(pages("list_git_hub_account_token_names", "tokenNameList"), [])
    raises("GitHubAccountTokenDoesNotExistException", deploy.delete_git_hub_account_token, tokenName="none")
    deploy.delete_resources_by_external_id(externalId="anything")


def the_end():
    deploy.deregister_on_premises_instance(instanceName="idle-2")
    deploy.delete_application(applicationName="shop")
    equal(deploy.get_deployment(deploymentId=done["succeeded"])["deploymentInfo"]["status"], "Succeeded")


def all_operations_were_called():
    equal(set(deploy.meta.service_model.operation_names) - called, set())


run(
    applications, configs, groups, revisions, instances, a_deployment_that_succeeds, a_deployment_that_is_stopped,
    a_deployment_without_hosts, deployments, what_blue_green_and_lambda_know, tags, tokens_and_external_ids,
    the_end, all_operations_were_called,
)
