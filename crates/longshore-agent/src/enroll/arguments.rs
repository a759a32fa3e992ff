//! The flags of `enroll`.

use std::path::PathBuf;

/// Where the files of an agent are when nothing else is said.
pub(super) const CONFIG_DIR: &str = "/etc/codedeploy-agent/conf";

/// Whom the output is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// People.
    #[default]
    Text,
    /// Programs: one JSON document.
    Json,
}

/// Make this machine a host of a Longshore server, with a token of `longshore hosts token`.
///
/// Writes the host's identity and the certificate of the server's signer, which is all that the agent will
/// believe from then on, and sets what the agent's configuration file needs. Whatever fails leaves the
/// machine as it was.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
#[command(after_help = "\
Examples:
  longshore-agent enroll --server https://longshore.example:8080 --token-file token
  echo \"$TOKEN\" | longshore-agent enroll --server http://10.0.0.5:8080 --token - --name web-1

The token is the first of: --token, --token-file, LONGSHORE_ENROLL_TOKEN. Other users of this
machine can see command lines: `--token -` reads it from stdin.

With --output json: {\"name\",\"hostArn\",\"iamUserArn\",\"region\",\"server\",\"signerFingerprint\",
\"files\":[{\"path\",\"mode\",\"changedKeys\"}],\"kept\":[PATH],\"warnings\":[TEXT],\"nextCommand\"};
when it fails {\"error\":{\"message\",\"hint\"}}.")]
#[allow(rustdoc::bare_urls, reason = "these lines are also the help, where brackets would be read as typed")]
pub struct EnrollArguments {
    /// The server's URL, e.g. https://longshore.example:8080
    #[arg(long, value_name = "URL")]
    pub(super) server: String,
    /// The token; `-` reads it from stdin
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    pub(super) token: Option<String>,
    /// A file with the token; `-` is stdin
    #[arg(long, value_name = "PATH")]
    pub(super) token_file: Option<PathBuf>,
    /// The host's name, unique among the registered ones; the machine's own by default
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Where the agent's files go [default: /etc/codedeploy-agent/conf]; with another folder, its logs and
    /// deployments go below that as well
    #[arg(long, value_name = "DIR")]
    pub(super) config_dir: Option<PathBuf>,
    /// Where deployments go
    #[arg(long, value_name = "DIR")]
    pub(super) root_dir: Option<PathBuf>,
    /// Where the agent's logs go
    #[arg(long, value_name = "DIR")]
    pub(super) log_dir: Option<PathBuf>,
    /// Where the agent's PID file goes
    #[arg(long, value_name = "DIR")]
    pub(super) pid_dir: Option<PathBuf>,
    /// Replace the identity that this machine has
    #[arg(long)]
    pub(super) force: bool,
    /// Repeats the request of this id, whose answer was lost, instead of making a new one
    #[arg(long, value_name = "ID")]
    pub(super) request_id: Option<String>,
    /// `text` for people, `json` for programs
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub(super) output: Format,
}
