//! Where everything lies under the deployment root. Source: agent.md §4.1; the mixed separators are its.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::state_file;

/// The directory of the unpacked revision in a deployment's directory.
pub const ARCHIVE: &str = "deployment-archive";

/// The tree under the deployment root.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
    tracking_name: String,
}

/// The two files that name a deployment's directory, per deployment group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// Written at the end of a successful DownloadBundle.
    MostRecentInstall,
    /// Written at the end of a successful Install command.
    LastSuccessfulInstall,
}

impl Layout {
    /// The tree under `root`, with the tracking directory of that name.
    pub fn new(root: impl Into<PathBuf>, tracking_name: impl Into<String>) -> Layout {
        Layout { root: root.into(), tracking_name: tracking_name.into() }
    }

    /// The deployment root itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Everything of one deployment group.
    pub fn group(&self, deployment_group_id: &str) -> PathBuf {
        self.root.join(deployment_group_id)
    }

    /// Everything of one deployment.
    pub fn deployment(&self, deployment_group_id: &str, deployment_id: &str) -> PathBuf {
        self.group(deployment_group_id).join(deployment_id)
    }

    /// What Install leaves behind.
    pub fn instructions(&self) -> PathBuf {
        self.root.join("deployment-instructions")
    }

    /// The combined log of all deployments.
    pub fn deployments_log(&self, program_name: &str) -> PathBuf {
        self.root.join("deployment-logs").join(format!("{program_name}-deployments.log"))
    }

    /// One file per running command, named by deployment.
    pub fn tracking(&self) -> PathBuf {
        self.root.join(&self.tracking_name)
    }

    /// The process groups of running hooks. Apart from the tracking directory, because the original
    /// agent takes every file in there for a command.
    pub fn processes(&self) -> PathBuf {
        self.root.join(format!("{}-processes", self.tracking_name))
    }

    /// Terminal reports that the service has not taken yet.
    pub fn pending_reports(&self) -> PathBuf {
        self.root.join("pending-reports")
    }

    /// What is known of failed commands whose deployment has no directory.
    pub fn failed_commands(&self) -> PathBuf {
        self.root.join("failed-commands")
    }

    /// Everything of a deployment whose group is not known; `None` when there is nothing of it.
    pub fn find_deployment(&self, deployment_id: &str) -> Option<PathBuf> {
        let groups = std::fs::read_dir(&self.root).ok()?;
        let mut places = groups.flatten().map(|group| group.path().join(deployment_id));
        places.find(|place| place.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()))
    }

    /// The path of a group's pointer file.
    pub fn pointer(&self, pointer: Pointer, deployment_group_id: &str) -> PathBuf {
        let suffix = match pointer {
            Pointer::MostRecentInstall => "_most_recent_install",
            Pointer::LastSuccessfulInstall => "_last_successful_install",
        };
        self.instructions().join(format!("{deployment_group_id}{suffix}"))
    }

    /// The deployment directory that a pointer names; `None` without a pointer file.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read_pointer(&self, pointer: Pointer, deployment_group_id: &str) -> io::Result<Option<PathBuf>> {
        match std::fs::read(self.pointer(pointer, deployment_group_id)) {
            Ok(mut bytes) => {
                if bytes.last() == Some(&b'\n') {
                    bytes.pop();
                }
                Ok((!bytes.is_empty()).then(|| OsString::from_vec(bytes).into()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a pointer name `deployment_dir`.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn write_pointer(
        &self,
        pointer: Pointer,
        deployment_group_id: &str,
        deployment_dir: &Path,
    ) -> io::Result<()> {
        std::fs::create_dir_all(self.instructions())?;
        state_file::write(&self.pointer(pointer, deployment_group_id), deployment_dir.as_os_str().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_names_a_directory_without_newline_and_loses_one_when_read() {
        let dir = tempfile::tempdir().expect("dir");
        let layout = Layout::new(dir.path(), "ongoing-deployment");
        assert_eq!(layout.read_pointer(Pointer::MostRecentInstall, "g").expect("read"), None);

        let deployment = layout.deployment("g", "d-1");
        layout.write_pointer(Pointer::MostRecentInstall, "g", &deployment).expect("write");
        let path = dir.path().join("deployment-instructions/g_most_recent_install");
        let written = std::fs::read_to_string(&path).expect("file");
        assert_eq!(written, deployment.to_str().expect("text"));

        std::fs::write(&path, format!("{written}\n")).expect("rewrite");
        assert_eq!(layout.read_pointer(Pointer::MostRecentInstall, "g").expect("read"), Some(deployment));
    }
}
