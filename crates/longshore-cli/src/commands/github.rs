//! `longshore github`: tokens with which hosts read private repositories.

use std::io::{self, IsTerminal, Read};

use anyhow::{Context, bail};
use clap::Subcommand;
use serde::Serialize;

use super::Outcome;
use crate::advice::Advice;
use crate::args::Global;
use crate::output::Output;
use crate::service::Service;
use crate::settings;

/// The variable that a token may be in.
const TOKEN_VARIABLE: &str = "LONGSHORE_GITHUB_TOKEN";
/// More than any token has; what is longer is some other file.
const MAX_INPUT_BYTES: u64 = 4096;

/// Keep tokens for GitHub, and say which application's hosts read its repositories with which
///
/// A token is never shown again: it is given to the hosts of a deployment of a revision on GitHub, in the
/// signed specification, if the application is linked to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gh auth token | longshore github add acme
  LONGSHORE_GITHUB_TOKEN=... longshore github add acme
  longshore github link my-app acme
  longshore github list --output json | jq -r '.tokens[]'
  longshore github remove acme

With --output json: list {\"tokens\":[name]}, add and remove {\"token\":name}, link
{\"application\",\"token\"}, the token only if there is one.")]
pub(crate) struct Args {
    /// What to do
    #[command(subcommand)]
    command: GitHubCommand,
}

#[derive(Debug, Subcommand)]
enum GitHubCommand {
    /// Keep a token, read from stdin or LONGSHORE_GITHUB_TOKEN; one of the same name is replaced
    Add {
        /// Its name, unique on the server
        name: String,
    },
    /// List the names of the tokens
    List,
    /// Delete a token; applications that are linked to it are linked to none
    Remove {
        /// Its name
        name: String,
    },
    /// Link an application to a token, or without one to none
    Link {
        /// The application
        application: String,
        /// The token's name
        token: Option<String>,
    },
}

#[derive(Serialize)]
struct ListDocument<'a> {
    tokens: &'a [String],
}

#[derive(Serialize)]
struct TokenDocument<'a> {
    token: &'a str,
}

#[derive(Serialize)]
struct LinkDocument<'a> {
    application: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

/// Adds, lists, removes or links.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    match &args.command {
        GitHubCommand::Add { name } => {
            let token = token()?;
            service(global)?.put_git_hub_token(name, token).await?;
            output.text(&format!("token {name} is kept; link applications with `longshore github link`"))?;
            output.json(&TokenDocument { token: name })?;
        }
        GitHubCommand::List => list(&service(global)?, output).await?,
        GitHubCommand::Remove { name } => {
            service(global)?.delete_git_hub_token(name).await?;
            output.text(&format!("removed {name}"))?;
            output.json(&TokenDocument { token: name })?;
        }
        GitHubCommand::Link { application, token } => {
            let token = token.as_deref();
            service(global)?.link_git_hub_token(application, token).await?;
            output.text(&match token {
                Some(token) => format!("hosts of {application} read its repositories with {token}"),
                None => format!("{application} is linked to no token"),
            })?;
            output.json(&LinkDocument { application, token })?;
        }
    }
    Ok(Outcome::Done)
}

fn service(global: &Global) -> anyhow::Result<Service> {
    Service::new(settings::connection(global)?)
}

async fn list(service: &Service, output: Output) -> anyhow::Result<()> {
    let names = service.git_hub_tokens().await?;
    if names.is_empty() {
        output.text("no tokens: add one with `longshore github add NAME`")?;
    }
    for name in &names {
        output.text(name)?;
    }
    output.json(&ListDocument { tokens: &names })?;
    Ok(())
}

/// The token. Never an argument: other users see command lines.
fn token() -> anyhow::Result<String> {
    let text = match settings::variable(TOKEN_VARIABLE) {
        Some(text) => text,
        None if io::stdin().is_terminal() => {
            let advice =
                format!("pipe it in (`gh auth token | longshore github add NAME`), or set {TOKEN_VARIABLE}");
            bail!(Advice::new("there is no token on stdin", advice));
        }
        None => {
            let mut text = String::new();
            io::stdin().take(MAX_INPUT_BYTES).read_to_string(&mut text).context("cannot read the token")?;
            text
        }
    };
    let text = text.trim();
    if text.is_empty() {
        bail!(Advice::new("the token is empty", "give the token that GitHub shows when it is made"));
    }
    Ok(text.to_owned())
}
