//! Enrollment: one command makes this machine a host. Source: design.md §7, agent.md §2.2 and I-07.
//!
//! Everything that can be known to fail is looked at before the server is asked, since a token is for few
//! uses; what fails later leaves the machine as it was.

mod agent_file;
mod arguments;
mod error;
mod output;
mod place;
mod plan;
mod server;
mod token;

use std::process::ExitCode;

use longshore_model::time::Timestamp;
use longshore_wire::enrollment::TokenText;

pub use arguments::EnrollArguments;

use crate::config;
use error::EnrollError;
use output::Enrolled;
use place::Prepared;
use plan::Plan;
use server::{ClockView, Enrolling};

/// Makes this machine a host, and says what was done or why not.
pub fn run(arguments: &EnrollArguments) -> ExitCode {
    match enroll(arguments) {
        Ok(enrolled) => output::tell(&enrolled, arguments.output),
        Err(error) => output::complain(&error, arguments.output),
    }
}

fn enroll(arguments: &EnrollArguments) -> Result<Enrolled, EnrollError> {
    let token: TokenText = token::read(arguments)?;
    let name = plan::host_name(arguments.name.as_deref())?;
    let plan = Plan::of(arguments)?;
    let prepared = Prepared::new(&plan.directories())?;
    let request_id = arguments.request_id.clone().unwrap_or_else(server::new_request_id);
    let enrolling = Enrolling {
        server: &arguments.server,
        proxy_uri: plan.proxy_uri(),
        token: &token,
        name: &name,
        request_id: &request_id,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (clock, answer) = runtime.map_err(EnrollError::System)?.block_on(server::ask(&enrolling))?;
    let unfinished = |error: EnrollError| error.after_the_answer(&request_id);
    let signer = server::signer(&answer, &token)?;
    let files = plan.files(&answer, &signer).map_err(unfinished)?;
    prepared.place(&files).map_err(|error| unfinished(error.into()))?;
    Ok(Enrolled {
        name: answer.name,
        host_arn: answer.host_arn,
        iam_user_arn: answer.iam_user_arn,
        region: answer.region,
        server: arguments.server.clone(),
        signer_fingerprint: token.signer_fingerprint,
        next_command: plan.next_command(&config::default_path()),
        files: files.iter().map(output::WrittenFile::of).collect(),
        kept: plan.kept(&files),
        warnings: warnings(arguments, clock),
    })
}

fn warnings(arguments: &EnrollArguments, clock: ClockView) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(off) = clock.worth_a_warning() {
        warnings.push(format!("this machine's clock is {off} the server's"));
    }
    if server::is_open_to_others(&arguments.server) {
        warnings.push(String::from(
            "the connection is not encrypted: others on the network can read the host's key and its bundles; \
             give the server a certificate",
        ));
    }
    warnings
}

/// The machine's clock.
fn now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
