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

/// service.md §10.1: keys, order, texts of times, strings that hold JSON, the subject.
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

/// service.md §10.1, the column of the guide.
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

/// service.md §10.1, `DeploymentRollback` and `rollbackInformation`.
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

/// service.md §10.1, "Instance payload".
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

/// service.md §10.2, envelope and detail of both types.
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

/// service.md §10.1: what each change is to triggers, and the status in its subject. `Ready` belongs to load
/// balancers. Source: service.md §7.4.
#[test]
fn each_change_has_its_trigger_event() {
    let of = |creator, entry: &TimelineEntry| {
        let found = trigger_event(&Deployment { creator, ..deployment() }, entry);
        found.map(|(event, status)| format!("{} {status}", event.as_str()))
    };
    for creator in [Creator::User, Creator::Rollback, Creator::AutoUpdate] {
        let of_deployment = DeploymentStatus::ALL.map(|status| of(creator, &entry(ENDED, status, None)));
        let expected = [
            Some("DeploymentStart CREATED"),
            None,
            (creator == Creator::Rollback).then_some("DeploymentRollback IN_PROGRESS"),
            None,
            Some("DeploymentSuccess SUCCEEDED"),
            Some("DeploymentFailure FAILED"),
            Some("DeploymentStop STOPPED"),
        ];
        assert_eq!(of_deployment.each_ref().map(Option::as_deref), expected, "{creator:?}");
    }
    let of_host = TargetStatus::ALL.map(|status| of(Creator::User, &host_entry(status)));
    let expected = [
        None,
        Some("InstanceStart IN_PROGRESS"),
        Some("InstanceSuccess SUCCEEDED"),
        Some("InstanceFailure FAILED"),
        None,
    ];
    assert_eq!(of_host.each_ref().map(Option::as_deref), expected);
}

/// service.md §10.2: the state that each change is told as, and those that are none.
#[test]
fn each_change_has_its_state() {
    let state = |entry: &TimelineEntry| {
        let event =
            state_change(&deployment(), entry, None, String::from("uuid"), &origin(MessageForm::Observed));
        event.map(|event| event.detail.state)
    };
    let of_deployment = DeploymentStatus::ALL.map(|status| state(&entry(ENDED, status, None)));
    let expected = [Some("START"), None, None, None, Some("SUCCESS"), Some("FAILURE"), Some("STOP")];
    assert_eq!(of_deployment, expected);
    let of_host = TargetStatus::ALL.map(|status| state(&host_entry(status)));
    assert_eq!(of_host, [None, Some("START"), Some("SUCCESS"), Some("FAILURE"), None]);
}

/// service.md §10.1, `rollbackInformation` of a deployment that is rolled back.
#[test]
fn a_deployment_that_is_rolled_back_tells_by_what() {
    let id = DeploymentId::parse("d-OTHER1234").expect("a valid id");
    let rolled_back = Deployment { rollback: Some(Rollback::By(id)), ..deployment() };
    check(
        &rolled_back,
        &entry(ENDED, DeploymentStatus::Failed, Some(ErrorCode::Timeout)),
        MessageForm::Observed,
        "FAILED: AWS CodeDeploy d-ABCDEF123 in us-east-1 to app",
        r#"{"region":"us-east-1","accountId":"111122223333","eventTriggerName":"team","applicationName":"app","deploymentId":"d-ABCDEF123","deploymentGroupName":"group","createTime":"Thu Oct 13 15:50:45 UTC 2022","completeTime":"Thu Oct 13 15:51:45 UTC 2022","deploymentOverview":"{\"Succeeded\":1,\"Failed\":2,\"Skipped\":0,\"InProgress\":0,\"Pending\":0}","status":"FAILED","errorInformation":"{\"ErrorCode\":\"TIMEOUT\",\"ErrorMessage\":\"The deployment ran longer than the longest time allowed for one deployment.\"}","rollbackInformation":"{\"RollbackMessage\":\"Deployment d-ABCDEF123 terminated. Automatic rollback is triggered with a DeploymentId d-OTHER1234.\",\"RollbackDeploymentId\":\"d-OTHER1234\"}"}"#,
    );
}

/// service.md §10.1: a success has no error, and a host's message in the guide's form holds its events as a list.
#[test]
fn a_success_tells_no_error() {
    let message = |form| {
        let deployment = deployment();
        let about = Subject { deployment: &deployment, counts: &[], target: None };
        let entry = entry(ENDED, DeploymentStatus::Succeeded, None);
        super::message(&trigger(), &entry, "SUCCEEDED", &about, &origin(form))
    };
    for form in [MessageForm::Observed, MessageForm::Guide] {
        assert!(!message(form).contains("errorInformation"), "{}", message(form));
    }
    let (deployment, target) = (deployment(), target());
    let about = Subject { deployment: &deployment, counts: &[], target: Some(&target) };
    let of_host = super::message(
        &trigger(),
        &host_entry(TargetStatus::Failed),
        "FAILED",
        &about,
        &origin(MessageForm::Guide),
    );
    let expected = r#""lastUpdatedAt":"1665676305.000","instanceStatus":"Failed","lifecycleEvents":[{"#;
    assert!(of_host.contains(expected), "{of_host}");
}

/// service.md §10.1, "`unknown: ...`": a trigger that was made or changed is told so.
#[test]
fn a_test_of_a_trigger_is_an_unknown_event() {
    let (subject, message) = test_message(&trigger(), "app", "group", &origin(MessageForm::Observed));
    assert_eq!(subject, "unknown: AWS CodeDeploy in us-east-1 to app");
    assert_eq!(
        message,
        r#"{"region":"us-east-1","accountId":"111122223333","eventTriggerName":"team","applicationName":"app","deploymentGroupName":"group"}"#
    );
}
