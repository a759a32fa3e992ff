//! Every `aws deploy` command, and what it prints.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process::Command;

use longshore_clients::python;
use longshore_journey::{App, Aws, Host, PATIENCE, Server, wait_for};

const GROUP: &str = "--application-name shop --deployment-group-name web";
const IDLE: &str = "--application-name shop --deployment-group-name idle";
const ROLE: &str = "--service-role-arn arn:aws:iam::000000000000:role/CodeDeploy";
const LOCATION: &str = "bucket=bundles,key=app.zip,bundleType=zip";

/// The CLI, which notes which commands of `aws deploy` were used.
struct Deploy {
    aws: Aws,
    used: RefCell<BTreeSet<String>>,
}

impl Deploy {
    fn note(&self, command: &str) -> String {
        let name = command.split_whitespace().next().unwrap();
        self.used.borrow_mut().insert(name.to_owned());
        format!("deploy {command}")
    }

    /// Runs it and answers what it printed.
    #[track_caller]
    fn ok(&self, command: &str) -> String {
        self.aws.ok(&self.note(command))
    }

    /// It prints this, as text, at this place of its answer.
    #[track_caller]
    fn check(&self, command: &str, query: &str, expected: &str) {
        let printed = self.aws.value(&self.note(command), query);
        assert_eq!(printed.replace('\t', " "), expected, "aws deploy {command} --query {query}");
    }

    /// It succeeds and prints nothing.
    #[track_caller]
    fn check_silent(&self, command: &str) {
        assert_eq!(self.ok(command), "", "aws deploy {command}");
    }

    /// It is refused by the service in these words.
    #[track_caller]
    fn check_refused(&self, command: &str, expected: &str) {
        let output = self.aws.run(&self.note(command));
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(printed.contains(expected), "aws deploy {command}: {printed}");
        // 254: the service answered with an error; 255: another failure, 252: bad arguments.
        assert!(!output.status.success(), "aws deploy {command}");
    }
}

/// Every command that the CLI makes of the service's model.
fn modelled_commands() -> BTreeSet<String> {
    let list = "import botocore.session as s, botocore as b\n\
                for name in s.get_session().get_service_model('codedeploy').operation_names: print(b.xform_name(name, '-'))";
    let output = Command::new(python()).args(["-c", list]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn every_command() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let host = Host::add(&server, folder.path(), "web-1");
    let deploy = Deploy { aws: Aws::new(&server, folder.path()), used: RefCell::default() };
    deploy.aws.ok("s3 mb s3://bundles");

    applications(&deploy);
    deployment_configs(&deploy);
    deployment_groups(&deploy);
    instances(&deploy);
    let app = App::write(&folder.path().join("source"), "one\n");
    revisions(&deploy, &app);
    let succeeded = a_deployment(&deploy, &host);
    let stopped = a_stopped_deployment(&deploy);
    deployments(&deploy, &succeeded, &stopped);
    other_kinds_of_deployments(&deploy, &succeeded);
    tags(&deploy);
    tokens_and_external_ids(&deploy);
    on_a_host(&deploy);
    the_end(&deploy);

    let mut commands = modelled_commands();
    commands.extend(["push", "register", "deregister", "install", "uninstall", "wait"].map(str::to_owned));
    let unused: Vec<_> = commands.difference(&deploy.used.borrow()).cloned().collect();
    assert!(unused.is_empty(), "commands that were not tried: {unused:?}");
}

fn applications(deploy: &Deploy) {
    let created = deploy.ok("create-application --application-name shop --compute-platform Server");
    assert!(created.starts_with("{\n    \"applicationId\": \""), "{created}");
    let again = "An error occurred (ApplicationAlreadyExistsException) when calling the CreateApplication operation: ";
    deploy.check_refused("create-application --application-name shop", again);
    deploy.ok("create-application --application-name blog --tags Key=team,Value=a");
    deploy.check_silent("update-application --application-name blog --new-application-name pages");
    deploy.check("get-application --application-name pages", "application.applicationName", "pages");
    deploy.check_refused("get-application --application-name blog", "(ApplicationDoesNotExistException)");
    let listed = deploy.ok("list-applications --output text");
    assert_eq!(listed, "APPLICATIONS\tpages\nAPPLICATIONS\tshop\n");
    let paged = deploy.ok("list-applications --max-items 1");
    assert!(paged.contains("\"NextToken\""), "{paged}");
    let batch = "batch-get-applications --application-names shop pages";
    deploy.check(batch, "applicationsInfo[].applicationName", "shop pages");
    deploy.check_silent("delete-application --application-name pages");
    deploy.check_silent("delete-application --application-name pages");
}

fn deployment_configs(deploy: &Deploy) {
    let create = "create-deployment-config --deployment-config-name half-healthy --minimum-healthy-hosts";
    assert!(deploy.ok(&format!("{create} type=FLEET_PERCENT,value=50")).contains("deploymentConfigId"));
    let taken = "(DeploymentConfigAlreadyExistsException)";
    deploy.check_refused(&format!("{create} type=FLEET_PERCENT,value=50"), taken);
    let impossible = "create-deployment-config --deployment-config-name x --minimum-healthy-hosts type=FLEET_PERCENT,value=100";
    deploy.check_refused(impossible, "(InvalidMinimumHealthyHostValueException)");
    let get = "get-deployment-config --deployment-config-name half-healthy";
    deploy.check(get, "deploymentConfigInfo.minimumHealthyHosts.[type,value]", "FLEET_PERCENT 50");
    deploy.check("list-deployment-configs", "deploymentConfigsList[-1]", "half-healthy");
    deploy.check_silent("delete-deployment-config --deployment-config-name half-healthy");
    deploy.check_refused(get, "(DeploymentConfigDoesNotExistException)");
}

fn deployment_groups(deploy: &Deploy) {
    let filter =
        |role| format!("--on-premises-instance-tag-filters Key=Role,Value={role},Type=KEY_AND_VALUE");
    let config = "--deployment-config-name CodeDeployDefault.AllAtOnce";
    let web = format!("create-deployment-group {GROUP} {ROLE} {config} {}", filter("web"));
    assert!(deploy.ok(&web).contains("deploymentGroupId"));
    deploy.check_refused(&web, "(DeploymentGroupAlreadyExistsException)");
    let old = "--application-name shop --deployment-group-name old";
    deploy.ok(&format!("create-deployment-group {old} {ROLE} {config} {}", filter("idle")));
    let rename = "update-deployment-group --application-name shop --current-deployment-group-name old \
                  --new-deployment-group-name idle";
    deploy.check(rename, "hooksNotCleanedUp", "");
    let get = format!("get-deployment-group {GROUP}");
    deploy.check(
        &get,
        "deploymentGroupInfo.onPremisesInstanceTagFilters[].[Key,Value,Type]",
        "Role web KEY_AND_VALUE",
    );
    deploy.check(&get, "deploymentGroupInfo.deploymentConfigName", "CodeDeployDefault.AllAtOnce");
    deploy.check_refused(&format!("get-deployment-group {old}"), "(DeploymentGroupDoesNotExistException)");
    deploy.check("list-deployment-groups --application-name shop", "deploymentGroups", "idle web");
    let batch = "batch-get-deployment-groups --application-name shop --deployment-group-names web idle";
    deploy.check(batch, "deploymentGroupsInfo[].deploymentGroupName", "web idle");
}

/// `register` also makes the IAM user and writes the host's file; `deregister` takes both away.
fn instances(deploy: &Deploy) {
    let registered =
        deploy.ok("register --instance-name idle-1 --tags Key=Role,Value=idle --region us-east-1");
    assert!(
        registered
            .contains("Creating the on-premises instance configuration file named codedeploy.onpremises.yml")
    );
    assert!(registered.contains("Registering the on-premises instance... DONE"), "{registered}");
    let arn = "arn:aws:iam::000000000000:user/idle-2";
    let low = "register-on-premises-instance --instance-name idle-2 --iam-user-arn";
    deploy.check_silent(&format!("{low} {arn}"));
    deploy.check_refused(&format!("{low} {arn}"), "(InstanceNameAlreadyRegisteredException)");
    let tags = "--tags Key=Role,Value=idle Key=Zone,Value=a --instance-names idle-2";
    deploy.check_silent(&format!("add-tags-to-on-premises-instances {tags}"));
    deploy.check_silent(
        "remove-tags-from-on-premises-instances --tags Key=Zone,Value=a --instance-names idle-2",
    );
    let get = "get-on-premises-instance --instance-name idle-2";
    deploy.check(get, "instanceInfo.[iamUserArn,tags[0].Key,tags[0].Value]", &format!("{arn} Role idle"));
    deploy.check("list-on-premises-instances", "sort(instanceNames)", "idle-1 idle-2 web-1");
    let filtered = "list-on-premises-instances --tag-filters Key=Role,Value=idle,Type=KEY_AND_VALUE";
    deploy.check(filtered, "sort(instanceNames)", "idle-1 idle-2");
    let batch = "batch-get-on-premises-instances --instance-names idle-1 idle-2";
    deploy.check(batch, "sort(instanceInfos[].instanceName)", "idle-1 idle-2");
    deploy.check_silent("deregister-on-premises-instance --instance-name idle-2");
    deploy.check("list-on-premises-instances --registration-status Deregistered", "instanceNames", "idle-2");
}

fn revisions(deploy: &Deploy, app: &App) {
    let source = app.folder().display();
    let pushed = deploy.ok(&format!(
        "push --application-name shop --s3-location s3://bundles/app.zip --source {source} --description pushed"
    ));
    let ready = "aws deploy create-deployment --application-name shop --s3-location \
                 bucket=bundles,key=app.zip,bundleType=zip,eTag=";
    assert!(pushed.contains(ready), "{pushed}");
    let registered = "register-application-revision --application-name shop --s3-location";
    deploy.check_silent(&format!("{registered} {LOCATION} --description again"));
    let commit = "a".repeat(40);
    let git_hub = format!("--github-location repository=acme/shop,commitId={commit}");
    deploy.check_silent(&format!("register-application-revision --application-name shop {git_hub}"));
    let get = format!("get-application-revision --application-name shop --s3-location {LOCATION}");
    deploy.check(&get, "revisionInfo.description", "again");
    let list =
        "list-application-revisions --application-name shop --sort-by registerTime --sort-order ascending";
    deploy.check(list, "revisions[].revisionType", "S3 S3 GitHub");
    deploy.check(&format!("{list} --s3-bucket bundles --s3-key-prefix none"), "revisions", "");
    let revision = "revisionType=S3,s3Location={bucket=bundles,key=app.zip,bundleType=zip}";
    let batch = format!("batch-get-application-revisions --application-name shop --revisions {revision}");
    deploy.check(&batch, "revisions[].genericRevisionInfo.description", "again");
    let unknown = "get-application-revision --application-name shop --s3-location bucket=bundles,key=none,bundleType=zip";
    deploy.check_refused(unknown, "(RevisionDoesNotExistException)");
}

/// Deploys to the host that has an agent; answers the id.
fn a_deployment(deploy: &Deploy, host: &Host) -> String {
    let create = format!("create-deployment {GROUP} --s3-location {LOCATION} --description first");
    let id = deploy.aws.value(&deploy.note(&create), "deploymentId");
    deploy.check_silent(&format!("wait deployment-successful --deployment-id {id}"));
    assert_eq!(host.lines("app/version.txt"), ["one"]);
    let get = format!("get-deployment --deployment-id {id}");
    deploy.check(&get, "deploymentInfo.[status,creator,description]", "Succeeded user first");
    deploy.check(&format!("list-deployment-targets --deployment-id {id}"), "targetIds", "web-1");
    let target = format!("get-deployment-target --deployment-id {id} --target-id web-1");
    deploy.check(&target, "deploymentTarget.instanceTarget.status", "Succeeded");
    let events = "deploymentTarget.instanceTarget.lifecycleEvents[?status!='Succeeded'].lifecycleEventName";
    deploy.check(&target, events, "");
    let targets = format!("batch-get-deployment-targets --deployment-id {id} --target-ids web-1");
    deploy.check(&targets, "deploymentTargets[].deploymentTargetType", "InstanceTarget");
    deploy.check(&format!("list-deployment-instances --deployment-id {id}"), "instancesList", "web-1");
    let instance = format!("get-deployment-instance --deployment-id {id} --instance-id web-1");
    deploy.check(&instance, "instanceSummary.status", "Succeeded");
    let instances = format!("batch-get-deployment-instances --deployment-id {id} --instance-ids web-1");
    deploy.check(&instances, "instancesSummary[].status", "Succeeded");
    id
}

/// Deploys to a host that has no agent, and stops that.
fn a_stopped_deployment(deploy: &Deploy) -> String {
    let create = format!("create-deployment {IDLE} --s3-location {LOCATION}");
    let id = deploy.aws.value(&deploy.note(&create), "deploymentId");
    let busy = format!("The Deployment Group 'idle' already has an active Deployment '{id}'");
    deploy.check_refused(&create, &busy);
    let stopped = deploy.aws.value(&deploy.note(&format!("stop-deployment --deployment-id {id}")), "status");
    assert!(["Pending", "Succeeded"].contains(&stopped.as_str()), "{stopped}");
    let status = format!("deploy get-deployment --deployment-id {id}");
    wait_for("the stop", PATIENCE, || {
        (deploy.aws.value(&status, "deploymentInfo.status") == "Stopped").then_some(())
    });
    let waited = format!("wait deployment-successful --deployment-id {id}");
    deploy.check_refused(&waited, "Waiter DeploymentSuccessful failed");
    id
}

fn deployments(deploy: &Deploy, succeeded: &str, stopped: &str) {
    deploy.check("list-deployments", "deployments", &format!("{stopped} {succeeded}"));
    deploy.check(&format!("list-deployments {GROUP}"), "deployments", succeeded);
    deploy.check("list-deployments --include-only-statuses Stopped", "deployments", stopped);
    let later = "list-deployments --create-time-range start=2999-01-01T00:00:00,end=2999-01-02T00:00:00";
    deploy.check(later, "deployments", "");
    let batch = format!("batch-get-deployments --deployment-ids {succeeded} {stopped}");
    deploy.check(&batch, "sort(deploymentsInfo[].status)", "Stopped Succeeded");
    let malformed = "Specified DeploymentId is not in the valid format: d-x";
    deploy.check_refused("get-deployment --deployment-id d-x", malformed);
    let unknown =
        "An error occurred (DeploymentDoesNotExistException) when calling the GetDeployment operation";
    deploy.check_refused("get-deployment --deployment-id d-AAAAAAAAA", unknown);
    deploy
        .check_refused("list-deployments --application-name shop", "(DeploymentGroupNameRequiredException)");
}

/// What is for blue/green, Lambda and ECS says so.
fn other_kinds_of_deployments(deploy: &Deploy, id: &str) {
    let unsupported = "(UnsupportedActionForDeploymentTypeException)";
    deploy.check_refused(&format!("continue-deployment --deployment-id {id}"), unsupported);
    let skip = format!("skip-wait-time-for-instance-termination --deployment-id {id}");
    deploy.check_refused(&skip, unsupported);
    let put = format!("put-lifecycle-event-hook-execution-status --deployment-id {id} --status Succeeded");
    deploy.check_refused(&put, unsupported);
}

fn tags(deploy: &Deploy) {
    let arn = "--resource-arn arn:aws:codedeploy:us-east-1:000000000000:application:shop";
    deploy.check_silent(&format!("tag-resource {arn} --tags Key=team,Value=a Key=tier,Value=1"));
    deploy.check_silent(&format!("untag-resource {arn} --tag-keys tier"));
    deploy.check(&format!("list-tags-for-resource {arn}"), "Tags[].[Key,Value]", "team a");
    let other = "tag-resource --resource-arn arn:aws:s3:::bundles --tags Key=team,Value=a";
    deploy.check_refused(other, "(InvalidArnException)");
}

fn tokens_and_external_ids(deploy: &Deploy) {
    deploy.check("list-git-hub-account-token-names", "tokenNameList", "");
    let unknown = "(GitHubAccountTokenDoesNotExistException)";
    deploy.check_refused("delete-git-hub-account-token --token-name none", unknown);
    deploy.check_silent("delete-resources-by-external-id --external-id anything");
}

/// These two change the machine, so only what they check beforehand is tried.
fn on_a_host(deploy: &Deploy) {
    deploy.check_refused("install", "the following arguments are required: --config-file");
    deploy.check_refused("uninstall --no-such-option", "Unknown options");
}

fn the_end(deploy: &Deploy) {
    let gone = deploy.ok("deregister --instance-name idle-1 --region us-east-1");
    assert!(gone.contains("Deregistering the on-premises instance... DONE"), "{gone}");
    assert!(gone.contains("Deleting the IAM user (idle-1)... DONE"), "{gone}");
    deploy.check(&format!("delete-deployment-group {IDLE}"), "hooksNotCleanedUp", "");
    deploy.check_silent("delete-application --application-name shop");
    deploy.check("list-applications", "applications", "");
}
