//! Why an Install cannot be planned. Source: agent.md §7.2, §7.3, §10.

use std::io;
use std::path::{Path, PathBuf};

use longshore_model::evidence::Evidence;
use rustix::io::Errno;

use crate::execute::system_error;
use crate::failure::{self, Evident, shown};

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
    /// A source that leads out of the revision (as I-36 for scripts).
    #[error(
        "The deployment failed because the source ({0}) in the files section of the application specification file leads out of the revision. Update the files section of the AppSpec file, and then try again."
    )]
    SourceOutside(String),
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
    DefaultAclOnFile {
        /// The file.
        object: PathBuf,
    },
    /// Two permissions for one object.
    #[error(
        "The deployment failed because the permissions setting for ({}) is specified more than once in the application specification file. Update the files section of the AppSpec file, and then try again.",
        .0.display()
    )]
    PermissionTwice(PathBuf),
    /// A role in an SELinux context.
    #[error(
        "The deployment failed because the application specification file specifies a role, but roles are not supported. Remove the role from the AppSpec file, and then try again."
    )]
    Role {
        /// The role.
        role: String,
        /// Whose context it is in.
        object: PathBuf,
    },
    /// An owner whom this host does not know.
    #[error("can't find user for {0}")]
    UnknownUser(String),
    /// A group that this host does not know.
    #[error("can't find group for {0}")]
    UnknownGroup(String),
    /// More to copy than there is room for.
    #[error(
        "The deployment failed because there is not enough space on the file system at {}: the files of the revision need {needed_bytes} bytes, and {available_bytes} bytes are available.",
        path.display()
    )]
    NoSpace {
        /// Where the file system is mounted.
        path: PathBuf,
        /// What the new files take, while the old ones are still there.
        needed_bytes: u64,
        /// What the agent may still write.
        available_bytes: u64,
    },
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

impl PlanError {
    /// The path that is in the way of the plan, when something is.
    pub fn occupied_path(&self) -> Option<&Path> {
        match self {
            PlanError::FileExists(path) => Some(path),
            PlanError::System { path, source } => {
                let in_the_way = [Errno::EXIST, Errno::NOTDIR, Errno::ISDIR].map(Errno::raw_os_error);
                source.raw_os_error().filter(|errno| in_the_way.contains(errno)).map(|_| path.as_path())
            }
            _ => None,
        }
    }

    /// The broken rule's short name and what it is about; `None` when it is the host's state that refuses.
    fn rule(&self) -> Option<(&'static str, Vec<String>)> {
        let paths = |paths: &[&Path]| paths.iter().map(|path| shown(path)).collect();
        Some(match self {
            PlanError::FileExists(_)
            | PlanError::UnknownUser(_)
            | PlanError::UnknownGroup(_)
            | PlanError::NoSpace { .. }
            | PlanError::System { .. } => return None,
            PlanError::InvalidBehavior(name) => ("file_exists_behavior", vec![name.clone()]),
            PlanError::TwoSources { new, old, target } => ("two_sources", paths(&[target, old, new])),
            PlanError::CopyOntoDirectory { source_path, target } => {
                ("file_onto_directory", paths(&[target, source_path]))
            }
            PlanError::DirectoryOntoCopy { target, source_path } => {
                ("directory_onto_file", paths(&[target, source_path]))
            }
            PlanError::SpecialFile(path) => ("special_file", paths(&[path])),
            PlanError::LinkLoop(path) => ("link_loop", paths(&[path])),
            PlanError::TooManyFiles { limit } => ("too_many_files", vec![limit.to_string()]),
            PlanError::SourceOutside(source) => ("source_outside", vec![source.clone()]),
            PlanError::HomeDirectory(destination) => ("home_directory", vec![destination.clone()]),
            PlanError::PatternOnFile { object, pattern } => {
                ("pattern_on_file", vec![shown(object), pattern.clone()])
            }
            PlanError::ExceptOnFile { object, except } => {
                ("except_on_file", [vec![shown(object)], except.clone()].concat())
            }
            PlanError::DefaultAclOnFile { object } => ("default_acl_on_file", paths(&[object])),
            PlanError::PermissionTwice(object) => ("permission_twice", paths(&[object])),
            PlanError::Role { role, object } => ("selinux_role", vec![shown(object), role.clone()]),
        })
    }
}

impl Evident for PlanError {
    /// Without what is at [`PlanError::occupied_path`], which only a look at the host tells.
    fn evidence(&self) -> Vec<Evidence> {
        if let Some((rule, subjects)) = self.rule() {
            return vec![Evidence::RuleBroken { rule: rule.to_owned(), subjects }];
        }
        let account = |name: &str, account_kind: &str| {
            vec![Evidence::UnknownAccount { name: name.to_owned(), account_kind: account_kind.to_owned() }]
        };
        match self {
            PlanError::UnknownUser(name) => account(name, "user"),
            PlanError::UnknownGroup(name) => account(name, "group"),
            PlanError::System { path, source } => failure::system_refusal(Some(path), source),
            PlanError::NoSpace { path, needed_bytes, available_bytes } => vec![Evidence::NoSpace {
                file_system: shown(path),
                needed_bytes: *needed_bytes,
                available_bytes: *available_bytes,
            }],
            _ => Vec::new(),
        }
    }
}
