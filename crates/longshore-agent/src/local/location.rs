//! Where the bundle of a local deployment is. Source: agent.md §9.6.

use std::path::{Path, PathBuf};

use http::Uri;

use super::invalid::InvalidRequest;

/// The types of bundles, in the order in which they are shown.
const TYPES: [&str; 4] = ["tgz", "tar", "zip", DIRECTORY];

/// The type of a bundle that is not packed.
pub(super) const DIRECTORY: &str = "directory";

/// The host of repositories' pages.
const GITHUB: &str = "github.com";

/// The host of repositories' archives.
const GITHUB_API: &str = "api.github.com";

/// A place, before it is known to be complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A path of this host, absolute.
    Local(PathBuf),
    /// An address.
    Remote(Uri),
}

/// Where the bundle is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// On this host.
    Local {
        /// Absolute.
        path: PathBuf,
    },
    /// In a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The object.
        key: String,
        /// Which version.
        version: Option<String>,
        /// What the download must answer with.
        e_tag: Option<String>,
    },
    /// A commit of a repository.
    GitHub {
        /// The owner.
        account: String,
        /// Without the owner.
        repository: String,
        /// A commit, branch or tag.
        commit_id: String,
    },
}

impl Place {
    /// The first rules, which need nothing but a look at this host.
    pub(super) fn parse(
        location: &str,
        bundle_type: &str,
        working_dir: &Path,
    ) -> Result<Place, InvalidRequest> {
        if !TYPES.contains(&bundle_type) {
            return Err(InvalidRequest::Type(bundle_type.to_owned()));
        }
        let named = || location.to_owned();
        let path = working_dir.join(location);
        // A path that exists needs no quoting, whatever is in its name.
        if scheme(location).is_none() && path.exists() {
            return Place::existing(path, location, bundle_type);
        }
        if !is_uri(location) {
            return Err(InvalidRequest::NotUri(named()));
        }
        match scheme(location) {
            Some("http") => Err(InvalidRequest::PlainHttp(named())),
            Some("https" | "s3") => {
                location.parse().map(Place::Remote).map_err(|_| InvalidRequest::NotUri(named()))
            }
            Some(_) | None if path.exists() => Place::existing(path, location, bundle_type),
            Some(_) | None => Err(InvalidRequest::Absent(named())),
        }
    }

    fn existing(path: PathBuf, location: &str, bundle_type: &str) -> Result<Place, InvalidRequest> {
        match (bundle_type == DIRECTORY, path.is_dir()) {
            (true, true) | (false, false) => Ok(Place::Local(path)),
            (true, false) => Err(InvalidRequest::FileAsDirectory(location.to_owned())),
            (false, true) => Err(InvalidRequest::DirectoryAsFile(location.to_owned())),
        }
    }

    /// The last rules: the form of an address.
    pub(super) fn locate(self, location: &str) -> Result<Location, InvalidRequest> {
        match self {
            Place::Local(path) => Ok(Location::Local { path }),
            Place::Remote(uri) if uri.scheme_str() == Some("s3") => {
                s3(&uri).ok_or_else(|| InvalidRequest::S3Form(location.to_owned()))
            }
            Place::Remote(uri) if matches!(uri.host(), Some(GITHUB | GITHUB_API)) => {
                git_hub(&uri).ok_or_else(|| InvalidRequest::GitHubForm(location.to_owned()))
            }
            Place::Remote(_) => Err(InvalidRequest::UnknownPlace(location.to_owned())),
        }
    }
}

/// What stands before the first colon, if that can be a scheme. One letter is a drive.
fn scheme(location: &str) -> Option<&str> {
    let (scheme, _) = location.split_once(':')?;
    let is_scheme = 1 < scheme.len()
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    is_scheme.then_some(scheme)
}

/// Whether every character may stand in an address as it is.
fn is_uri(location: &str) -> bool {
    location.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

fn s3(uri: &Uri) -> Option<Location> {
    let bucket = uri.host().filter(|bucket| !bucket.is_empty())?;
    let key = uri.path().strip_prefix('/').filter(|key| !key.is_empty())?;
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let (mut version, mut e_tag) = (None, None);
    for (name, value) in query.filter(|(_, value)| !value.is_empty()) {
        match name.as_ref() {
            "versionId" => version = Some(value.into_owned()),
            "etag" => e_tag = Some(value.into_owned()),
            _ => {}
        }
    }
    Some(Location::S3 { bucket: bucket.to_owned(), key: key.to_owned(), version, e_tag })
}

fn git_hub(uri: &Uri) -> Option<Location> {
    let path = uri.path().strip_prefix('/')?;
    let (account, repository, commit_id) = if uri.host() == Some(GITHUB) {
        let (account, repository) = path.split_once('/')?;
        (account, repository.trim_end_matches('/'), "HEAD")
    } else {
        let (account, rest) = path.strip_prefix("repos/")?.split_once('/')?;
        let (repository, rest) = rest.split_once('/')?;
        let commit_id = rest.strip_prefix("tarball/").or_else(|| rest.strip_prefix("zipball/"))?;
        (account, repository, commit_id)
    };
    let is_named = !account.is_empty() && !repository.is_empty() && !commit_id.is_empty();
    (is_named && !repository.contains('/')).then(|| Location::GitHub {
        account: account.to_owned(),
        repository: repository.to_owned(),
        commit_id: commit_id.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows where `location` is, or what is wrong with it, on a host with a folder `dir` and a file `file`.
    #[track_caller]
    fn check(location: &str, bundle_type: &str, expected: &str) {
        let host = tempfile::tempdir().expect("dir");
        std::fs::create_dir(host.path().join("dir")).expect("create");
        std::fs::create_dir(host.path().join("with blank")).expect("create");
        std::fs::write(host.path().join("file"), "").expect("write");
        let place = Place::parse(location, bundle_type, host.path());
        let shown = match place.and_then(|place| place.locate(location)) {
            Ok(Location::Local { path }) => {
                format!("local {}", path.strip_prefix(host.path()).expect("inside").display())
            }
            Ok(Location::S3 { bucket, key, version, e_tag }) => {
                format!("{bucket} {key} {version:?} {e_tag:?}")
            }
            Ok(Location::GitHub { account, repository, commit_id }) => {
                format!("{account} {repository} {commit_id}")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{location}");
    }

    #[test]
    fn a_local_location_is_of_the_type_that_is_named() {
        check("dir", "directory", "local dir");
        check("./dir/", "directory", "local dir");
        check("with blank", "directory", "local with blank");
        check("file", "tgz", "local file");
        check("file", "Tgz", "type Tgz is not a valid type. Must be one of tgz,tar,zip,directory");
        check("file", "directory", "location file is specified with type directory but it is a file");
        check("dir", "zip", "location dir is specified as a compressed local file but it is a directory");
        let absent = "is specified as a file or directory which does not exist";
        check("absent", "directory", &format!("location absent {absent}"));
        check("C:/absent", "tar", &format!("location C:/absent {absent}"));
        check("file:///absent", "tar", &format!("location file:///absent {absent}"));
    }

    #[test]
    fn an_address_is_encrypted_and_has_no_blanks() {
        check("a b", "directory", "location a b is not a valid uri");
        check("https://a b", "tar", "location https://a b is not a valid uri");
        check("https://[", "tar", "location https://[ is not a valid uri");
        check(
            "http://github.com/o/r",
            "tar",
            "location http://github.com/o/r cannot be http, only encrypted (https) url endpoints supported",
        );
        check(
            "https://example.com/o/r",
            "tar",
            "unknown location https://example.com/o/r cannot be determined to be S3, Github, or a local file / directory",
        );
    }

    #[test]
    fn s3_names_bucket_and_key_and_maybe_version_and_etag() {
        check("s3://b/k", "tgz", "b k None None");
        check(
            "s3://b/k/l.tgz?versionId=v1&etag=%22e%22",
            "tgz",
            "b k/l.tgz Some(\"v1\") Some(\"\\\"e\\\"\")",
        );
        check("s3://b/k?etag=e&other=1", "tgz", "b k None Some(\"e\")");
        for location in ["s3://b", "s3://b/", "s3://b/?versionId=v"] {
            let expected = format!("s3 location {location} not in the expected format of 's3://bucket/key'");
            check(location, "tgz", &expected);
        }
    }

    #[test]
    fn github_names_owner_repository_and_maybe_a_commit() {
        check("https://github.com/o/r", "directory", "o r HEAD");
        check("https://github.com/o/r/", "directory", "o r HEAD");
        check("https://api.github.com/repos/o/r/tarball/abc", "tar", "o r abc");
        check("https://api.github.com/repos/o/r/zipball/feature/x", "zip", "o r feature/x");
        for location in [
            "https://github.com/o",
            "https://github.com/o/r/tree/x",
            "https://api.github.com/repos/o/r",
            "https://api.github.com/repos/o/r/tarball/",
            "https://api.github.com/o/r/tarball/abc",
            "https://api.github.com/repos/o/r/other/abc",
        ] {
            let expected = format!(
                "github location {location} not in the expected format of 'https://github.com/<owner>/<repository_name>'(assumes HEAD commit) or 'https://api.github.com/repos/<owner>/<repository_name>/tarball/<commit>' or 'https://api.github.com/repos/<owner>/<repository_name>/zipball/<commit>'"
            );
            check(location, "tar", &expected);
        }
    }
}
