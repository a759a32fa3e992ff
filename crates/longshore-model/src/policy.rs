//! The policy language, as far as Longshore decides by it: IAM identity policies with `Effect`,
//! `Action`/`NotAction` and `Resource`/`NotResource`.
//!
//! What is not understood yet always decides against the caller. A statement with a `Condition`
//! counts when it denies and does not count when it allows; the same holds for the part of a
//! resource that a policy variable such as `${aws:username}` stands for.

mod document;
mod pattern;

use crate::policy::pattern::{ActionPattern, ResourcePattern};

/// A policy document that was read and is sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// What policies say about one action on one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it, whatever others say.
    ExplicitlyDenied,
    /// No statement speaks of it.
    NotAllowed,
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
    /// Policies of users name no principal: it is the user.
    #[error("a user's policy must not name a {0}")]
    Principal(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    effect: Effect,
    actions: Scope<ActionPattern>,
    resources: Scope<ResourcePattern>,
    is_conditional: bool,
}

/// What a statement speaks of: the listed ones, or all but the listed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope<P> {
    Only(Vec<P>),
    AllBut(Vec<P>),
}

impl<P> Scope<P> {
    fn covers(&self, is_match: impl Fn(&P) -> bool) -> bool {
        match self {
            Scope::Only(patterns) => patterns.iter().any(is_match),
            Scope::AllBut(patterns) => !patterns.iter().any(is_match),
        }
    }
}

impl Statement {
    fn applies(&self, action: &str, resource: &str) -> bool {
        if self.is_conditional && self.effect == Effect::Allow {
            return false;
        }
        self.actions.covers(|pattern| pattern.matches(action))
            && self.resources.covers(|pattern| pattern.matches(resource))
    }
}

/// Reads a policy document of a user.
///
/// # Errors
/// The first rule broken, with its place and the value.
pub fn parse(document: &str) -> Result<Policy, PolicyError> {
    document::parse(document)
}

/// Decides whether `policies` together let their holder do `action` (`s3:GetObject`) on `resource`
/// (an ARN, or `*` for actions that know no resources).
pub fn decide(policies: &[Policy], action: &str, resource: &str) -> Decision {
    let mut decision = Decision::NotAllowed;
    for statement in policies.iter().flat_map(|policy| &policy.statements) {
        if !statement.applies(action, resource) {
            continue;
        }
        match statement.effect {
            Effect::Deny => return Decision::ExplicitlyDenied,
            Effect::Allow => decision = Decision::Allowed,
        }
    }
    decision
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW_READS: &str = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}"#;

    /// `policy` is a document, or the inside of its only statement.
    #[track_caller]
    fn check(policy: &str, action: &str, resource: &str, expected: Decision) {
        let document = if policy.starts_with('{') {
            policy.to_owned()
        } else {
            format!(r#"{{"Version":"2012-10-17","Statement":{{{policy}}}}}"#)
        };
        let policy = parse(&document).expect("a sound policy");
        assert_eq!(decide(&[policy], action, resource), expected, "{action} on {resource} under {document}");
    }

    #[track_caller]
    fn check_refused(document: &str, expected: &str) {
        let error = parse(document).expect_err("a malformed policy");
        assert!(error.to_string().contains(expected), "{error} does not say {expected}");
    }

    use Decision::{Allowed, ExplicitlyDenied, NotAllowed};

    #[test]
    fn wildcards_in_actions() {
        check(ALLOW_READS, "s3:GetObject", "arn:aws:s3:::b/k", Allowed);
        check(ALLOW_READS, "s3:ListBucket", "arn:aws:s3:::b", Allowed);
        check(ALLOW_READS, "s3:PutObject", "arn:aws:s3:::b/k", NotAllowed);
        check(ALLOW_READS, "iam:GetUser", "arn:aws:iam::1:user/u", NotAllowed);
        check(r#""Effect":"Allow","Action":"*","Resource":"*""#, "iam:GetUser", "*", Allowed);
        check(r#""Effect":"Allow","Action":"s3:?etObject","Resource":"*""#, "s3:GetObject", "*", Allowed);
        check(r#""Effect":"Allow","Action":"s3:?etObject","Resource":"*""#, "s3:etObject", "*", NotAllowed);
    }

    #[test]
    fn actions_ignore_case_and_resources_do_not() {
        let policy = r#""Effect":"Allow","Action":"S3:getobject","Resource":"arn:aws:s3:::Bucket/*""#;
        check(policy, "s3:GetObject", "arn:aws:s3:::Bucket/k", Allowed);
        check(policy, "s3:GetObject", "arn:aws:s3:::bucket/k", NotAllowed);
    }

    #[test]
    fn resources_match_part_by_part() {
        let policy = r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bundles/app-?/*""#;
        check(policy, "s3:GetObject", "arn:aws:s3:::bundles/app-1/a/b.zip", Allowed);
        check(policy, "s3:GetObject", "arn:aws:s3:::bundles/app-10/a.zip", NotAllowed);
        check(policy, "s3:GetObject", "arn:aws:s3:::bundles", NotAllowed);
        let policy = r#""Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/a""#;
        check(policy, "iam:GetUser", "arn:aws:iam::1:user/a", Allowed);
        check(policy, "iam:GetUser", "arn:aws:iam::1:other:user/a", NotAllowed);
        check(policy, "iam:GetUser", "*", NotAllowed);
    }

    #[test]
    fn a_key_is_never_taken_for_a_pattern() {
        let policy = r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/x""#;
        check(policy, "s3:GetObject", "arn:aws:s3:::b/*", NotAllowed);
    }

    #[test]
    fn deny_wins_in_any_order() {
        let deny_first = r#"{"Statement":[{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"},
            {"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let deny_last = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
            {"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}]}"#;
        for policy in [deny_first, deny_last] {
            check(policy, "s3:PutObject", "arn:aws:s3:::b/k", ExplicitlyDenied);
            check(policy, "s3:GetObject", "arn:aws:s3:::b/k", Allowed);
        }
    }

    #[test]
    fn a_deny_in_another_policy_counts() {
        let allow = parse(ALLOW_READS).expect("sound");
        let deny = parse(r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::b/*"}}"#);
        let policies = [allow, deny.expect("sound")];
        assert_eq!(decide(&policies, "s3:GetObject", "arn:aws:s3:::b/k"), ExplicitlyDenied);
        assert_eq!(decide(&policies, "s3:GetObject", "arn:aws:s3:::c/k"), Allowed);
        assert_eq!(decide(&[], "s3:GetObject", "arn:aws:s3:::c/k"), NotAllowed);
    }

    #[test]
    fn not_action_and_not_resource_are_complements() {
        let policy = r#""Effect":"Allow","NotAction":"iam:*","Resource":"*""#;
        check(policy, "s3:GetObject", "*", Allowed);
        check(policy, "iam:CreateUser", "*", NotAllowed);
        let policy = r#""Effect":"Deny","Action":"*","NotResource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]"#;
        check(policy, "s3:GetObject", "arn:aws:s3:::c/k", ExplicitlyDenied);
        check(policy, "s3:GetObject", "arn:aws:s3:::b/k", NotAllowed);
    }

    #[test]
    fn conditions_fail_closed() {
        let condition = r#""Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#;
        let allow = format!(r#""Effect":"Allow","Action":"*","Resource":"*",{condition}"#);
        check(&allow, "s3:GetObject", "*", NotAllowed);
        let deny = format!(r#""Effect":"Deny","Action":"*","Resource":"*",{condition}"#);
        check(&deny, "s3:GetObject", "*", ExplicitlyDenied);
        check(r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{}"#, "s3:GetObject", "*", Allowed);
    }

    #[test]
    fn variables_fail_closed() {
        let home = "arn:aws:s3:::b/home/${aws:username}/*";
        let resource = "arn:aws:s3:::b/home/ann/k";
        let other = "arn:aws:s3:::b/other";
        let policy = |effect: &str, element: &str| {
            format!(r#""Effect":"{effect}","Action":"*","{element}":["{home}","arn:aws:s3:::b/x"]"#)
        };
        check(&policy("Allow", "Resource"), "s3:GetObject", resource, NotAllowed);
        check(&policy("Allow", "Resource"), "s3:GetObject", "arn:aws:s3:::b/x", Allowed);
        check(&policy("Allow", "NotResource"), "s3:GetObject", resource, NotAllowed);
        check(&policy("Allow", "NotResource"), "s3:GetObject", other, Allowed);
        check(&policy("Deny", "Resource"), "s3:GetObject", resource, ExplicitlyDenied);
        check(&policy("Deny", "Resource"), "s3:GetObject", other, NotAllowed);
        check(&policy("Deny", "NotResource"), "s3:GetObject", resource, ExplicitlyDenied);
    }

    #[test]
    fn the_old_language_knows_no_variables() {
        let policy = r#"{"Version":"2008-10-17","Statement":
            {"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${x}"}}"#;
        check(policy, "s3:GetObject", "arn:aws:s3:::b/${x}", Allowed);
    }

    #[test]
    fn malformed_documents_say_what_is_wrong() {
        check_refused("", "EOF");
        check_refused("[]", "policy document");
        check_refused("{}", "no Statement");
        check_refused(r#"{"Statement":[]}"#, "no Statement");
        check_refused(r#"{"Version":"2012-10-18","Statement":[]}"#, "Version is `2012-10-18`");
        check_refused(r#"{"Statment":[]}"#, "unknown field `Statment`");
        check_refused(r#"{"Statement":"x"}"#, "a statement or a list of statements");
        let statement = |inside: &str| format!(r#"{{"Statement":[{{{inside}}}]}}"#);
        check_refused(&statement(r#""Action":"*","Resource":"*""#), "Statement[0]: Effect is ``");
        check_refused(&statement(r#""Effect":"Allows","Action":"*","Resource":"*""#), "Effect is `Allows`");
        check_refused(&statement(r#""Effect":"Allow","Resource":"*""#), "Action or NotAction");
        check_refused(&statement(r#""Effect":"Allow","Action":[],"Resource":"*""#), "Action or NotAction");
        check_refused(
            &statement(r#""Effect":"Allow","Action":"*","NotAction":"*","Resource":"*""#),
            "Action or NotAction",
        );
        check_refused(&statement(r#""Effect":"Allow","Action":"get","Resource":"*""#), "action `get`");
        check_refused(&statement(r#""Effect":"Allow","Action":7,"Resource":"*""#), "a string or a list");
        check_refused(&statement(r#""Effect":"Allow","Action":"*""#), "Resource or NotResource");
        check_refused(&statement(r#""Effect":"Allow","Action":"*","Resource":"b/k""#), "resource `b/k`");
        check_refused(&statement(r#""Effect":"Allow","Action":"*","Resource":"arn:aws:s3""#), "arn:aws:s3`");
        check_refused(
            &statement(r#""Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*""#),
            "duplicate field `Effect`",
        );
        check_refused(
            &statement(r#""Effect":"Allow","Action":"*","Resource":"*","Principal":"*""#),
            "must not name a Principal",
        );
        check_refused(
            &statement(r#""Effect":"Allow","Action":"*","Resource":"*","Condition":"x""#),
            "not well formed",
        );
    }
}
