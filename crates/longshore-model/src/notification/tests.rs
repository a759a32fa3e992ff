//! Messages and events, to the letter of service.md §10.1 and §10.2.

use super::*;
use crate::deployment::ErrorCode;
use crate::deployment_config::MinimumHealthyHosts;
use crate::fixture;
use crate::id::HostId;
use crate::lifecycle::IN_PLACE;
use crate::target::TargetKey;

/// Thu Oct 13 15:50:45 UTC 2022.
const CREATED: Timestamp = Timestamp::from_millis(1_665_676_245_595);
const ENDED: Timestamp = Timestamp::from_millis(1_665_676_305_000);

fn origin(form: MessageForm) -> Origin {
    Origin { region: String::from("us-east-1"), account_id: String::from("111122223333"), form }
}

fn trigger() -> Trigger {
    Trigger { name: String::from("team"), target: String::from("arn"), events: vec![] }
}

fn deployment() -> Deployment {
    fixture::deployment(MinimumHealthyHosts::AllButOne, CREATED)
}

fn entry(at: Timestamp, status: DeploymentStatus, code: Option<ErrorCode>) -> TimelineEntry {
    let what = Happening::Deployment { status, error: code.map(ErrorCode::error) };
    TimelineEntry { deployment: deployment().id, at, host: None, what }
}

#[track_caller]
fn check(deployment: &Deployment, entry: &TimelineEntry, form: MessageForm, subject: &str, message: &str) {
    let origin = origin(form);
    let counts = [(TargetStatus::Succeeded, 1), (TargetStatus::Failed, 2)];
    let about = Subject { deployment, counts: &counts, target: None };
    let (_, status) = trigger_event(deployment, entry).expect("an event of triggers");
    assert_eq!(subject_line(status, deployment, &origin), subject);
    assert_eq!(super::message(&trigger(), entry, status, &about, &origin), message);
}

#[test]
fn a_message_is_as_aws_sends_it() {
    check(
        &deployment(),
        &entry(CREATED, DeploymentStatus::Created, None),
        MessageForm::Observed,
        "CREATED: AWS CodeDeploy d-ABCDEF123 in us-east-1 to app",
        r#"{"region":"us-east-1","accountId":"111122223333","eventTriggerName":"team","applicationName":"app","deploymentId":"d-ABCDEF123","deploymentGroupName":"group","createTime":"Thu Oct 13 15:50:45 UTC 2022","completeTime":null,"status":"CREATED","rollbackInformation":"{}"}"#,
    );
    check(
        &deployment(),
        &entry(ENDED, DeploymentStatus::Stopped, Some(ErrorCode::ManualStop)),
        MessageForm::Observed,
        "STOPPED: AWS CodeDeploy d-ABCDEF123 in us-east-1 to app",
        r#"{"region":"us-east-1","accountId":"111122223333","eventTriggerName":"team","applicationName":"app","deploymentId":"d-ABCDEF123","deploymentGroupName":"group","createTime":"Thu Oct 13 15:50:45 UTC 2022","completeTime":"Thu Oct 13 15:51:45 UTC 2022","deploymentOverview":"{\"Succeeded\":1,\"Failed\":2,\"Skipped\":0,\"InProgress\":0,\"Pending\":0}","status":"STOPPED","errorInformation":"{\"ErrorCode\":\"MANUAL_STOP\",\"ErrorMessage\":\"The deployment was stopped by a StopDeployment request.\"}","rollbackInformation":"{}"}"#,
    );
}

#[test]
fn a_message_may_be_as_the_guide_shows_it() {
    check(
        &deployment(),
        &entry(ENDED, DeploymentStatus::Failed, Some(ErrorCode::Timeout)),
        MessageForm::Guide,
        "FAILED: AWS CodeDeploy d-ABCDEF123 in us-east-1 to app",
        r#"{"region":"us-east-1","accountId":"111122223333","eventTriggerName":"team","applicationName":"app","deploymentId":"d-ABCDEF123","deploymentGroupName":"group","createTime":"1665676245.595","completeTime":"1665676305.000","deploymentOverview":{"Succeeded":"1","Failed":"2","Skipped":"0","InProgress":"0","Pending":"0"},"status":"Failed","errorInformation":{"ErrorCode":"TIMEOUT","ErrorMessage":"The deployment ran longer than the longest time allowed for one deployment."},"rollbackInformation":{}}"#,
    );
}

#[test]
fn a_rollback_tells_what_it_rolls_back() {
    let id = DeploymentId::parse("d-OTHER1234").expect("a valid id");
    let rollback =
        Deployment { creator: Creator::Rollback, rollback: Some(Rollback::Of(id)), ..deployment() };
    check(
        &rollback,
        &entry(ENDED, DeploymentStatus::InProgress, None),
        MessageForm::Observed,
        "IN_PROGRESS: AWS CodeDeploy d-ABCDEF123 in us-east-1 to app",
        r#"{"region":"us-east-1","accountId":"111122223333","eventTriggerName":"team","applicationName":"app","deploymentId":"d-ABCDEF123","deploymentGroupName":"group","createTime":"Thu Oct 13 15:50:45 UTC 2022","completeTime":null,"deploymentOverview":"{\"Succeeded\":1,\"Failed\":2,\"Skipped\":0,\"InProgress\":0,\"Pending\":0}","status":"IN_PROGRESS","rollbackInformation":"{\"RollbackMessage\":\"Deployment d-ABCDEF123 is triggered to roll back deployment d-OTHER1234.\",\"RollbackTriggeringDeploymentId\":\"d-OTHER1234\"}"}"#,
    );
    // Nobody else's start is a rollback's.
    assert_eq!(trigger_event(&deployment(), &entry(ENDED, DeploymentStatus::InProgress, None)), None);
}

fn target() -> Target {
    let candidate = fixture::candidate("h1", None);
    let key = TargetKey { deployment: deployment().id, host: candidate.id };
    let principal = candidate.principal;
    Target::new(key, 0, candidate.arn, principal, &IN_PLACE[..2], CREATED)
}

fn host_entry(status: TargetStatus) -> TimelineEntry {
    let host = HostId::parse("h1").expect("a valid name");
    let what = Happening::Host { status, failure: None };
    TimelineEntry { deployment: deployment().id, at: ENDED, host: Some(host), what }
}

#[test]
fn a_hosts_message_has_its_events() {
    let (deployment, target, entry) = (deployment(), target(), host_entry(TargetStatus::Succeeded));
    let about = Subject { deployment: &deployment, counts: &[], target: Some(&target) };
    let (event, status) = trigger_event(&deployment, &entry).expect("an event of triggers");
    assert_eq!(event, TriggerEvent::InstanceSuccess);
    assert_eq!(
        super::message(&trigger(), &entry, status, &about, &origin(MessageForm::Observed)),
        r#"{"region":"us-east-1","accountId":"111122223333","eventTriggerName":"team","deploymentId":"d-ABCDEF123","instanceId":"arn:aws:codedeploy:us-east-1:000000000000:instance/h1_abcdefghij","lastUpdatedAt":"Thu Oct 13 15:51:45 UTC 2022","instanceStatus":"Succeeded","lifecycleEvents":"[{\"LifecycleEvent\":\"ApplicationStop\",\"LifecycleEventStatus\":\"Pending\"},{\"LifecycleEvent\":\"DownloadBundle\",\"LifecycleEventStatus\":\"Pending\"}]"}"#
    );
}

#[test]
fn an_event_is_as_eventbridge_delivers_it() {
    let origin = origin(MessageForm::Observed);
    let made = |entry: &TimelineEntry, host_arn: Option<&str>| {
        let event = state_change(&deployment(), entry, host_arn, String::from("uuid"), &origin);
        event.map(|event| serde_json::to_string(&event).expect("JSON"))
    };
    let group = "arn:aws:codedeploy:us-east-1:111122223333:deploymentgroup:app/group";
    let application = "arn:aws:codedeploy:us-east-1:111122223333:application:app";
    assert_eq!(
        made(&entry(ENDED, DeploymentStatus::Succeeded, None), None).expect("an event"),
        format!(
            r#"{{"version":"0","id":"uuid","detail-type":"CodeDeploy Deployment State-change Notification","source":"aws.codedeploy","account":"111122223333","time":"2022-10-13T15:51:45Z","region":"us-east-1","resources":["{application}","{group}"],"detail":{{"region":"us-east-1","state":"SUCCESS","application":"app","deploymentId":"d-ABCDEF123","instanceGroupId":"00000000-0000-4000-8000-00000000000a","deploymentGroup":"group"}}}}"#
        )
    );
    assert_eq!(
        made(&host_entry(TargetStatus::InProgress), Some("arn:host")).expect("an event"),
        format!(
            r#"{{"version":"0","id":"uuid","detail-type":"CodeDeploy Instance State-change Notification","source":"aws.codedeploy","account":"111122223333","time":"2022-10-13T15:51:45Z","region":"us-east-1","resources":["arn:host","{group}","{application}"],"detail":{{"instanceId":"h1","region":"us-east-1","state":"START","application":"app","deploymentId":"d-ABCDEF123","instanceGroupId":"00000000-0000-4000-8000-00000000000a","deploymentGroup":"group"}}}}"#
        )
    );
    assert_eq!(made(&entry(ENDED, DeploymentStatus::Queued, None), None), None);
    assert_eq!(made(&host_entry(TargetStatus::Skipped), Some("arn:host")), None);
}
