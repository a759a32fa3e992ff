//! The unmodified AWS CLI, pointed at a server and cut off from everybody's configuration.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::{Server, repository};

/// An access key, and the token of its session if it has one.
#[derive(Clone, Debug)]
pub struct Credentials {
    id: String,
    secret: String,
    token: Option<String>,
}

impl Credentials {
    /// From two or three words: id, secret, token.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn of_words(text: &str) -> Credentials {
        let mut words = text.split_whitespace().map(str::to_owned);
        let mut next = || words.next().expect("an id and a secret");
        Credentials { id: next(), secret: next(), token: words.next() }
    }

    /// As an instance metadata service hands them out.
    pub(crate) fn metadata(&self) -> String {
        let Credentials { id, secret, token } = self;
        let token = token.as_deref().unwrap_or_default();
        let keys = format!(r#""AccessKeyId":"{id}","SecretAccessKey":"{secret}","Token":"{token}""#);
        format!(r#"{{"Code":"Success","Type":"AWS-HMAC","Expiration":"2999-01-01T00:00:00Z",{keys}}}"#)
    }

    /// As a shared credentials file, in which agents look for those of a session.
    pub fn file(&self) -> String {
        let Credentials { id, secret, token } = self;
        let token = token.as_deref().unwrap_or_default();
        format!(
            "[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\naws_session_token = {token}\n"
        )
    }
}

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
        Aws::with(server.env(), folder)
    }

    /// The CLI with these variables, run in `folder`.
    pub(crate) fn with(mut env: Vec<(String, String)>, folder: &Path) -> Aws {
        let own = repository().join(".venv/bin/aws");
        let program = if own.exists() { own } else { PathBuf::from("aws") };
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

    /// The same CLI for somebody else.
    #[must_use]
    pub fn signing_with(&self, credentials: &Credentials) -> Aws {
        let own = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        let mut env: Vec<_> =
            self.env.iter().filter(|(name, _)| !own.contains(&name.as_str())).cloned().collect();
        let Credentials { id, secret, token } = credentials;
        let given = [Some(id), Some(secret), token.as_ref()];
        let given = own.into_iter().zip(given);
        env.extend(given.filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))));
        Aws { program: self.program.clone(), env, folder: self.folder.clone() }
    }

    /// The same CLI with the API models of this repository, which may be newer than its own; they are
    /// laid out in `folder`.
    ///
    /// # Panics
    /// When they cannot be copied.
    #[must_use]
    pub fn with_our_models(self, folder: &Path) -> Aws {
        let models = folder.join("models");
        let version = models.join("codedeploy/2014-10-06");
        std::fs::create_dir_all(&version).expect("a folder for the models");
        let model = repository().join("api-models/codedeploy-2014-10-06/service-2.json");
        std::fs::copy(model, version.join("service-2.json")).expect("the model is copied");
        self.with_env("AWS_DATA_PATH", &models.display().to_string())
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
