//! Alarms that stop a deployment, looked at from its start to its end. Source: service.md §7.5.

use std::time::Duration;

use longshore_model::deployment::{Deployment, StopReason};
use longshore_model::id::DeploymentId;
use longshore_model::watch::AlarmState;
use longshore_store::StoreError;

use crate::Engine;
use crate::deployment::DeploymentError;

/// For how long alarms may be read: shorter than the time between two looks.
const PATIENCE: Duration = Duration::from_secs(20);

impl Engine {
    /// Stops the deployment if one of its alarms says so now, and says whether it did.
    pub(crate) async fn stop_on_alarm(&self, deployment: &Deployment) -> Result<bool, StoreError> {
        let Some(reason) = self.alarm_reason(deployment).await else { return Ok(false) };
        let id = &deployment.id;
        tracing::warn!(deployment.id = %id, ?reason, "an alarm stops deployment {id}");
        match self.stop_for(id, reason, None).await {
            Ok(_) => Ok(true),
            // It has ended meanwhile.
            Err(DeploymentError::AlreadyCompleted { .. } | DeploymentError::NotFound(_)) => Ok(true),
            Err(DeploymentError::Store(error)) => Err(error),
            Err(error) => {
                tracing::error!(deployment.id = %id, %error, "an alarm cannot stop deployment {id}");
                Ok(false)
            }
        }
    }

    async fn alarm_reason(&self, deployment: &Deployment) -> Option<StopReason> {
        let alarms = deployment.watched_alarms()?;
        let mut is_stopping = self.inner.is_stopping.subscribe();
        let reading = tokio::time::timeout(PATIENCE, self.inner.outside.alarms.states(&alarms.names));
        let read = tokio::select! {
            biased;
            read = reading => read,
            // Whoever goes on with the deployment looks at them before anything else.
            _ = is_stopping.changed() => return None,
        };
        let states: Vec<Result<AlarmState, String>> = match read {
            Ok(states) => states.into_iter().map(|state| state.map_err(|error| error.to_string())).collect(),
            Err(_) => {
                let why = format!("no answer within {} seconds", PATIENCE.as_secs());
                alarms.names.iter().map(|_| Err(why.clone())).collect()
            }
        };
        alarms.stop_reason(&states)
    }

    /// Looks at the alarms of a deployment again and again, beside its loop: reading them may take a
    /// while, and hosts need not wait for it. Ends with the deployment.
    pub(crate) fn watch_alarms(&self, id: &DeploymentId) {
        let (engine, id) = (self.clone(), id.clone());
        tokio::spawn(async move {
            let mut is_stopping = engine.inner.is_stopping.subscribe();
            loop {
                let next = engine.now().plus(engine.inner.config.alarm_poll);
                tokio::select! {
                    biased;
                    _ = is_stopping.changed() => return,
                    () = engine.inner.clock.sleep_until(next) => {}
                }
                match engine.alarms_are_quiet(&id).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(deployment.id = %id, error, "cannot look at the alarms of {id}");
                    }
                }
            }
        });
    }

    /// Whether the deployment goes on and its alarms are to be looked at again.
    async fn alarms_are_quiet(&self, id: &DeploymentId) -> Result<bool, StoreError> {
        let Some(deployment) = self.inner.store.deployment(id).await? else { return Ok(false) };
        if deployment.status.is_final() || deployment.stop.is_some() {
            return Ok(false);
        }
        Ok(!self.stop_on_alarm(&deployment).await?)
    }
}
