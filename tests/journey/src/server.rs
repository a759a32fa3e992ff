//! A real server process on a port of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Running, new_database, program};

/// The root key of every server here.
pub(crate) const ROOT_KEY: (&str, &str) =
    ("AKIAJOURNEYROOT00000", "journey-secret-of-the-root-key-0000000000");

/// A running server.
#[derive(Debug)]
pub struct Server {
    running: Option<Running>,
    url: String,
    data_dir: PathBuf,
    config: Option<PathBuf>,
    /// The address of its database; its own file when absent.
    database: Option<String>,
}

impl Server {
    /// Starts a server on a free port with its data under `folder`; `config` is the text of its
    /// configuration file. With `LONGSHORE_JOURNEY_DATABASE=postgresql` it is on a database of its own.
    pub fn start(folder: &Path, config: &str) -> Server {
        let database = match std::env::var("LONGSHORE_JOURNEY_DATABASE").as_deref() {
            Ok("postgresql") => Some(new_database()),
            Ok(other) => panic!("LONGSHORE_JOURNEY_DATABASE is {other:?}, and may be `postgresql`"),
            Err(_) => None,
        };
        Server::start_with(folder, config, database)
    }

    /// The same on the PostgreSQL database at this address.
    pub fn start_on(database: &str, folder: &Path, config: &str) -> Server {
        Server::start_with(folder, config, Some(database.to_owned()))
    }

    fn start_with(folder: &Path, config: &str, database: Option<String>) -> Server {
        let data_dir = folder.join("server");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        let config_file = folder.join("server.toml");
        std::fs::write(&config_file, config).expect("the configuration can be written");
        let mut server =
            Server { running: None, url: String::new(), data_dir, config: Some(config_file), database };
        server.launch("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
        server
    }

    /// Where it listens, e.g. `http://127.0.0.1:4711`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The process itself.
    pub fn process(&self) -> &Running {
        self.running.as_ref().expect("the server runs")
    }

    /// `kill -9`.
    pub fn kill_9(&mut self) {
        self.running.take().expect("the server runs").kill_9();
    }

    /// `kill -9`, then the same server again on the same port.
    pub fn kill_9_and_restart(&mut self) {
        self.kill_9();
        self.try_start_again().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts a killed server again on the same port.
    ///
    /// # Errors
    /// What it said instead of listening, when it ended.
    pub fn try_start_again(&mut self) -> Result<(), String> {
        let address = self.address().to_owned();
        self.launch(&address)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Where its log is.
    fn log(&self) -> PathBuf {
        self.data_dir.with_extension("log")
    }

    /// The variables with which clients find it and may do all.
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.url.as_str()),
            ("AWS_ACCESS_KEY_ID", ROOT_KEY.0),
            ("AWS_SECRET_ACCESS_KEY", ROOT_KEY.1),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    fn launch(&mut self, listen: &str) -> Result<(), String> {
        let mut command = Command::new(program("longshore-server"));
        command.arg("--data-dir").arg(&self.data_dir).args(["--listen", listen]);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        if let Some(database) = &self.database {
            command.env("LONGSHORE_STORE_URL", database);
        }
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .expect("the log can be opened");
        command
            .env("LONGSHORE_ROOT_ACCESS_KEY_ID", ROOT_KEY.0)
            .env("LONGSHORE_ROOT_SECRET_ACCESS_KEY", ROOT_KEY.1)
            .stdout(Stdio::piped())
            .stderr(log);
        let mut running = Running::start(&mut command);
        let stdout = running.child().stdout.take().expect("stdout is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the server says where it listens");
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            return Err(format!("the server did not start: {line:?}, see {}", self.log().display()));
        };
        self.url = url.to_owned();
        self.running = Some(running);
        Ok(())
    }
}
