//! Plans what the `permissions` section asks for, on what is copied and made and nothing else.
//! Source: agent.md §7.3.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use longshore_model::appspec::{AclEntry, AclQualifier, Permission, SelinuxContext};

use super::files::PlannedFiles;
use super::path::normalized;
use super::{Account, AclRule, FileSystemView, HostAfterCleanup, Instruction, PlanError, Refusals};

/// The pattern for everything below the object.
const EVERYTHING: &str = "**";

/// What the permissions come to.
#[derive(Debug, Default)]
pub(super) struct PlannedAttributes {
    pub(super) instructions: Vec<Instruction>,
    /// The place of each instruction's entry in `permissions`.
    pub(super) entries: Vec<usize>,
    /// One sentence for each permission that is for nothing.
    pub(super) warnings: Vec<String>,
}

/// Plans all permissions.
pub(super) fn plan(
    planned: &PlannedFiles,
    permissions: &[Permission],
    host: HostAfterCleanup<'_>,
    working_dir: &Path,
    refusals: &mut Refusals,
) -> Result<PlannedAttributes, PlanError> {
    let mut planner = Planner {
        view: host.view,
        refusals,
        seen: HashSet::new(),
        attributes: PlannedAttributes::default(),
        resolved: None,
    };
    for (idx, permission) in permissions.iter().enumerate() {
        let object = normalized(Path::new(&permission.object), working_dir);
        planner.resolved = None;
        let n_matched = if planned.copies.contains_key(&object) {
            planner.file_object(&object, permission)?
        } else if planned.directories.contains(&object) || host.is_directory(&object)? {
            planner.directory_object(&object, permission, planned)?
        } else {
            0
        };
        let attributes = &mut planner.attributes;
        attributes.entries.resize(attributes.instructions.len(), idx);
        if n_matched == 0 {
            attributes.warnings.push(format!(
                "the permissions for the object {} apply to nothing that this revision installs",
                object.display()
            ));
        }
    }
    Ok(planner.attributes)
}

struct Planner<'a> {
    view: &'a dyn FileSystemView,
    refusals: &'a mut Refusals,
    seen: HashSet<PathBuf>,
    attributes: PlannedAttributes,
    /// Of the present permission, as soon as it is for something.
    resolved: Option<Resolved>,
}

/// What a permission names, found on this host once for all its objects.
#[derive(Clone, Default)]
struct Resolved {
    acl: Option<Arc<[AclRule]>>,
    context: Option<Arc<SelinuxContext>>,
    owner: Option<Account>,
    group: Option<Account>,
}

impl Planner<'_> {
    /// The object is itself a file to be copied.
    fn file_object(&mut self, object: &Path, permission: &Permission) -> Result<usize, PlanError> {
        if !permission.types.files {
            return Ok(0);
        }
        let object_path = || object.to_owned();
        if permission.pattern != EVERYTHING {
            let pattern = permission.pattern.clone();
            self.refusals.refuse(PlanError::PatternOnFile { object: object_path(), pattern })?;
        } else if !permission.except.is_empty() {
            let except = permission.except.clone();
            self.refusals.refuse(PlanError::ExceptOnFile { object: object_path(), except })?;
        } else {
            self.apply_to_file(object, permission)?;
        }
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
                self.apply_to_file(destination, permission)?;
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

    fn apply_to_file(&mut self, object: &Path, permission: &Permission) -> Result<(), PlanError> {
        if permission.acls.iter().flatten().any(|entry| entry.is_default) {
            return self.refusals.refuse(PlanError::DefaultAclOnFile { object: object.to_owned() });
        }
        self.apply(object, permission)
    }

    /// Plans all attributes for one object, in the order mode, ACL, context, owner.
    fn apply(&mut self, object: &Path, permission: &Permission) -> Result<(), PlanError> {
        if !self.seen.insert(object.to_owned()) {
            return self.refusals.refuse(PlanError::PermissionTwice(object.to_owned()));
        }
        let Resolved { acl, context, owner, group } = self.resolved(object, permission)?;
        let file = || object.to_owned();
        let instructions = &mut self.attributes.instructions;
        if let Some(mode) = &permission.mode {
            instructions.push(Instruction::ChangeMode { mode: mode.clone(), file: file() });
        }
        if let Some(acl) = acl {
            instructions.push(Instruction::SetAcl { acl, file: file() });
        }
        if let Some(context) = context {
            instructions.push(Instruction::SetContext { context, file: file() });
        }
        if owner.is_some() || group.is_some() {
            instructions.push(Instruction::ChangeOwner { owner, group, file: file() });
        }
        Ok(())
    }

    /// What the permission names; what is unknown is refused once, and left out.
    fn resolved(&mut self, object: &Path, permission: &Permission) -> Result<Resolved, PlanError> {
        if let Some(resolved) = &self.resolved {
            return Ok(resolved.clone());
        }
        let acl = permission.acls.as_deref().map(|entries| self.acl(entries)).transpose()?;
        let mut resolved = Resolved { acl, ..Resolved::default() };
        if let Some(context) = &permission.context {
            match &context.role {
                Some(role) => {
                    self.refusals.refuse(PlanError::Role { role: role.clone(), object: object.to_owned() })?
                }
                None => resolved.context = Some(Arc::new(context.clone())),
            }
        }
        if let Some(name) = &permission.owner {
            let id = self.user(name)?;
            resolved.owner = id.map(|id| Account { name: name.clone(), id });
        }
        if let Some(name) = &permission.group {
            let id = self.group(name)?;
            resolved.group = id.map(|id| Account { name: name.clone(), id });
        }
        self.resolved = Some(resolved.clone());
        Ok(resolved)
    }

    fn acl(&mut self, entries: &[AclEntry]) -> Result<Arc<[AclRule]>, PlanError> {
        let mut rules = Vec::with_capacity(entries.len());
        for entry in entries {
            let id = match entry.qualifier {
                _ if entry.name.is_empty() => None,
                AclQualifier::Group => self.group(&entry.name)?,
                AclQualifier::User | AclQualifier::Mask | AclQualifier::Other => self.user(&entry.name)?,
            };
            rules.push(AclRule { entry: entry.clone(), id });
        }
        Ok(rules.into())
    }

    /// The number of a user. A name counts before a number.
    fn user(&mut self, name: &str) -> Result<Option<u32>, PlanError> {
        let id = self.view.user_id(name).or_else(|| number(name));
        if id.is_none() {
            self.refusals.refuse(PlanError::UnknownUser(name.to_owned()))?;
        }
        Ok(id)
    }

    /// The number of a group, likewise.
    fn group(&mut self, name: &str) -> Result<Option<u32>, PlanError> {
        let id = self.view.group_id(name).or_else(|| number(name));
        if id.is_none() {
            self.refusals.refuse(PlanError::UnknownGroup(name.to_owned()))?;
        }
        Ok(id)
    }
}

/// The highest number would mean "leave it" to the system.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|id| *id != u32::MAX)
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
