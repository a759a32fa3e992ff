//! The policy language: IAM's, as far as Longshore decides by it. Source: service.md §11.
//!
//! Identity policies have `Effect`, `Action`/`NotAction`, `Resource`/`NotResource` with `*` and `?`,
//! policy variables, and `Condition`. A role's trust policy has `Principal` in place of resources.
//!
//! What is not understood always decides against the caller: an operator, a condition key or a variable
//! that is not known makes a statement that allows count for nothing and one that denies count in full.
//! Such documents can be stored all the same, since AWS stores them.
//!
//! The evaluator is our own. What operators have are IAM's documents, whose meaning has to be kept to the
//! letter; another engine (Cedar was tried) would have them translated, a second set of rules between the
//! text and the decision, and would be one of the largest dependencies of the whole.
//! Pure: whatever a decision depends on comes in as a [`Context`].

mod condition;
mod context;
mod decision;
mod document;
mod operator;
mod pattern;
mod statement;
#[cfg(test)]
mod tests;
mod token;
mod trust;
mod verdict;

pub use self::context::Context;
pub use self::decision::{Decision, Denial};
pub use self::trust::{Trust, TrustPolicy};

use self::statement::{Effect, Statement};
use self::verdict::Verdict;

/// A policy document that was read and is sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

impl Policy {
    /// Whether a decision may depend on the tags of the resource, so that these must be looked up.
    pub fn asks_for_resource_tags(&self) -> bool {
        self.statements.iter().any(Statement::asks_for_resource_tags)
    }
}

/// Why a text is not a policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON, or an element that is unknown, twice there or of the wrong type.
    #[error("the policy document is not well formed: {0}")]
    Syntax(String),
    /// The language version is not one that exists.
    #[error("Version is `{0}`, but must be 2012-10-17 or 2008-10-17")]
    Version(String),
    /// A policy needs at least one statement.
    #[error("the policy document has no Statement")]
    NoStatement,
    /// Something in one statement breaks a rule.
    #[error("Statement[{index}]: {problem}")]
    Statement {
        /// Which statement, from 0.
        index: usize,
        /// The rule that it breaks, with the value.
        problem: StatementProblem,
    },
}

/// What is wrong in a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementProblem {
    /// `Effect` is missing or another word.
    #[error("Effect is `{0}`, but must be Allow or Deny")]
    Effect(String),
    /// Neither or both of `Action` and `NotAction`, or an empty list.
    #[error("it needs either Action or NotAction, with at least one action")]
    Actions,
    /// Not `*` and not `service:action`.
    #[error("action `{0}` is neither * nor of the form service:action")]
    Action(String),
    /// Neither or both of `Resource` and `NotResource`, or an empty list.
    #[error("it needs either Resource or NotResource, with at least one resource")]
    Resources,
    /// Not `*` and not an ARN of six parts.
    #[error("resource `{0}` is neither * nor an ARN (arn:partition:service:region:account:resource)")]
    Resource(String),
    /// Policies of users, groups and roles name no principal: it is their holder.
    #[error("an identity's policy must not name a {0}")]
    Principal(&'static str),
    /// A trust policy says who may take a role, by name.
    #[error("a trust policy needs Principal, and cannot have NotPrincipal")]
    NoPrincipal,
    /// Neither `*`, nor an account, nor the ARN of a user, a role or a session.
    #[error(
        "principal `{0}` is neither *, nor 12 digits of an account, nor the ARN of an account, a user, a role \
         or a session"
    )]
    PrincipalForm(String),
    /// The resource of a trust policy is its role.
    #[error("a trust policy must not have a {0}")]
    ResourceInTrust(&'static str),
}

/// Reads a policy document of a user, a group, a role or a session.
///
/// # Errors
/// The first rule broken, with its place and the value.
pub fn parse(document: &str) -> Result<Policy, PolicyError> {
    document::parse(document)
}

/// Reads a role's trust policy.
///
/// # Errors
/// The first rule broken, with its place and the value.
pub fn parse_trust(document: &str) -> Result<TrustPolicy, PolicyError> {
    document::parse_trust(document)
}

/// Decides whether `policies` together let their holder do `action` (`s3:GetObject`) on `resource`
/// (an ARN, or `*` for actions that know no resources) in a request of which `context` is known.
pub fn decide(policies: &[Policy], action: &str, resource: &str, context: &Context) -> Decision {
    let mut decision = Decision::NotAllowed;
    for statement in policies.iter().flat_map(|policy| &policy.statements) {
        match (statement.effect, statement.applies(action, resource, context)) {
            (Effect::Deny, Verdict::Yes | Verdict::Unknown) => return Decision::ExplicitlyDenied,
            (Effect::Allow, Verdict::Yes) => decision = Decision::Allowed,
            (Effect::Deny, Verdict::No) | (Effect::Allow, Verdict::No | Verdict::Unknown) => {}
        }
    }
    decision
}
