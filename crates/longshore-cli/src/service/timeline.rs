//! What happened, and what could not be told.

use longshore_model::id::DeploymentId;
use longshore_model::time::Timestamp;
use longshore_wire::client::CallError;
use longshore_wire::notification::{
    LIST_UNDELIVERED_NOTIFICATIONS, ListUndeliveredNotificationsInput, ListUndeliveredNotificationsOutput,
    RESEND_NOTIFICATIONS, ResendNotificationsInput, ResendNotificationsOutput, UndeliveredNotification,
};
use longshore_wire::timeline::{
    GET_DEPLOYMENT_TIMELINE, GetDeploymentTimelineOutput, LIST_EVENTS, LIST_SCRIPT_TIMES, ListEventsInput,
    ListEventsOutput, ListScriptTimesOutput, PageOfDeploymentInput, ScriptTimeInfo, TimelineEntryInfo,
};

use super::{SIGNING_NAME, Service, explained};

impl Service {
    /// The whole timeline of a deployment, oldest first.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub(crate) async fn timeline(&self, id: &DeploymentId) -> anyhow::Result<Vec<TimelineEntryInfo>> {
        let mut input = PageOfDeploymentInput { deployment_id: Some(id.to_string()), next_token: None };
        let mut entries = Vec::new();
        loop {
            let answer = self.client.call_json(SIGNING_NAME, GET_DEPLOYMENT_TIMELINE, &input).await;
            let page: GetDeploymentTimelineOutput =
                explained(answer, format!("cannot read the timeline of {id}"))?;
            entries.extend(page.entries);
            match page.next_token {
                Some(token) => input.next_token = Some(token),
                None => return Ok(entries),
            }
        }
    }

    /// How long each script of a deployment ran, as far as its hosts say. Who may not ask for it, or asks an
    /// older server, goes without.
    ///
    /// # Errors
    /// When the server refuses for another reason or does not answer.
    pub(crate) async fn script_times(&self, id: &DeploymentId) -> anyhow::Result<Vec<ScriptTimeInfo>> {
        let mut input = PageOfDeploymentInput { deployment_id: Some(id.to_string()), next_token: None };
        let mut found = Vec::new();
        loop {
            let answer = self.client.call_json(SIGNING_NAME, LIST_SCRIPT_TIMES, &input).await;
            if let Err(CallError::Service { code, .. }) = &answer
                && matches!(code.as_str(), "UnknownOperationException" | "AccessDeniedException")
            {
                return Ok(found);
            }
            let page: ListScriptTimesOutput =
                explained(answer, format!("cannot read how long the scripts of {id} ran"))?;
            found.extend(page.script_times);
            match page.next_token {
                Some(token) => input.next_token = Some(token),
                None => return Ok(found),
            }
        }
    }

    /// When the wait between zones ends in which a deployment is, if it is in one and the server says so: who
    /// may not read timelines, or asks an older server, goes without.
    pub(crate) async fn waits_until(&self, id: &DeploymentId) -> Option<Timestamp> {
        let input = PageOfDeploymentInput { deployment_id: Some(id.to_string()), next_token: None };
        let answer = self.client.call_json(SIGNING_NAME, GET_DEPLOYMENT_TIMELINE, &input).await;
        let page: GetDeploymentTimelineOutput = answer.ok()?;
        page.waits_until.map(|time| time.0)
    }

    /// State changes from a place on.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub(crate) async fn events(&self, input: &ListEventsInput) -> anyhow::Result<ListEventsOutput> {
        let answer = self.client.call_json(SIGNING_NAME, LIST_EVENTS, input).await;
        explained(answer, "cannot read events")
    }

    /// All notifications that nobody took, oldest first.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub(crate) async fn undelivered_notifications(&self) -> anyhow::Result<Vec<UndeliveredNotification>> {
        let mut input = ListUndeliveredNotificationsInput::default();
        let mut found = Vec::new();
        loop {
            let answer = self.client.call_json(SIGNING_NAME, LIST_UNDELIVERED_NOTIFICATIONS, &input).await;
            let page: ListUndeliveredNotificationsOutput =
                explained(answer, "cannot list undelivered notifications")?;
            found.extend(page.notifications);
            match page.next_token {
                Some(token) => input.next_token = Some(token),
                None => return Ok(found),
            }
        }
    }

    /// Tries notifications that nobody took again.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub(crate) async fn resend_notifications(
        &self,
        id: Option<String>,
    ) -> anyhow::Result<ResendNotificationsOutput> {
        let input = ResendNotificationsInput { id };
        let answer = self.client.call_json(SIGNING_NAME, RESEND_NOTIFICATIONS, &input).await;
        explained(answer, "cannot send notifications again")
    }
}
