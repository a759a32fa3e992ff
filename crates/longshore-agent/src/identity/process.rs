//! Keys that a program prints (`credential_process`). Source: agent.md §2.1.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::keys::Keys;

/// How long the program may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Variables of a person's own that the agent does not sign with, so neither does the program.
pub(super) const IGNORED_VARIABLES: [&str; 3] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CREDENTIAL_FILE"];

/// Why the program gave no keys. What it printed is not shown: it may hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It cannot be started.
    #[error("cannot run the credential process")]
    Start(#[source] std::io::Error),
    /// It takes too long.
    #[error("the credential process did not end within {} s", TIMEOUT.as_secs())]
    Timeout,
    /// It failed.
    #[error("the credential process failed: {0}")]
    Status(std::process::ExitStatus),
    /// It printed something else.
    #[error("the credential process printed no keys")]
    Unreadable,
}

/// Runs the program by the shell, as AWS's SDKs do.
pub(super) async fn run(command_line: &str) -> Result<Keys, ProcessError> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(command_line).stdin(Stdio::null()).kill_on_drop(true);
    for name in IGNORED_VARIABLES {
        command.env_remove(name);
    }
    let output = tokio::time::timeout(TIMEOUT, command.output()).await;
    let output = output.map_err(|_| ProcessError::Timeout)?.map_err(ProcessError::Start)?;
    if !output.status.success() {
        return Err(ProcessError::Status(output.status));
    }
    Keys::from_json(&output.stdout).ok_or(ProcessError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(command_line: &str, expected: Result<&str, &str>) {
        let keys = run(command_line).await;
        let found = keys.map(|keys| keys.credentials.access_key_id).map_err(|error| error.to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{command_line}");
    }

    #[tokio::test]
    async fn a_program_prints_keys_or_what_went_wrong_is_said_without_its_output() {
        let keys = r#"echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S"}'"#;
        check(keys, Ok("A")).await;
        check("echo hidden; exit 3", Err("the credential process failed: exit status: 3")).await;
        check("echo hidden", Err("the credential process printed no keys")).await;
    }
}
