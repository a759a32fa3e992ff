//! The command line as typed; `settings` makes sense of it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    audit, demo, deploy, deployment, env, events, github, hosts, notifications, push, status, stop, up, watch,
};
use crate::output::Format;

/// Deploys applications to fleets of hosts.
#[derive(Debug, Parser)]
#[command(name = "longshore", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
}

const AFTER_HELP: &str = "\
A first deployment, all on this machine:
  longshore up                            a server and a host, until Ctrl-C
and in another terminal:
  longshore deploy ./my-app --application my-app --group all \\
      --create --tag host=local

Which server? The first that is given of: --data-dir, --endpoint-url or
AWS_ENDPOINT_URL, the default data folder. The region and the access key come
from the same place: the data folder, or the environment (AWS_REGION,
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY). Flags replace single parts.
The default data folder is $LONGSHORE_DATA_DIR, else ./.longshore if it exists,
else $XDG_DATA_HOME/longshore (~/.local/share/longshore).

Exit status:
  0    done; for `deploy` and `watch`: the deployment Succeeded
  1    the deployment Failed
  2    the command could not do its work: a wrong command line, a bad bundle,
       no server, refused
  3    the deployment was Stopped
  130  interrupted; a deployment that was watched goes on";

/// What every command takes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Global {
    /// The server's URL, e.g. http://127.0.0.1:8080
    #[arg(long, global = true, value_name = "URL", help_heading = "Server")]
    pub(crate) endpoint_url: Option<String>,
    /// The region that requests are signed for
    #[arg(long, global = true, help_heading = "Server")]
    pub(crate) region: Option<String>,
    /// The data folder of a server on this machine: where it listens and its root key are read from it
    #[arg(long, global = true, value_name = "DIR", help_heading = "Server")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The access key to sign with; AWS_ACCESS_KEY_ID is the better place for it
    #[arg(long, global = true, value_name = "ID", help_heading = "Server")]
    pub(crate) access_key_id: Option<String>,
    /// Its secret; AWS_SECRET_ACCESS_KEY is the better place: other users see command lines
    #[arg(long, global = true, value_name = "SECRET", hide_default_value = true, help_heading = "Server")]
    pub(crate) secret_access_key: Option<String>,
    /// `text` for people; `json` for programs: one document, or one object a line while something goes on
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub(crate) output: Format,
}

/// The verbs; what `--help` says of each stands with its flags.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(up::Args),
    Env(env::Args),
    Push(push::Args),
    Deploy(deploy::Args),
    Watch(watch::Args),
    Status(status::Args),
    Deployment(deployment::Args),
    Events(events::Args),
    Notifications(notifications::Args),
    Hosts(hosts::Args),
    Github(github::Args),
    Stop(stop::Args),
    Audit(audit::Args),
    Demo(demo::Args),
}
