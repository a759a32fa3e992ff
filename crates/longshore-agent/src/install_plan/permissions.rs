//! Plans what the `permissions` section asks for, on what is copied and made and nothing else.
//! Source: agent.md §7.3.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use longshore_model::appspec::{AclEntry, Permission};

use super::files::PlannedFiles;
use super::path::normalized;
use super::{Account, FileSystemView, HostAfterCleanup, Instruction, PlanError};

/// The pattern for everything below the object.
const EVERYTHING: &str = "**";

/// Adds the instructions for all permissions; also tells which permissions are for nothing.
pub(super) fn plan(
    planned: PlannedFiles,
    permissions: &[Permission],
    host: HostAfterCleanup<'_>,
    working_dir: &Path,
) -> Result<(Vec<Instruction>, Vec<String>), PlanError> {
    let mut planner = Planner { view: host.view, instructions: Vec::new(), seen: HashSet::new() };
    let mut warnings = Vec::new();
    for permission in permissions {
        let object = normalized(Path::new(&permission.object), working_dir);
        let n_matched = if planned.copies.contains_key(&object) {
            planner.file_object(&object, permission)?
        } else if planned.directories.contains(&object) || host.is_directory(&object)? {
            planner.directory_object(&object, permission, &planned)?
        } else {
            0
        };
        if n_matched == 0 {
            warnings.push(format!(
                "the permissions for the object {} apply to nothing that this revision installs",
                object.display()
            ));
        }
    }
    let PlannedFiles { mut instructions, .. } = planned;
    instructions.append(&mut planner.instructions);
    Ok((instructions, warnings))
}

struct Planner<'a> {
    view: &'a dyn FileSystemView,
    instructions: Vec<Instruction>,
    seen: HashSet<PathBuf>,
}

impl Planner<'_> {
    /// The object is itself a file to be copied.
    fn file_object(&mut self, object: &Path, permission: &Permission) -> Result<usize, PlanError> {
        if !permission.types.files {
            return Ok(0);
        }
        if permission.pattern != EVERYTHING {
            return Err(PlanError::PatternOnFile {
                object: object.to_owned(),
                pattern: permission.pattern.clone(),
            });
        }
        if !permission.except.is_empty() {
            return Err(PlanError::ExceptOnFile {
                object: object.to_owned(),
                except: permission.except.clone(),
            });
        }
        check_acls_of_file(permission)?;
        self.apply(object, permission)?;
        Ok(1)
    }

    /// The object is a directory: what matches below it, files before directories.
    fn directory_object(
        &mut self,
        object: &Path,
        permission: &Permission,
        planned: &PlannedFiles,
    ) -> Result<usize, PlanError> {
        let mut n_matched = 0;
        for instruction in &planned.instructions {
            if let Instruction::Copy { destination, .. } = instruction
                && permission.types.files
                && matches(permission, object, destination)
            {
                check_acls_of_file(permission)?;
                self.apply(destination, permission)?;
                n_matched += 1;
            }
        }
        for instruction in &planned.instructions {
            if let Instruction::MakeDirectory { directory } = instruction
                && permission.types.directories
                && matches(permission, object, directory)
            {
                self.apply(directory, permission)?;
                n_matched += 1;
            }
        }
        Ok(n_matched)
    }

    /// Plans all attributes for one object, in the order mode, ACL, context, owner.
    fn apply(&mut self, object: &Path, permission: &Permission) -> Result<(), PlanError> {
        if !self.seen.insert(object.to_owned()) {
            return Err(PlanError::PermissionTwice(object.to_owned()));
        }
        let file = || object.to_owned();
        if let Some(mode) = &permission.mode {
            self.instructions.push(Instruction::ChangeMode { mode: mode.clone(), file: file() });
        }
        if let Some(acls) = &permission.acls {
            let entry = acls.iter().map(AclEntry::to_string).collect::<Vec<_>>().join(",");
            return Err(PlanError::NotAvailable { what: "acls", entry, object: file() });
        }
        if let Some(context) = &permission.context {
            let entry = context.kind.clone();
            return Err(PlanError::NotAvailable { what: "context", entry, object: file() });
        }
        let owner = permission.owner.as_deref().map(|name| self.user(name)).transpose()?;
        let group = permission.group.as_deref().map(|name| self.group(name)).transpose()?;
        if owner.is_some() || group.is_some() {
            self.instructions.push(Instruction::ChangeOwner { owner, group, file: file() });
        }
        Ok(())
    }

    /// A name counts before a number.
    fn user(&self, name: &str) -> Result<Account, PlanError> {
        let id = self.view.user_id(name).or_else(|| number(name));
        let id = id.ok_or_else(|| PlanError::UnknownUser(name.to_owned()))?;
        Ok(Account { name: name.to_owned(), id })
    }

    fn group(&self, name: &str) -> Result<Account, PlanError> {
        let id = self.view.group_id(name).or_else(|| number(name));
        let id = id.ok_or_else(|| PlanError::UnknownGroup(name.to_owned()))?;
        Ok(Account { name: name.to_owned(), id })
    }
}

/// The highest number would mean "leave it" to the system.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|id| *id != u32::MAX)
}

fn check_acls_of_file(permission: &Permission) -> Result<(), PlanError> {
    let has_default = permission.acls.iter().flatten().any(|entry| entry.is_default);
    if has_default { Err(PlanError::DefaultAclOnFile) } else { Ok(()) }
}

/// Whether `path` is meant by a permission for `object`.
fn matches(permission: &Permission, object: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(object) else {
        return false;
    };
    let below = below.as_os_str().as_bytes();
    if below.is_empty() {
        return false;
    }
    let is_meant = permission.pattern == EVERYTHING || is_direct_match(&permission.pattern, below);
    is_meant && !permission.except.iter().any(|except| is_direct_match(except, below))
}

/// Whether the name of a direct child matches a glob. Deeper paths never do.
fn is_direct_match(glob: &str, below: &[u8]) -> bool {
    !below.contains(&b'/') && is_glob_match(glob.as_bytes(), below)
}

/// `*` matches any run of bytes, everything else only itself.
fn is_glob_match(glob: &[u8], name: &[u8]) -> bool {
    let (mut at_glob, mut at_name) = (0, 0);
    // Where the last star is, and up to where it has swallowed the name.
    let mut star: Option<(usize, usize)> = None;
    while at_name < name.len() {
        match glob.get(at_glob) {
            Some(b'*') => {
                star = Some((at_glob, at_name));
                at_glob += 1;
            }
            Some(byte) if *byte == name[at_name] => {
                at_glob += 1;
                at_name += 1;
            }
            _ => {
                let Some((star_glob, star_name)) = star else {
                    return false;
                };
                star = Some((star_glob, star_name + 1));
                at_glob = star_glob + 1;
                at_name = star_name + 1;
            }
        }
    }
    glob[at_glob..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(glob: &str, name: &str, expected: bool) {
        assert_eq!(is_direct_match(glob, name.as_bytes()), expected, "{glob} {name}");
    }

    #[test]
    fn only_the_star_is_special() {
        check("*", "anything", true);
        check("*.sh", "a.sh", true);
        check("*.sh", "a.sh.txt", false);
        check("a*b*c", "a-bb-c", true);
        check("a*b*c", "a-c-b", false);
        check("?.sh", "a.sh", false);
        check("?.sh", "?.sh", true);
        check("[ab]", "a", false);
        check("***", "x", true);
        check("", "x", false);
        check("x", "x", true);
    }

    #[test]
    fn deeper_paths_never_match_a_glob() {
        check("*", "a/b", false);
        check("a/*", "a/b", false);
    }
}
