//! The options of the local tool: those of `codedeploy-local`, by the same names. Source: agent.md §9.6.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where the local tool's configuration file is unless it is named.
pub const CONFIGURATION_FILE: &str = "/etc/codedeploy-agent/conf/codedeployagent.yml";

/// The AppSpec's name unless it is given.
pub const APPSPEC_FILENAME: &str = "appspec.yml";

/// What to deploy, as whom, and how.
#[allow(rustdoc::bare_urls, reason = "these lines are also the help, where brackets would be read as typed")]
#[derive(Clone, PartialEq, Eq, Args)]
pub struct Options {
    /// A folder or an archive on this host, s3://BUCKET/KEY[?versionId=ID&etag=TAG],
    /// https://github.com/OWNER/REPO, or https://api.github.com/repos/OWNER/REPO/tarball|zipball/REF
    /// [default: the current folder].
    #[arg(short = 'l', long, value_name = "LOCATION")]
    pub bundle_location: Option<String>,
    /// How the bundle is packed: tgz, tar, zip or directory.
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "directory")]
    pub bundle_type: String,
    /// What Install does when a file exists that no deployment of the group put there:
    /// DISALLOW fails, OVERWRITE replaces it, RETAIN keeps it.
    #[arg(short = 'b', long, value_name = "BEHAVIOR", default_value = "DISALLOW")]
    pub file_exists_behavior: String,
    /// The deployment group's id: the folder below the deployment root. Give a real group's id to go on
    /// with its history: its files are then replaced, and its ApplicationStop runs.
    #[arg(short = 'g', long, value_name = "ID", default_value = "default-local-deployment-group")]
    pub deployment_group: String,
    /// What scripts find in DEPLOYMENT_GROUP_NAME.
    #[arg(short = 'd', long, value_name = "NAME", default_value = "LocalFleet")]
    pub deployment_group_name: String,
    /// What scripts find in APPLICATION_NAME [default: the bundle location].
    #[arg(short = 'a', long, value_name = "NAME")]
    pub application_name: Option<String>,
    /// The events to run, in this order, separated by commas; names of your own are allowed if the
    /// AppSpec has hooks for them. DownloadBundle and Install are put in front when they are not named
    /// [default: all eleven].
    #[arg(short = 'e', long, value_name = "EVENTS", value_delimiter = ',')]
    pub events: Option<Vec<String>>,
    /// The agent's configuration file [default: /etc/codedeploy-agent/conf/codedeployagent.yml].
    #[arg(short = 'c', long, value_name = "PATH")]
    pub agent_configuration_file: Option<PathBuf>,
    /// The AppSpec's path in the bundle.
    #[arg(short = 'A', long, value_name = "NAME", default_value = APPSPEC_FILENAME)]
    pub appspec_filename: String,
    /// For private repositories; better given in the environment, where no process list shows it.
    #[arg(long, value_name = "TOKEN", env = "CODEDEPLOY_GITHUB_TOKEN", hide_env_values = true)]
    pub github_token: Option<String>,
    /// How to say it: text for people, or one JSON document for programs, with the text on stderr.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Output::Text)]
    pub output: Output,
}

/// For whom the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token must not get into a log.
        formatter
            .debug_struct("Options")
            .field("bundle_location", &self.bundle_location)
            .field("deployment_group", &self.deployment_group)
            .finish_non_exhaustive()
    }
}
