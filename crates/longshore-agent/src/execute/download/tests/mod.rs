//! Downloads against a real server that breaks connections, redirects and refuses.

mod git_hub;
mod s3;

use std::path::PathBuf;

use super::*;
use crate::config::RawConfig;
use crate::identity::CredentialSource;

/// A host that downloads into a folder of its own.
struct Host {
    dir: tempfile::TempDir,
    downloader: Downloader,
}

impl Host {
    /// A host with more lines in its configuration.
    fn new(config: &str) -> Host {
        let keys = CredentialSource::fixed("AKIA1".to_owned(), "hidden".to_owned());
        Host::with_credentials(config, keys)
    }

    fn with_credentials(config: &str, credentials: CredentialSource) -> Host {
        let dir = tempfile::tempdir().expect("dir");
        let mut downloader = as_on_a_host(&dir, config, credentials);
        // What the machine of the test has set up must not show.
        downloader.endpoint_of_environment = None;
        downloader.s3_patience = Duration::from_secs(3);
        downloader.git_hub_pauses = vec![Duration::ZERO; 3];
        Host { dir, downloader }
    }

    fn bundle(&self) -> PathBuf {
        self.dir.path().join("bundle.tar")
    }

    /// The bundle's content; nothing else lies beside it.
    #[track_caller]
    fn content(&self) -> Option<Vec<u8>> {
        let names: Vec<_> = fs::read_dir(self.dir.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert!(names.iter().all(|name| name == "bundle.tar"), "{names:?}");
        fs::read(self.bundle()).ok()
    }
}

/// With the patience that hosts have.
fn as_on_a_host(log_dir: &tempfile::TempDir, config: &str, credentials: CredentialSource) -> Downloader {
    let text = format!("log_dir: {}\npid_dir: /p\nroot_dir: /r\n{config}", log_dir.path().display());
    let raw = RawConfig::parse(&text).expect("yaml");
    let settings = Arc::new(Settings::from_raw(&raw).expect("settings"));
    let identity = Identity {
        host_identifier: "host".to_owned(),
        region: "us-east-1".to_owned(),
        domain: None,
        credentials,
    };
    let outgoing = Arc::new(Outgoing::new(&settings).expect("outgoing"));
    Downloader::new(settings, outgoing, Arc::new(identity))
}

/// agent.md §5.2.
#[test]
fn a_host_asks_git_hub_again_after_10_30_and_90_seconds() {
    let dir = tempfile::tempdir().expect("dir");
    let keys = CredentialSource::fixed("AKIA1".to_owned(), "hidden".to_owned());
    let downloader = as_on_a_host(&dir, "", keys);
    assert_eq!(downloader.git_hub_pauses, [10, 30, 90].map(Duration::from_secs));
}
