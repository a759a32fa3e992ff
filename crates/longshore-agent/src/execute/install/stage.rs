//! Builds everything new beside its place, attributes included.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::InstallError;
use super::attributes::Attributes;
use super::copier::Copier;
use super::operation::{Operation, exists};
use crate::install_plan::{InstallPlan, Instruction};

/// The switches that a plan comes to: everything else lies inside of what is switched.
pub(super) fn operations(plan: &InstallPlan) -> Result<Vec<Operation>, InstallError> {
    let mut operations: Vec<Operation> = Vec::new();
    let mut removed: HashMap<&Path, usize> = HashMap::new();
    for path in plan.removals.roots() {
        removed.insert(path, operations.len());
        operations.push(Operation { path: path.clone(), removes: true, places: false });
    }
    let mut made: HashSet<&Path> = HashSet::new();
    for instruction in &plan.instructions {
        let path = match instruction {
            Instruction::Copy { destination, .. } => destination,
            Instruction::MakeDirectory { directory } => {
                made.insert(directory);
                directory
            }
            // Attributes are only ever set on what is copied or made.
            Instruction::ChangeMode { .. }
            | Instruction::SetAcl { .. }
            | Instruction::SetContext { .. }
            | Instruction::ChangeOwner { .. } => continue,
        };
        if path.parent().is_some_and(|parent| made.contains(parent)) {
            continue;
        }
        match removed.get(path.as_path()) {
            Some(idx) => operations[*idx].places = true,
            None => {
                let removes = exists(path)?;
                operations.push(Operation { path: path.clone(), removes, places: true });
            }
        }
    }
    Ok(operations)
}

/// The instructions that have to wait for the switch.
///
/// Attributes of a symbolic link go to what it leads to, which may be found only from its final place;
/// so from the first of these on, all wait, to keep the order.
pub(super) fn late_instructions(instructions: &[Instruction]) -> &[Instruction] {
    let links = links(instructions);
    let first = instructions.iter().position(|instruction| is_through_link(instruction, &links));
    first.map_or(&[], |first| &instructions[first..])
}

/// The instructions that change what a link leads to.
pub(super) fn through_links(instructions: &[Instruction]) -> impl Iterator<Item = &Instruction> {
    let links = links(instructions);
    instructions.iter().filter(move |instruction| is_through_link(instruction, &links))
}

fn links(instructions: &[Instruction]) -> HashSet<&Path> {
    let links = instructions.iter().filter_map(|instruction| match instruction {
        Instruction::Copy { destination, is_link: true, .. } => Some(destination.as_path()),
        _ => None,
    });
    links.collect()
}

fn is_through_link(instruction: &Instruction, links: &HashSet<&Path>) -> bool {
    match instruction {
        Instruction::Copy { .. } | Instruction::MakeDirectory { .. } => false,
        Instruction::ChangeMode { file, .. }
        | Instruction::SetAcl { file, .. }
        | Instruction::SetContext { file, .. }
        | Instruction::ChangeOwner { file, .. } => links.contains(file.as_path()),
    }
}

/// Where the parts of a plan are staged.
#[derive(Debug, Default)]
pub(super) struct Stage {
    /// Switched paths and made directories, to their staged paths.
    staged: HashMap<PathBuf, PathBuf>,
}

impl Stage {
    /// A stage in which the given paths are staged under the given names.
    pub(super) fn new(roots: impl Iterator<Item = (PathBuf, PathBuf)>) -> Stage {
        Stage { staged: roots.collect() }
    }

    /// Carries instructions out on the stage.
    pub(super) fn build(
        &mut self,
        instructions: &[Instruction],
        checkpoint: &mut dyn FnMut(),
    ) -> Result<(), InstallError> {
        let mut copier = Copier::new();
        let mut attributes = Attributes::default();
        for instruction in instructions {
            match instruction {
                Instruction::Copy { source, destination, is_link, .. } => {
                    let target = self.path_of(destination);
                    let copied =
                        if *is_link { copier.link(source, &target) } else { copier.file(source, &target) };
                    copied.map_err(InstallError::at(destination))?;
                }
                Instruction::MakeDirectory { directory } => {
                    let target = self.path_of(directory);
                    fs::create_dir(&target).map_err(InstallError::at(directory))?;
                    self.staged.insert(directory.clone(), target);
                }
                // The policy knows final paths only.
                Instruction::SetContext { .. } => {}
                Instruction::ChangeMode { file, .. }
                | Instruction::SetAcl { file, .. }
                | Instruction::ChangeOwner { file, .. } => {
                    attributes.set(instruction, &self.path_of(file))?;
                }
            }
            checkpoint();
        }
        Ok(())
    }

    fn path_of(&self, path: &Path) -> PathBuf {
        if let Some(staged) = self.staged.get(path) {
            return staged.clone();
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return path.to_owned();
        };
        match self.staged.get(parent) {
            Some(staged) => staged.join(name),
            None => path.to_owned(),
        }
    }
}
