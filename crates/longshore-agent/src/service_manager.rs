//! What systemd is told when it started the agent: ready, how it goes, still alive, stopping.
//!
//! Without `NOTIFY_SOCKET` in the environment all of this is silence. Source: agent.md §9.1, I-42.

use std::time::Duration;

use sd_notify::NotifyState;

/// What `systemctl status` shows while nothing is wrong.
pub const WAITING: &str = "Waiting for commands";

/// How long the end of the agent may take after its wait; as in the unit.
const LAST_STEPS: Duration = Duration::from_secs(60);

/// Variables that are for this process only: a script's program must not speak for the agent.
pub const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// Tells systemd that the agent has what it needs and is about to poll.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status(WAITING)]);
}

/// Tells systemd that the agent ends, what it is waiting for, and for how long at most.
pub fn stopping(text: &str, longest_wait: Duration) {
    let extension = extension(longest_wait);
    tell(&[NotifyState::Stopping, NotifyState::Status(text), NotifyState::Custom(&extension)]);
}

/// Asks for the time that the wait may take and what follows it. systemd counts from this message, and lets
/// what the unit allows be longer but never shorter. Not the crate's own variant: that ends at 71 minutes.
fn extension(longest_wait: Duration) -> String {
    format!("EXTEND_TIMEOUT_USEC={}", longest_wait.saturating_add(LAST_STEPS).as_micros())
}

/// Says "still alive" as often as systemd asked for it, for ever; on the runtime of the poll loop, so
/// that what holds up the loop holds this up too.
pub async fn keep_alive() {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval(pace(limit));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

/// Half of what is allowed: one message may be late.
fn pace(limit: Duration) -> Duration {
    (limit / 2).max(Duration::from_millis(1))
}

/// What systemd shows of the agent; told only when it changes.
#[derive(Debug, Default)]
pub struct StatusLine {
    shown: String,
}

impl StatusLine {
    /// Shows `text` to whoever asks systemd about the agent.
    pub fn show(&mut self, text: &str) {
        // A line break would end the value and begin another message.
        let line = text.replace('\n', " ");
        if line != self.shown {
            tell(&[NotifyState::Status(&line)]);
            self.shown = line;
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("Cannot tell the service manager: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_is_asked_for_more_time_than_the_wait_may_take() {
        assert_eq!(extension(Duration::from_secs(1)), "EXTEND_TIMEOUT_USEC=61000000");
        assert_eq!(extension(Duration::from_secs(86_400)), "EXTEND_TIMEOUT_USEC=86460000000");
    }

    #[test]
    fn the_watchdog_is_told_twice_as_often_as_it_asks() {
        assert_eq!(pace(Duration::from_secs(120)), Duration::from_secs(60));
        assert_eq!(pace(Duration::ZERO), Duration::from_millis(1));
    }
}
