//! `check` on the command line.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::finding::Level;
use super::{gather, judge};
use crate::local::options::Output;

/// How to say it.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct CheckArguments {
    /// Text for people, or one JSON document for programs.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Output::Text)]
    output: Output,
}

/// Checks this host and says what was found.
pub fn run(arguments: &CheckArguments, config_file: Option<PathBuf>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let findings = runtime.block_on(gather::findings(&gather::config_path(config_file)));
    let worst = judge::worst(&findings);
    // A reader that went away has seen enough.
    let _ = match arguments.output {
        Output::Text => findings
            .iter()
            .flat_map(super::finding::Finding::lines)
            .try_for_each(|line| writeln!(std::io::stdout(), "{line}")),
        Output::Json => {
            let document = json!({ "status": worst, "findings": findings });
            writeln!(std::io::stdout(), "{document:#}")
        }
    };
    if worst == Level::Error { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
