//! What happens when a rule is broken: the plan ends, or the next rules are looked at too.

use super::PlanError;

/// The broken rules of one plan.
#[derive(Debug)]
pub(super) struct Refusals {
    is_collecting: bool,
    errors: Vec<PlanError>,
}

impl Refusals {
    /// For an Install: the first one ends the plan.
    pub(super) fn end_the_plan() -> Refusals {
        Refusals { is_collecting: false, errors: Vec::new() }
    }

    /// For somebody who wants to see all.
    pub(super) fn are_collected() -> Refusals {
        Refusals { is_collecting: true, errors: Vec::new() }
    }

    /// Takes note of a broken rule.
    ///
    /// # Errors
    /// The rule, when it ends the plan.
    pub(super) fn refuse(&mut self, error: PlanError) -> Result<(), PlanError> {
        if !self.is_collecting {
            return Err(error);
        }
        self.errors.push(error);
        Ok(())
    }

    /// All that were collected.
    pub(super) fn into_errors(self) -> Vec<PlanError> {
        self.errors
    }
}
