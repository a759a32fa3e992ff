//! Whether a folder makes a bundle that hosts will take: known before anything is uploaded.

use std::io;
use std::path::{Path, PathBuf};

use longshore_model::appspec::{AppSpec, AppSpecError, AppSpecFault, Platform};

use super::list::Entry;

/// The names under which agents look for the AppSpec file; `aws deploy push` knows only the first.
const APPSPEC_NAMES: [&str; 2] = ["appspec.yml", "appspec.yaml"];

/// Why a folder is not a bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadBundle {
    /// Nothing there, or a file.
    #[error("`{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// No AppSpec file.
    #[error("`{}` has no `appspec.yml`", .0.display())]
    NoAppSpec(PathBuf),
    /// The AppSpec file breaks a rule; the source says which, and where.
    #[error("`{}` is not a valid AppSpec file", path.display())]
    AppSpec {
        /// The file.
        path: PathBuf,
        /// The rule and the place.
        #[source]
        source: AppSpecFault,
    },
    /// The AppSpec file names something that is not in the folder.
    #[error("{place}: {section} names `{named}`, which is not in the folder")]
    Missing {
        /// File and line.
        place: String,
        /// The part of the AppSpec file.
        section: String,
        /// What is missing.
        named: String,
    },
    /// The folder cannot be listed.
    #[error("cannot list `{}`", folder.display())]
    Walk {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: walkdir::Error,
    },
    /// Something in it cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Archives and agents name files in UTF-8.
    #[error("the name of `{}` is not UTF-8", .0.display())]
    NameNotUtf8(PathBuf),
    /// A device, socket or pipe.
    #[error("`{}` is neither a file, a folder nor a symlink", .0.display())]
    SpecialFile(PathBuf),
}

/// Checks what can be checked here of what hosts will check; returns what the author should look at.
///
/// # Errors
/// The first [`BadBundle`].
pub(super) fn check(folder: &Path, entries: &[Entry]) -> Result<Vec<String>, BadBundle> {
    let name = APPSPEC_NAMES.into_iter().find(|name| entries.iter().any(|entry| entry.name == *name));
    let path = folder.join(name.ok_or_else(|| BadBundle::NoAppSpec(folder.to_owned()))?);
    let text = std::fs::read_to_string(&path)
        .map_err(|source| BadBundle::Unreadable { path: path.clone(), source })?;
    let appspec = parse(&text).map_err(|source| BadBundle::AppSpec { path: path.clone(), source })?;
    match first_missing(&appspec, entries) {
        Some((section, named)) => {
            let place = place(&path, &text, &named);
            Err(BadBundle::Missing { place, section, named })
        }
        None => Ok(appspec.warnings.iter().map(|warning| format!("{}: {warning}", path.display())).collect()),
    }
}

/// Reads the text for the kind of host that it is meant for.
fn parse(text: &str) -> Result<AppSpec, AppSpecFault> {
    let is_for_windows =
        |fault: &AppSpecFault| matches!(&fault.rule, AppSpecError::UnsupportedOs(os) if os == "windows");
    match AppSpec::parse(text, Platform::Linux) {
        Err(fault) if is_for_windows(&fault) => AppSpec::parse(text, Platform::Windows),
        parsed => parsed,
    }
}

/// The first script or source that the folder does not have.
fn first_missing(appspec: &AppSpec, entries: &[Entry]) -> Option<(String, String)> {
    let is_there = |named: &str| {
        let named = named.trim_matches('/').trim_start_matches("./");
        named.is_empty() || named == "." || entries.iter().any(|entry| entry.name == named)
    };
    let sources = appspec.files.iter().map(|file| (String::from("files"), &file.source));
    let scripts = appspec.hooks.iter().flat_map(|hook| {
        hook.scripts.iter().map(|script| (format!("hooks, {}", hook.event), &script.location))
    });
    sources
        .chain(scripts)
        .find(|(_, named)| !is_there(named))
        .map(|(section, named)| (section, named.clone()))
}

/// `PATH:LINE`, where `named` stands in the text for the first time; `PATH` if it is written otherwise.
fn place(path: &Path, text: &str, named: &str) -> String {
    match text.lines().position(|line| line.contains(named)) {
        Some(idx) => format!("{}:{}", path.display(), idx + 1),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Hidden, list};
    use super::*;

    /// `files` are names, each an empty file; the AppSpec's body follows `version` and `os`.
    #[track_caller]
    fn check_folder(files: &str, appspec_body: &str, expected: &str) {
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in files.split_whitespace() {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("inside")).expect("made");
            fs::write(path, "").expect("written");
        }
        let text = format!("version: 0.0\nos: linux\n{appspec_body}");
        fs::write(folder.path().join("appspec.yml"), text).expect("written");
        let entries = list::entries(folder.path(), Hidden::Packed).expect("listed");
        let shown = match check(folder.path(), &entries) {
            Ok(warnings) => format!("{} warnings", warnings.len()),
            Err(error) => error.to_string().replace(&format!("{}/", folder.path().display()), ""),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_complete_folder_is_fine() {
        let body =
            "files:\n- source: /\n  destination: /srv\nhooks:\n  AfterInstall:\n  - location: a/b.sh\n";
        check_folder("a/b.sh", body, "0 warnings");
    }

    #[test]
    fn a_script_that_is_not_there_is_named_with_its_line() {
        let body = "hooks:\n  AfterInstall:\n  - location: a/c.sh\n";
        let expected = "appspec.yml:5: hooks, AfterInstall names `a/c.sh`, which is not in the folder";
        check_folder("a/b.sh", body, expected);
    }

    #[test]
    fn a_source_that_is_not_there_is_named_with_its_line() {
        let body = "files:\n- source: web\n  destination: /srv\n";
        check_folder("a/b.sh", body, "appspec.yml:4: files names `web`, which is not in the folder");
    }

    #[test]
    fn an_event_that_never_runs_is_a_warning() {
        check_folder("a.sh", "hooks:\n  AfterInstal:\n  - location: a.sh\n", "1 warnings");
    }

    #[test]
    fn a_broken_file_is_named() {
        check_folder("", "hooks: [", "`appspec.yml` is not a valid AppSpec file");
    }

    #[test]
    fn a_folder_without_appspec_is_no_bundle() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let error = check(folder.path(), &[]).expect_err("no AppSpec");
        assert!(error.to_string().ends_with("has no `appspec.yml`"), "{error}");
    }
}
