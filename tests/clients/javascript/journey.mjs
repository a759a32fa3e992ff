// The AWS SDK for JavaScript: a journey with its commands, errors, paginators and waiter. The host named
// on the command line has an agent; pages hold two items.

import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-codedeploy";

const [, , host, bucket, key] = process.argv;
const client = new sdk.CodeDeploy({ maxAttempts: 1 });
const group = { applicationName: "shop", deploymentGroupName: "web" };
const role = "arn:aws:iam::000000000000:role/CodeDeploy";
const revision = { revisionType: "S3", s3Location: { bucket, key, bundleType: "zip" } };

/** The SDK's own class of exception, with what callers look at. */
async function refuses(call, type, message = /./) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof type, `${error.name}: ${error.message}`);
    assert.equal(error.name, type.name);
    assert.equal(error.$fault, "client");
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.match(error.message, message);
    return true;
  });
}

/** All items, which must come in pages of at most two. */
async function pages(paginate, input, items) {
  const all = [];
  // The SDK leaves its token in the input that it is given.
  for await (const page of paginate({ client }, { ...input })) {
    assert.ok(items(page).length <= 2);
    all.push(...items(page));
  }
  return all;
}

async function setUp() {
  for (const applicationName of ["shop", "blog", "wiki"]) {
    const { applicationId, $metadata } = await client.createApplication({ applicationName });
    assert.match(applicationId, /^[0-9a-f-]{36}$/);
    assert.match($metadata.requestId, /^[0-9a-f-]{36}$/);
  }
  await refuses(() => client.createApplication({ applicationName: "shop" }), sdk.ApplicationAlreadyExistsException);
  const { application } = await client.getApplication({ applicationName: "shop" });
  assert.ok(application.createTime instanceof Date);
  assert.equal(application.computePlatform, sdk.ComputePlatform.SERVER);
  const minimumHealthyHosts = { type: sdk.MinimumHealthyHostsType.HOST_COUNT, value: 0 };
  await client.createDeploymentConfig({ deploymentConfigName: "none-healthy", minimumHealthyHosts });
  for (const [deploymentGroupName, Value] of [["web", "web"], ["idle", "idle"], ["other", "none"]]) {
    await client.createDeploymentGroup({
      applicationName: "shop",
      deploymentGroupName,
      deploymentConfigName: "none-healthy",
      serviceRoleArn: role,
      onPremisesInstanceTagFilters: [{ Key: "Role", Value, Type: "KEY_AND_VALUE" }],
    });
  }
  await client.registerApplicationRevision({ applicationName: "shop", revision, description: "first" });
  const { revisionInfo } = await client.getApplicationRevision({ applicationName: "shop", revision });
  assert.equal(revisionInfo.description, "first");
  const iamUserArn = "arn:aws:iam::000000000000:user/idle";
  await client.registerOnPremisesInstance({ instanceName: "idle", iamUserArn });
  await client.addTagsToOnPremisesInstances({ instanceNames: ["idle"], tags: [{ Key: "Role", Value: "idle" }] });
}

async function deployAndWait() {
  const { deploymentId } = await client.createDeployment({ ...group, revision });
  const result = await sdk.waitUntilDeploymentSuccessful({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 1 }, { deploymentId });
  assert.equal(result.state, "SUCCESS");
  const { deploymentInfo } = await client.getDeployment({ deploymentId });
  assert.equal(deploymentInfo.deploymentOverview.Succeeded, 1);
  assert.ok(deploymentInfo.createTime <= deploymentInfo.completeTime);
  const { deploymentTarget } = await client.getDeploymentTarget({ deploymentId, targetId: host });
  assert.equal(deploymentTarget.instanceTarget.status, sdk.TargetStatus.SUCCEEDED);
  await refuses(() => client.stopDeployment({ deploymentId }), sdk.DeploymentAlreadyCompletedException);
}

async function deployAndStop() {
  const idle = { applicationName: "shop", deploymentGroupName: "idle" };
  const { deploymentId } = await client.createDeployment({ ...idle, revision });
  await refuses(
    () => client.createDeployment({ ...idle, revision }),
    sdk.DeploymentLimitExceededException,
    new RegExp(`already has an active Deployment '${deploymentId}'`),
  );
  const { status } = await client.stopDeployment({ deploymentId });
  assert.ok([sdk.StopStatus.PENDING, sdk.StopStatus.SUCCEEDED].includes(status));
  await assert.rejects(
    sdk.waitUntilDeploymentSuccessful({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 1 }, { deploymentId }),
    /Stopped/,
  );
}

async function paginate() {
  assert.deepEqual(await pages(sdk.paginateListApplications, {}, (page) => page.applications), ["blog", "shop", "wiki"]);
  const configs = await pages(sdk.paginateListDeploymentConfigs, {}, (page) => page.deploymentConfigsList);
  assert.equal(configs.length, 4);
  const of = { applicationName: "shop" };
  assert.equal((await pages(sdk.paginateListDeploymentGroups, of, (page) => page.deploymentGroups)).length, 3);
  assert.equal((await pages(sdk.paginateListApplicationRevisions, of, (page) => page.revisions)).length, 1);
  const deployments = await pages(sdk.paginateListDeployments, {}, (page) => page.deployments);
  assert.equal(deployments.length, 2);
  const succeeded = { deploymentId: deployments[1] };
  // The SDK has no paginators for these two.
  assert.deepEqual((await client.listDeploymentTargets(succeeded)).targetIds, [host]);
  assert.deepEqual(await pages(sdk.paginateListDeploymentInstances, succeeded, (page) => page.instancesList), [host]);
  const instances = await client.listOnPremisesInstances({});
  assert.deepEqual(instances.instanceNames.sort(), ["idle", host].sort());
}

async function errors() {
  const unknown = { deploymentId: "d-AAAAAAAAA" };
  await refuses(() => client.getDeployment(unknown), sdk.DeploymentDoesNotExistException);
  const malformed = /^Specified DeploymentId is not in the valid format: x$/;
  await refuses(() => client.getDeployment({ deploymentId: "x" }), sdk.InvalidDeploymentIdException, malformed);
  await refuses(() => client.getApplication({ applicationName: "none" }), sdk.ApplicationDoesNotExistException);
  await refuses(() => client.listApplications({ nextToken: "x" }), sdk.InvalidNextTokenException);
  const stranger = new sdk.CodeDeploy({ maxAttempts: 1, credentials: { accessKeyId: "AKIANOBODY", secretAccessKey: "x" } });
  await assert.rejects(stranger.listApplications({}), { name: "UnrecognizedClientException" });
}

async function theEnd() {
  await client.deleteDeploymentGroup(group);
  await client.deleteApplication({ applicationName: "shop" });
  await refuses(() => client.getDeploymentGroup(group), sdk.ApplicationDoesNotExistException);
}

for (const step of [setUp, deployAndWait, deployAndStop, paginate, errors, theEnd]) {
  await step();
  console.log(step.name, "ok");
}
