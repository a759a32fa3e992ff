//! Sets the SELinux contexts of what an Install has switched, and takes them back. Source: agent.md §7.8.
//!
//! The policy has one rule for a path. That of the group's previous Install is replaced, and comes back
//! when this Install is undone.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use longshore_model::appspec::SelinuxContext;

use super::journal::Journal;
use super::record::{Record, Rule};
use super::recorded;
use super::selinux::{ContextFailure, Selinux};
use super::state_files::StateFiles;
use super::{ContextError, InstallError};
use crate::install_plan::{CleanupEntry, Instruction, parse_cleanup};

/// What setting contexts needs of an Install.
pub(super) struct Contexts<'a> {
    pub(super) journal: &'a mut Journal,
    pub(super) state_files: &'a StateFiles,
    pub(super) selinux: &'a Selinux,
}

impl Contexts<'_> {
    /// Carries out the instructions that set contexts; the files are where they will be.
    pub(super) fn carry_out(
        &mut self,
        instructions: &[Instruction],
        checkpoint: &mut dyn FnMut(),
    ) -> Result<(), InstallError> {
        let contexts = instructions.iter().filter_map(|instruction| match instruction {
            Instruction::SetContext { context, file } => Some((context, file)),
            _ => None,
        });
        let mut contexts = contexts.peekable();
        if contexts.peek().is_none() {
            return Ok(());
        }
        let mut old_rules = self.old_rules()?;
        let mut with_context = Vec::new();
        for (context, file) in contexts {
            let path = file.canonicalize().map_err(InstallError::at(file))?;
            self.set(context, &path, old_rules.remove(&path))?;
            with_context.push(path);
            checkpoint();
        }
        self.state_files.stage_contexts(instructions, &with_context)
    }

    fn set(
        &mut self,
        context: &SelinuxContext,
        path: &Path,
        old_rule: Option<Option<Rule>>,
    ) -> Result<(), InstallError> {
        let is_ours = old_rule.is_some();
        let record = Record::Rule { path: path.as_os_str().as_bytes().into(), previous: old_rule.flatten() };
        self.journal.record(vec![record])?;
        if is_ours {
            self.selinux.forget(path);
        }
        match self.selinux.set(context, path) {
            Ok(()) => Ok(()),
            Err(ContextFailure::Rule(failure)) => {
                // There may be a rule of somebody else, which is not to be taken back.
                if !is_ours {
                    self.journal.record(vec![Record::RuleRefused])?;
                }
                Err(InstallError::Context(ContextError(failure)))
            }
            Err(ContextFailure::Label(failure)) => Err(InstallError::Context(ContextError(failure))),
        }
    }

    /// The paths with rules of the previous Install, and the rules as far as they are known.
    fn old_rules(&self) -> Result<HashMap<PathBuf, Option<Rule>>, InstallError> {
        let cleanup = parse_cleanup(&self.state_files.read_cleanup()?);
        let mut rules: HashMap<PathBuf, Option<Rule>> =
            rule_paths(&cleanup).map(|path| (path.to_owned(), None)).collect();
        if rules.is_empty() {
            return Ok(rules);
        }
        let list = self.state_files.install_json();
        let read = recorded::instructions(&list, |instruction| {
            let (Some(file), Some(rule)) = (instruction.file, instruction.context) else { return };
            let file = PathBuf::from(file);
            let path = file.canonicalize().unwrap_or(file);
            if let Some(known) = rules.get_mut(&path) {
                *known = Some(rule);
            }
        });
        if let Err(error) = read {
            tracing::warn!(path = %list.display(), "cannot read the previous Install's contexts: {error}");
        }
        Ok(rules)
    }
}

fn rule_paths(cleanup: &[CleanupEntry]) -> impl Iterator<Item = &Path> {
    cleanup.iter().filter_map(|entry| match entry {
        CleanupEntry::Semanage(path) => Some(path.as_path()),
        CleanupEntry::Path(_) => None,
    })
}

/// Removes the rules of the previous Install that this one has not replaced.
pub(super) fn forget_old(selinux: &Selinux, old: &[CleanupEntry], new: &[CleanupEntry]) {
    let replaced: HashSet<&Path> = rule_paths(new).collect();
    for path in rule_paths(old).filter(|path| !replaced.contains(path)) {
        selinux.forget(path);
    }
}

/// Removes the rule for a path, and adds the one that was there before.
pub(super) fn take_back(selinux: &Selinux, path: &Path, previous: Option<&Rule>) {
    selinux.forget(path);
    if let Some(context) = previous.and_then(Rule::context)
        && let Err(failure) = selinux.add_rule(&context, path)
    {
        tracing::error!("cannot restore an SELinux rule: {failure}");
    }
}
