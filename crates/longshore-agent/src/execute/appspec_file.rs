//! Finds and reads the AppSpec of an unpacked revision. Source: agent.md §6.1; the fallback applies
//! everywhere, in both directions (I-21).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use longshore_model::appspec::{AppSpec, AppSpecFault, FALLBACK_FILE_NAMES, Platform};
use longshore_model::evidence::Evidence;
use nix::errno::Errno;

use crate::failure::{self, Evident};

/// The most that an AppSpec may have: thousands of entries, and nothing that fills the host's memory.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why there is no AppSpec to use. The texts are what the service shows.
#[derive(Debug, thiserror::Error)]
pub enum AppSpecFileError {
    /// None of the names exists.
    #[error(
        "The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at revision-relative path \"{name}\". The revision was unpacked to directory \"{}\", and the AppSpec file was expected but not found at path \"{}\". Consult the AWS CodeDeploy Appspec documentation for more information at http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html",
        archive_dir.display(),
        archive_dir.join(name).display()
    )]
    NotFound {
        /// As the deployment names it.
        name: String,
        /// Where the revision was unpacked.
        archive_dir: PathBuf,
    },
    /// It is there and cannot be read.
    #[error("cannot read the AppSpec file {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why; part of the text, because the text is all that reaches the user.
        source: io::Error,
    },
    /// It breaks a rule.
    #[error("{fault}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// The rule, and where.
        fault: AppSpecFault,
    },
}

/// The path of the AppSpec in an unpacked revision: the name given, else the usual names.
///
/// # Errors
/// [`AppSpecFileError::NotFound`].
pub fn find(archive_dir: &Path, appspec_filename: &str) -> Result<PathBuf, AppSpecFileError> {
    let names = [appspec_filename].into_iter().chain(FALLBACK_FILE_NAMES);
    let found =
        names.filter(|name| !name.is_empty()).map(|name| archive_dir.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| AppSpecFileError::NotFound {
        name: appspec_filename.to_owned(),
        archive_dir: archive_dir.to_owned(),
    })
}

/// Finds, reads and checks the AppSpec of an unpacked revision.
///
/// # Errors
/// As [`find`]; or it cannot be read, or breaks a rule.
pub fn read(archive_dir: &Path, appspec_filename: &str) -> Result<AppSpec, AppSpecFileError> {
    let path = find(archive_dir, appspec_filename)?;
    let text = text(&path).map_err(|source| AppSpecFileError::Unreadable { path: path.clone(), source })?;
    AppSpec::parse(&text, Platform::Linux).map_err(|fault| AppSpecFileError::Invalid { path, fault })
}

fn text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if MAX_BYTES < bytes.len() as u64 {
        let problem = format!("it is larger than {MAX_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    String::from_utf8(bytes).map_err(|source| io::Error::new(io::ErrorKind::InvalidData, source))
}

impl Evident for AppSpecFileError {
    fn evidence(&self) -> Vec<Evidence> {
        match self {
            AppSpecFileError::Unreadable { path, source } => failure::system_refusal(Some(path), source),
            AppSpecFileError::NotFound { name, archive_dir } => {
                failure::system_refusal(Some(&archive_dir.join(name)), &Errno::ENOENT.into())
            }
            AppSpecFileError::Invalid { path, fault } => {
                let counted = |number: usize| u64::try_from(number).ok();
                vec![Evidence::AppSpecInvalid {
                    path: failure::shown(path),
                    line: fault.at.and_then(|at| counted(at.line)),
                    column: fault.at.and_then(|at| counted(at.column)),
                    detail: fault.to_string(),
                }]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPSPEC: &str = "version: 0.0\nos: linux\n";

    /// Which file is read in a revision that has these, when the deployment names that one.
    #[track_caller]
    fn check(files: &[&str], named: &str, expected: Option<&str>) {
        let dir = tempfile::tempdir().expect("dir");
        for name in files {
            std::fs::write(dir.path().join(name), APPSPEC).expect("write");
        }
        let found = find(dir.path(), named).ok();
        let found = found.as_deref().and_then(Path::file_name).and_then(std::ffi::OsStr::to_str);
        assert_eq!(found, expected, "{files:?} {named}");
        assert_eq!(read(dir.path(), named).is_ok(), expected.is_some());
    }

    #[test]
    fn the_named_file_comes_first_and_then_the_usual_names() {
        check(&["custom", "appspec.yml", "appspec.yaml"], "custom", Some("custom"));
        check(&["appspec.yml", "appspec.yaml"], "custom", Some("appspec.yaml"));
        check(&["appspec.yml"], "custom", Some("appspec.yml"));
        check(&["appspec.yaml"], "appspec.yml", Some("appspec.yaml"));
        check(&["appspec.yml"], "appspec.yaml", Some("appspec.yml"));
        check(&["appspec.yml", "appspec.yaml"], "", Some("appspec.yaml"));
        check(&["readme"], "appspec.yml", None);
    }

    #[test]
    fn an_appspec_that_would_fill_the_memory_is_refused() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("appspec.yml");
        let padded = |n_bytes: u64| {
            let comment = "#".repeat(usize::try_from(n_bytes).expect("fits") - APPSPEC.len());
            std::fs::write(&path, format!("{APPSPEC}{comment}")).expect("write");
            read(dir.path(), "appspec.yml").map_err(|error| error.to_string())
        };
        assert!(padded(MAX_BYTES).is_ok());
        let refused = padded(MAX_BYTES + 1).expect_err("too large");
        assert!(refused.ends_with("appspec.yml: it is larger than 1048576 bytes"), "{refused}");
        File::options().write(true).open(&path).and_then(|file| file.set_len(1 << 40)).expect("sparse");
        assert!(read(dir.path(), "appspec.yml").is_err());
    }

    #[test]
    fn a_missing_appspec_is_said_with_every_place() {
        let error = find(Path::new("/root/g/d/deployment-archive"), "a.yml").expect_err("missing");
        assert_eq!(
            error.to_string(),
            "The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at revision-relative path \"a.yml\". The revision was unpacked to directory \"/root/g/d/deployment-archive\", and the AppSpec file was expected but not found at path \"/root/g/d/deployment-archive/a.yml\". Consult the AWS CodeDeploy Appspec documentation for more information at http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html"
        );
        let path = Some("/root/g/d/deployment-archive/a.yml".to_owned());
        assert_eq!(error.evidence(), [Evidence::SystemRefusal { path, errno: 2, name: "ENOENT".to_owned() }]);
    }

    #[test]
    fn the_evidence_of_a_broken_rule_has_its_place_and_the_message_has_not() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("appspec.yml");
        for (text, line, column) in
            [("version: 0.0\nos: Linux\n", Some(2), Some(5)), ("", None, None), ("a: [", Some(2), Some(1))]
        {
            std::fs::write(&path, text).expect("write");
            let error = read(dir.path(), "appspec.yml").expect_err("invalid");
            let detail = error.to_string();
            assert!(!detail.contains("appspec.yml:"), "{detail}");
            let path = failure::shown(&path);
            assert_eq!(error.evidence(), [Evidence::AppSpecInvalid { path, line, column, detail }], "{text}");
        }
    }
}
