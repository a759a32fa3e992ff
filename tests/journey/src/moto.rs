//! A stand-in for AWS: moto, which speaks AWS's protocols and keeps state in memory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Aws, PATIENCE, Running, repository, wait_for};

/// A running moto. It is empty at its start, and everybody may do everything with any key.
#[derive(Debug)]
pub struct Moto {
    _running: Running,
    url: String,
    folder: PathBuf,
}

impl Moto {
    /// Starts one on a free port with its log in `folder`. It takes some seconds.
    ///
    /// # Panics
    /// When there is no moto: `tools/setup test` installs it.
    pub fn start(folder: &Path) -> Moto {
        let folder = folder.join("moto");
        std::fs::create_dir_all(&folder).expect("a folder");
        let log = folder.join("log");
        let own = repository().join(".venv/bin/moto_server");
        let mut command = Command::new(if own.exists() { own } else { PathBuf::from("moto_server") });
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("PYTHONUNBUFFERED", "1");
        command.stdout(Stdio::null()).stderr(File::create(&log).expect("a log"));
        let running = Running::start(&mut command);
        let url = wait_for("moto to listen", PATIENCE, || {
            let text = std::fs::read_to_string(&log).ok()?;
            let (_, rest) = text.split_once("Running on ")?;
            Some(rest.split_once('\n')?.0.trim().to_owned())
        });
        Moto { _running: running, url, folder }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The AWS CLI for it, in `us-east-1`.
    pub fn aws(&self) -> Aws {
        let variables = [
            ("AWS_ENDPOINT_URL", self.url.as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIAMOTO"),
            ("AWS_SECRET_ACCESS_KEY", "any"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ];
        Aws::with(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(), &self.folder)
    }
}
