//! Why an Install cannot be planned. Source: agent.md §7.2, §7.3, §10.

use std::io;
use std::path::{Path, PathBuf};

use longshore_model::evidence::Evidence;

use crate::execute::system_error;
use crate::failure::{self, Evident};

/// The first rule that stands in the way. Nothing was touched.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// `DISALLOW`, and the target exists.
    #[error(
        "The deployment failed because a specified file already exists at this location: {}",
        .0.display()
    )]
    FileExists(PathBuf),
    /// The target exists, and the deployment's behaviour is none of the three.
    #[error(
        "The deployment failed because an invalid option was specified for fileExistsBehavior: {0}. Valid options include OVERWRITE, RETAIN, and DISALLOW."
    )]
    InvalidBehavior(String),
    /// Two sources for one target.
    #[error(
        "The deployment failed because the application specification file specifies two source files named {} and {} for the same destination ({}). Remove one of the source file paths from the AppSpec file, and then try again.",
        new.display(), old.display(), target.display()
    )]
    TwoSources {
        /// Planned now.
        new: PathBuf,
        /// Planned before.
        old: PathBuf,
        /// For both.
        target: PathBuf,
    },
    /// A file where a directory is to be made.
    #[error(
        "The deployment failed because the application specification file calls for installing the file {}, but a file with that name already exists at the location ({}). Update your AppSpec file or directory structure, and then try again.",
        source_path.display(), target.display()
    )]
    CopyOntoDirectory {
        /// In the revision.
        source_path: PathBuf,
        /// The directory.
        target: PathBuf,
    },
    /// A directory where a file is to be copied.
    #[error(
        "The deployment failed because the application specification file includes an mkdir command more than once for the same destination path ({}) from ({}). Update the files section of the AppSpec file, and then try again.",
        target.display(), source_path.display()
    )]
    DirectoryOntoCopy {
        /// The directory.
        target: PathBuf,
        /// What is to be copied there.
        source_path: PathBuf,
    },
    /// A named pipe, socket or device in the revision (I-30).
    #[error(
        "The deployment failed because the revision contains a special file that cannot be installed: {}",
        .0.display()
    )]
    SpecialFile(PathBuf),
    /// A linked folder that leads back up.
    #[error(
        "The deployment failed because the revision contains a symbolic link that leads back to a folder above it: {}",
        .0.display()
    )]
    LinkLoop(PathBuf),
    /// A revision that never ends.
    #[error("The deployment failed because the revision has more than {limit} files to install.")]
    TooManyFiles {
        /// The bound.
        limit: usize,
    },
    /// A destination in a home directory, which nobody expands.
    #[error(
        "The deployment failed because the destination ({0}) begins with ~, which is not expanded. Specify an absolute path in the files section of the AppSpec file, and then try again."
    )]
    HomeDirectory(String),
    /// A pattern for an object that is a file.
    #[error(
        "The deployment failed because the application specification file includes an object ({}) with an invalid pattern ({pattern}), such as a pattern for a file applied to a directory. Correct the permissions section of the AppSpec file, and then try again.",
        object.display()
    )]
    PatternOnFile {
        /// The file.
        object: PathBuf,
        /// As in the AppSpec.
        pattern: String,
    },
    /// Exceptions for an object that is a file.
    #[error(
        "The deployment failed because the except parameter for a pattern in the permissions section ({except:?}) for the object named {} contains an invalid format. Update the AppSpec file, and then try again.",
        object.display()
    )]
    ExceptOnFile {
        /// The file.
        object: PathBuf,
        /// As in the AppSpec.
        except: Vec<String>,
    },
    /// A default ACL entry for a file.
    #[error(
        "The deployment failed because the -d parameter has been specified to apply an acl setting to a file. This parameter is supported for directories only. Update the AppSpec file, and then try again."
    )]
    DefaultAclOnFile,
    /// Two permissions for one object.
    #[error(
        "The deployment failed because the permissions setting for ({}) is specified more than once in the application specification file. Update the files section of the AppSpec file, and then try again.",
        .0.display()
    )]
    PermissionTwice(PathBuf),
    /// ACLs and SELinux contexts are read and checked, but cannot be set yet.
    #[error(
        "The deployment failed because {what} in the permissions section ({entry}) for the object named {} is not available yet in this agent.",
        object.display()
    )]
    NotAvailable {
        /// `acls` or `context`.
        what: &'static str,
        /// As in the AppSpec.
        entry: String,
        /// What it is for.
        object: PathBuf,
    },
    /// An owner whom this host does not know.
    #[error("can't find user for {0}")]
    UnknownUser(String),
    /// A group that this host does not know.
    #[error("can't find group for {0}")]
    UnknownGroup(String),
    /// The file system refuses, or would.
    #[error("{} - {}", system_error::text(source), path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PlanError {
    pub(super) fn system(path: &Path, source: io::Error) -> PlanError {
        PlanError::System { path: path.to_owned(), source }
    }

    /// A refusal that the plan foresees.
    pub(super) fn foreseen(path: &Path, errno: rustix::io::Errno) -> PlanError {
        PlanError::system(path, errno.into())
    }
}

impl Evident for PlanError {
    fn evidence(&self) -> Vec<Evidence> {
        match self {
            PlanError::System { path, source } => failure::system_refusal(Some(path), source),
            _ => Vec::new(),
        }
    }
}
