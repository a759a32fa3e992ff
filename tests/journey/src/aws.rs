//! The unmodified AWS CLI, pointed at a server and cut off from everybody's configuration.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::Server;

/// The AWS CLI with its environment.
#[derive(Debug)]
pub struct Aws {
    program: PathBuf,
    env: Vec<(String, String)>,
    folder: PathBuf,
}

impl Aws {
    /// The CLI for `server`, run in `folder`.
    ///
    /// # Panics
    /// When there is no AWS CLI: `tools/setup test` installs it.
    pub fn new(server: &Server, folder: &Path) -> Aws {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/journey");
        let own = root.join(".venv/bin/aws");
        let program = if own.exists() { own } else { PathBuf::from("aws") };
        let mut env = server.env();
        env.extend([
            ("HOME".to_owned(), folder.display().to_string()),
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("AWS_PAGER".to_owned(), String::new()),
            ("AWS_EC2_METADATA_DISABLED".to_owned(), String::from("true")),
        ]);
        Aws { program, env, folder: folder.to_owned() }
    }

    /// The same with one more variable.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: &str) -> Aws {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs `aws ARGS` whatever it comes to. `text` is split at blanks.
    pub fn run(&self, text: &str) -> Output {
        let mut command = Command::new(&self.program);
        command.args(text.split_whitespace()).current_dir(&self.folder).stdin(Stdio::null());
        // Tools that are installed by a version manager need their own variables; secrets of others do not pass.
        command.env_clear().envs(std::env::vars().filter(|(name, _)| name.starts_with("PYENV")));
        command.envs(self.env.iter().cloned());
        command.output().expect("the AWS CLI runs; `tools/setup test` installs it")
    }

    /// Runs `aws ARGS` and answers what it printed.
    ///
    /// # Panics
    /// When it fails, with what it printed.
    #[track_caller]
    pub fn ok(&self, text: &str) -> String {
        let output = self.run(text);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {text}: {}\n{stdout}{stderr}", output.status);
        stdout
    }

    /// Runs `aws ARGS`, which must fail, and answers its error text.
    ///
    /// # Panics
    /// When it succeeds.
    #[track_caller]
    pub fn fails(&self, text: &str) -> String {
        let output = self.run(text);
        assert!(!output.status.success(), "aws {text} succeeded");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// The value at `query` (JMESPath) of what `aws ARGS` answers, as text.
    #[track_caller]
    pub fn value(&self, text: &str, query: &str) -> String {
        self.ok(&format!("{text} --output text --query {query}")).trim().to_owned()
    }
}
