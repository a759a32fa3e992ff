//! `longshore notifications`: what triggers could not deliver, and what receivers of webhooks check
//! signatures with.

use clap::Subcommand;
use longshore_model::time::Timestamp;
use longshore_wire::notification::UndeliveredNotification;
use serde::Serialize;

use super::Outcome;
use super::watch::now;
use crate::args::Global;
use crate::output::Output;
use crate::output::columns::columns;
use crate::output::line::{duration_text, printable};
use crate::service::Service;
use crate::settings;

/// Show notifications that triggers could not deliver, send them again, and show what webhooks are signed with
///
/// A notification is tried four times within about a minute. Then it is kept here, as long as the history.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore notifications undelivered
  longshore notifications resend
  longshore notifications resend 0b7c3c1e-...
  longshore notifications webhook-secret > /etc/receiver/longshore-secret

With --output json: undelivered {\"notifications\":[{\"id\",\"trigger\",\"target\",\"deploymentId\",\"subject\",
\"message\",\"attempts\",\"error\",\"createTime\"}]}, resend {\"resent\"},
webhook-secret {\"webhookSecret\"}.")]
pub(crate) struct Args {
    /// What to do
    #[command(subcommand)]
    command: NotificationsCommand,
}

#[derive(Debug, Subcommand)]
enum NotificationsCommand {
    /// List them, oldest first, each with what was said the last time
    Undelivered,
    /// Try one of them again, or all
    Resend {
        /// Its id
        id: Option<String>,
    },
    /// Print the secret with which the server signs what it sends to webhooks; root alone is shown it
    ///
    /// A receiver checks the header x-longshore-signature with it: docs/notifications.md shows how. Who has
    /// it can sign in the server's place.
    WebhookSecret,
}

#[derive(Serialize)]
struct ListDocument<'a> {
    notifications: &'a [UndeliveredNotification],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretDocument<'a> {
    webhook_secret: &'a str,
}

/// Lists, sends again, or shows the secret.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let service = Service::new(settings::connection(global)?)?;
    match &args.command {
        NotificationsCommand::Undelivered => {
            let found = service.undelivered_notifications().await?;
            if found.is_empty() {
                output.text("everything was delivered")?;
            } else {
                let rows: Vec<[String; 5]> = found.iter().map(row).collect();
                output.lines(&columns(["ID", "AGE", "TRIGGER", "SUBJECT", "ERROR"], &rows))?;
            }
            output.json(&ListDocument { notifications: &found })?;
        }
        NotificationsCommand::Resend { id } => {
            let answer = service.resend_notifications(id.clone()).await?;
            let n = answer.resent;
            let what = if n == 1 { "1 notification is" } else { &format!("{n} notifications are") };
            output.text(&format!("{what} tried again"))?;
            output.json(&answer)?;
        }
        NotificationsCommand::WebhookSecret => {
            let secret = service.webhook_secret().await?;
            output.text(&secret)?;
            output.json(&SecretDocument { webhook_secret: &secret })?;
        }
    }
    Ok(Outcome::Done)
}

fn row(found: &UndeliveredNotification) -> [String; 5] {
    let age = duration_text(now().since(Timestamp::from(found.create_time)));
    [found.id.clone(), age, found.trigger.clone(), printable(&found.subject), printable(&found.error)]
}
