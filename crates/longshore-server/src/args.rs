//! The command line and the environment, as typed by people: texts are checked in `config`.

use std::path::PathBuf;

use clap::Parser;

use crate::config::AwsEnvironment;

/// Runs the Longshore control plane: one process, one port, one data folder.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "longshore-server",
    version,
    after_help = "Maintenance: longshore-server migrate | backup | restore | move, each with --help"
)]
pub struct Args {
    /// Folder for the database, bundles and the root key; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,

    /// Address to listen on; port 0 picks a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: std::net::SocketAddr,

    /// Configuration file: clocks, quotas, page size, TLS.
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,

    /// Region that this server is, and that requests must be signed for.
    #[arg(long, env = "LONGSHORE_REGION", default_value = "us-east-1")]
    pub region: String,

    /// The one account id, 12 digits.
    #[arg(long, env = "LONGSHORE_ACCOUNT_ID", default_value = "000000000000")]
    pub account_id: String,

    /// Root access key id for the first start; drawn when absent, read from the data folder later.
    #[arg(long, env = "LONGSHORE_ROOT_ACCESS_KEY_ID", hide_env_values = true)]
    pub root_access_key_id: Option<String>,

    /// Secret of the root access key. From the environment only: a command line is visible to everyone.
    #[arg(skip)]
    pub root_secret_access_key: Option<String>,

    /// The operator's keys for AWS, in the variables of AWS's own tools.
    #[arg(skip)]
    pub aws: AwsEnvironment,

    /// Address of the PostgreSQL database. From the environment only: it may hold a password.
    #[arg(skip)]
    pub store_url: Option<String>,
}

impl Args {
    /// Reads the command line and the environment of this process; ends it on a usage error.
    pub fn from_process() -> Args {
        let mut args = Args::parse();
        args.root_secret_access_key = std::env::var("LONGSHORE_ROOT_SECRET_ACCESS_KEY").ok();
        args.aws = AwsEnvironment::of(|name| std::env::var(name).ok());
        args.store_url = std::env::var("LONGSHORE_STORE_URL").ok().filter(|url| !url.is_empty());
        args
    }
}
