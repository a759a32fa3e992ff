//! A small application to deploy: files and hooks that leave traces in the agent's working folder.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A source folder with an AppSpec.
#[derive(Debug)]
pub struct App {
    folder: PathBuf,
}

const APPSPEC: &str = "version: 0.0
os: linux
files:
  - source: content
    destination: app
hooks:
  ApplicationStop:
    - location: scripts/trace.sh
      timeout: 60
  BeforeInstall:
    - location: scripts/trace.sh
      timeout: 60
  AfterInstall:
    - location: scripts/trace.sh
      timeout: 60
  ApplicationStart:
    - location: scripts/trace.sh
      timeout: 60
  ValidateService:
    - location: scripts/trace.sh
      timeout: 60
";

/// Notes that it ran, then does what the test asked for with a file in the working folder.
const TRACE: &str = "#!/bin/sh
echo \"$DEPLOYMENT_ID $LIFECYCLE_EVENT\" >> ran.log
echo \"running $LIFECYCLE_EVENT\"
if [ -f \"do-$LIFECYCLE_EVENT\" ]; then . \"./do-$LIFECYCLE_EVENT\"; fi
sleep \"${TRACE_SECONDS:-0}\"
";

impl App {
    /// Writes the application's source into `folder`; `version` is the content of `app/version.txt`.
    pub fn write(folder: &Path, version: &str) -> App {
        let app = App { folder: folder.to_owned() };
        app.file("appspec.yml", APPSPEC, 0o644);
        app.file("scripts/trace.sh", TRACE, 0o755);
        app.file("content/version.txt", version, 0o644);
        app.file("content/bin/tool", "#!/bin/sh\necho tool\n", 0o755);
        app
    }

    /// Adds or replaces a file.
    pub fn file(&self, path: &str, content: &str, mode: u32) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folder");
        std::fs::write(&path, content).expect("file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("mode");
    }

    /// Adds a symbolic link.
    pub fn link(&self, path: &str, text: &str) {
        std::os::unix::fs::symlink(text, self.folder.join(path)).expect("link");
    }

    /// Adds a file of `size` bytes that does not compress.
    pub fn noise(&self, path: &str, size: usize) {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .take(size / 8)
        .flatten()
        .collect();
        std::fs::write(self.folder.join(path), bytes).expect("file");
    }

    /// Where the source lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
