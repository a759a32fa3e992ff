//! A real Prometheus, which scrapes one number that a test sets.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

use crate::http::Serving;
use crate::{PATIENCE, Running, repository, wait_for};

/// An alerting rule beside those numbers: fires as soon as `load` is above 5.
const RULES: &str = "groups:\n- name: journey\n  rules:\n  - alert: HighLoad\n    expr: load > 5\n";

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    _running: Running,
    _scraped: Serving,
    load: Arc<Mutex<f64>>,
    url: String,
}

impl Prometheus {
    /// Starts one with its data under `folder`; it knows `load`, a gauge that begins at 1, and looks at it
    /// five times a second.
    ///
    /// # Panics
    /// When there is no Prometheus: `tools/setup test` fetches it.
    pub fn start(folder: &Path) -> Prometheus {
        let load = Arc::new(Mutex::new(1.0));
        let shown = Arc::clone(&load);
        let answer = move |_: &http::Request<Bytes>| {
            let load = shown.lock().unwrap_or_else(PoisonError::into_inner);
            Response::new(Full::from(format!("# TYPE load gauge\nload {load}\n")))
        };
        let scraped = Serving::start(None, Arc::new(answer));
        let folder = folder.join("prometheus");
        std::fs::create_dir_all(&folder).expect("a folder");
        let config = folder.join("prometheus.yml");
        std::fs::write(folder.join("rules.yml"), RULES).expect("the rules are written");
        std::fs::write(&config, configuration(scraped.port())).expect("the configuration is written");
        let log = folder.join("log");
        let mut command = Command::new(program());
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"));
        let running = Running::start(&mut command);
        let address = wait_for("Prometheus to listen", PATIENCE, || {
            let text = std::fs::read_to_string(&log).ok()?;
            let is_ready = text.contains("Server is ready to receive web requests");
            let line = text.lines().find(|line| line.contains("\"Listening on\"")).filter(|_| is_ready)?;
            Some(line.rsplit_once("address=")?.1.trim().to_owned())
        });
        Prometheus { _running: running, _scraped: scraped, load, url: format!("http://{address}") }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sets the number that it scrapes.
    pub fn set_load(&self, load: f64) {
        *self.load.lock().unwrap_or_else(PoisonError::into_inner) = load;
    }
}

fn configuration(port: u16) -> String {
    format!(
        "global:\n  scrape_interval: 200ms\n  evaluation_interval: 200ms\nrule_files: [rules.yml]\n\
         scrape_configs:\n- job_name: journey\n  static_configs:\n  - targets: ['127.0.0.1:{port}']\n"
    )
}

/// That of `tools/setup`, else the system's.
fn program() -> PathBuf {
    let own = repository().join(".prometheus/usr/bin/prometheus");
    if own.exists() { own } else { PathBuf::from("prometheus") }
}
