//! `longshore`: the command line for people and CI. A client like any other: it speaks the public
//! protocols and reads a server's data folder only to find out where the server is.

mod advice;
mod args;
mod bundle;
mod commands;
mod data_dir;
mod host_files;
mod interrupt;
mod output;
mod processes;
mod progress;
mod service;
mod settings;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use commands::Outcome;
use output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let no_colour = settings::variable("NO_COLOR");
    let term = settings::variable("TERM");
    let output = Output::to_stdout(cli.global.output, no_colour.as_deref(), term.as_deref());
    match run(&cli, output) {
        Ok(outcome) => outcome.exit_code(),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be done when stderr is closed as well.
            let _ = writeln!(io::stderr(), "{}", advice::shown(&error));
            Outcome::CouldNot.exit_code()
        }
    }
}

fn run(cli: &Cli, output: Output) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let global = &cli.global;
    runtime.block_on(async {
        match &cli.command {
            Command::Up(args) => commands::up::run(args, global, output).await,
            Command::Env(args) => commands::env::run(args, global, output).await,
            Command::Push(args) => commands::push::run(args, global, output).await,
            Command::Deploy(args) => commands::deploy::run(args, global, output).await,
            Command::Watch(args) => commands::watch::run(args, global, output).await,
            Command::Status(args) => commands::status::run(args, global, output).await,
            Command::Deployment(args) => commands::deployment::run(args, global, output).await,
            Command::Events(args) => commands::events::run(args, global, output).await,
            Command::Notifications(args) => commands::notifications::run(args, global, output).await,
            Command::Hosts(args) => commands::hosts::run(args, global, output).await,
            Command::Github(args) => commands::github::run(args, global, output).await,
            Command::Stop(args) => commands::stop::run(args, global, output).await,
            Command::Audit(args) => commands::audit::run(args, global, output).await,
            Command::Demo(args) => commands::demo::run(args, output).await,
        }
    })
}

/// Whether the reader of our output went away (`longshore status | head -1`): no mistake of ours.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
