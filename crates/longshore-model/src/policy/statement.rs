//! One statement: what it speaks of, and when.

use super::condition::Condition;
use super::context::{Context, RESOURCE_TAG};
use super::pattern::{ActionPattern, ResourcePattern};
use super::verdict::Verdict;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    pub(super) actions: Scope<ActionPattern>,
    pub(super) resources: Scope<ResourcePattern>,
    /// All must hold.
    pub(super) conditions: Vec<Condition>,
}

/// What a statement speaks of: the listed ones, or all but the listed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope<P> {
    Only(Vec<P>),
    AllBut(Vec<P>),
}

impl<P> Scope<P> {
    fn patterns(&self) -> &[P] {
        match self {
            Scope::Only(patterns) | Scope::AllBut(patterns) => patterns,
        }
    }

    fn covers(&self, matches: impl Fn(&P) -> Verdict) -> Verdict {
        Verdict::any(self.patterns().iter().map(matches)).negated_if(matches!(self, Scope::AllBut(_)))
    }
}

impl Statement {
    pub(super) fn applies(&self, action: &str, resource: &str, context: &Context) -> Verdict {
        let is_its_action = self.actions.covers(|pattern| Verdict::of(pattern.matches(action)));
        if is_its_action == Verdict::No {
            return Verdict::No;
        }
        let is_its_resource = self.resources.covers(|pattern| pattern.matches(resource, context));
        let conditions = self.conditions.iter().map(|condition| condition.holds(context));
        Verdict::all([is_its_resource].into_iter().chain(conditions))
    }

    pub(super) fn asks_for_resource_tags(&self) -> bool {
        let is_tag = |key: &str| key.to_ascii_lowercase().starts_with(RESOURCE_TAG);
        self.conditions.iter().any(|condition| condition.names(is_tag))
            || self.resources.patterns().iter().any(|pattern| pattern.has_variable(is_tag))
    }
}
