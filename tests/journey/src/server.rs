//! A real server process on a port of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::front::Front;
use crate::{Running, new_database, program};

/// The root key of every server here.
pub(crate) const ROOT_KEY: (&str, &str) =
    ("AKIAJOURNEYROOT00000", "journey-secret-of-the-root-key-0000000000");

/// A running server; or, with `LONGSHORE_JOURNEY_SERVERS=2`, two that share all and stand behind one
/// address, start together and are killed together.
#[derive(Debug)]
pub struct Server {
    processes: Vec<ServerProcess>,
    front: Option<Front>,
    data_dir: PathBuf,
}

/// What the servers of a journey are on when it does not say so itself.
enum Kind {
    /// One with a file of its own.
    Sqlite,
    /// So many on one PostgreSQL database.
    Postgresql(usize),
}

impl Kind {
    /// `LONGSHORE_JOURNEY_DATABASE=postgresql`, and `LONGSHORE_JOURNEY_SERVERS=2` with it.
    fn of_environment() -> Kind {
        let database = std::env::var("LONGSHORE_JOURNEY_DATABASE");
        let servers = std::env::var("LONGSHORE_JOURNEY_SERVERS");
        match (database.as_deref(), servers.as_deref()) {
            (Err(_), Err(_)) => Kind::Sqlite,
            (Ok("postgresql"), Err(_) | Ok("1")) => Kind::Postgresql(1),
            (Ok("postgresql"), Ok("2")) => Kind::Postgresql(2),
            _ => panic!(
                "LONGSHORE_JOURNEY_DATABASE is {database:?} and LONGSHORE_JOURNEY_SERVERS {servers:?}: the \
                 first may be `postgresql`, and the second then 1 or 2"
            ),
        }
    }
}

impl Server {
    /// Starts a server on a free port with its data under `folder`; `config` is the text of its
    /// configuration file. With `LONGSHORE_JOURNEY_DATABASE=postgresql` it is on a database of its own,
    /// and with `LONGSHORE_JOURNEY_SERVERS=2` there are two on it, behind an HAProxy.
    pub fn start(folder: &Path, config: &str) -> Server {
        match Kind::of_environment() {
            Kind::Sqlite => Server::alone(folder, config, None),
            Kind::Postgresql(1) => Server::alone(folder, config, Some(new_database())),
            Kind::Postgresql(_) => Server::two_on(&new_database(), folder, config),
        }
    }

    /// One with a file of its own, whatever the environment says.
    pub fn start_on_file(folder: &Path, config: &str) -> Server {
        Server::alone(folder, config, None)
    }

    /// One on the PostgreSQL database at this address.
    pub fn start_on(database: &str, folder: &Path, config: &str) -> Server {
        Server::alone(folder, config, Some(database.to_owned()))
    }

    fn alone(folder: &Path, config: &str, database: Option<String>) -> Server {
        let data_dir = folder.join("server");
        let processes = vec![ServerProcess::start(data_dir.clone(), config, database)];
        Server { processes, front: None, data_dir }
    }

    /// Two behind one address. The first has the bundles of both where it would have its own.
    fn two_on(database: &str, folder: &Path, config: &str) -> Server {
        let data_dir = folder.join("server");
        let for_second =
            format!("{config}\n[bundles]\nfolder = \"{}\"\n", data_dir.join("bundles").display());
        let processes = vec![
            ServerProcess::start(data_dir.clone(), config, Some(database.to_owned())),
            ServerProcess::start(folder.join("second"), &for_second, Some(database.to_owned())),
        ];
        let addresses: Vec<&str> = processes.iter().map(ServerProcess::address).collect();
        let front = Some(Front::start(folder, "127.0.0.1", &addresses));
        Server { processes, front, data_dir }
    }

    /// Where it listens, e.g. `http://127.0.0.1:4711`.
    pub fn url(&self) -> &str {
        self.front.as_ref().map_or(&self.processes[0].url, |front| front.url())
    }

    /// Its data folder; of two the first one's.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The process itself; of two the first.
    pub fn process(&self) -> &Running {
        self.processes[0].running.as_ref().expect("the server runs")
    }

    /// `kill -9`.
    pub fn kill_9(&mut self) {
        for process in &mut self.processes {
            process.running.take().expect("the server runs").kill_9();
        }
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
        for process in &mut self.processes {
            let address = process.address().to_owned();
            process.launch(&address)?;
        }
        Ok(())
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url().trim_start_matches("http://")
    }

    /// The variables with which clients find it and may do all.
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", ROOT_KEY.0),
            ("AWS_SECRET_ACCESS_KEY", ROOT_KEY.1),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

/// One process, or its place while it does not run.
#[derive(Debug)]
struct ServerProcess {
    running: Option<Running>,
    url: String,
    data_dir: PathBuf,
    config: PathBuf,
    /// The address of its database; its own file when absent.
    database: Option<String>,
}

impl ServerProcess {
    fn start(data_dir: PathBuf, config: &str, database: Option<String>) -> ServerProcess {
        std::fs::create_dir_all(&data_dir).expect("the folder can be made");
        let config_file = data_dir.with_extension("toml");
        std::fs::write(&config_file, config).expect("the configuration can be written");
        let mut process =
            ServerProcess { running: None, url: String::new(), data_dir, config: config_file, database };
        process.launch("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
        process
    }

    /// Where it listens, without the scheme.
    fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    fn log(&self) -> PathBuf {
        self.data_dir.with_extension("log")
    }

    fn launch(&mut self, listen: &str) -> Result<(), String> {
        let mut command = Command::new(program("longshore-server"));
        command.arg("--data-dir").arg(&self.data_dir).args(["--listen", listen]);
        command.arg("--config").arg(&self.config);
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
