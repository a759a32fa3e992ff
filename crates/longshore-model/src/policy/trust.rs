//! Trust policies: who may take a role.

use super::condition::Condition;
use super::context::Context;
use super::pattern::ActionPattern;
use super::statement::{Effect, Scope};
use super::verdict::Verdict;

/// A role's trust policy that was read and is sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    pub(super) statements: Vec<TrustStatement>,
}

/// What a trust policy says to one who wants the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It names the caller, or everybody: nothing else is needed.
    Named,
    /// It names the caller's account: the caller's own policies decide.
    Account,
    /// It denies it, whatever others say.
    Denied,
    /// It does not speak of the caller.
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TrustStatement {
    pub(super) effect: Effect,
    pub(super) actions: Scope<ActionPattern>,
    pub(super) principals: Vec<TrustedPrincipal>,
    pub(super) conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TrustedPrincipal {
    /// `*`.
    Everybody,
    /// `111122223333`, or its root's ARN.
    Account(String),
    /// The ARN of a user, a role or a session.
    Arn(String),
    /// A service of AWS or a foreign identity provider: nobody who signs here.
    Foreign,
}

impl TrustedPrincipal {
    /// An entry under `AWS`. `None` when it has no known form.
    pub(super) fn parse(text: &str) -> Option<TrustedPrincipal> {
        if text == "*" {
            return Some(TrustedPrincipal::Everybody);
        }
        if is_account(text) {
            return Some(TrustedPrincipal::Account(text.to_owned()));
        }
        let mut parts = text.splitn(6, ':');
        let (arn, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        // A wildcard would be taken for a name, which is not what its writer meant.
        if arn != "arn" || !region.is_empty() || !is_account(account) || text.contains(['*', '?']) {
            return None;
        }
        match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => Some(TrustedPrincipal::Account(account.to_owned())),
            ("iam", Some(("user" | "role", _))) | ("sts", Some(("assumed-role", _))) => {
                Some(TrustedPrincipal::Arn(text.to_owned()))
            }
            _ => None,
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl TrustPolicy {
    /// What it says to a caller of `account` who is called by any of `arns` (a session is its role, too)
    /// and wants to do `action` (`sts:AssumeRole`).
    pub fn trust(&self, action: &str, arns: &[&str], account: &str, context: &Context) -> Trust {
        let mut trust = Trust::None;
        for statement in &self.statements {
            let is_its_action = Verdict::of(statement.covers_action(action));
            let conditions = statement.conditions.iter().map(|condition| condition.holds(context));
            let applies = Verdict::all([is_its_action].into_iter().chain(conditions));
            let named = statement.names(arns, account);
            match (statement.effect, applies) {
                (Effect::Deny, Verdict::Yes | Verdict::Unknown) if named != Trust::None => {
                    return Trust::Denied;
                }
                (Effect::Allow, Verdict::Yes) if named != Trust::None && trust != Trust::Named => {
                    trust = named
                }
                (Effect::Allow | Effect::Deny, Verdict::Yes | Verdict::No | Verdict::Unknown) => {}
            }
        }
        trust
    }
}

impl TrustStatement {
    fn covers_action(&self, action: &str) -> bool {
        match &self.actions {
            Scope::Only(patterns) => patterns.iter().any(|pattern| pattern.matches(action)),
            Scope::AllBut(patterns) => !patterns.iter().any(|pattern| pattern.matches(action)),
        }
    }

    fn names(&self, arns: &[&str], account: &str) -> Trust {
        let is_named = self.principals.iter().any(|principal| match principal {
            TrustedPrincipal::Everybody => true,
            TrustedPrincipal::Arn(arn) => arns.contains(&arn.as_str()),
            TrustedPrincipal::Account(_) | TrustedPrincipal::Foreign => false,
        });
        let of_account = |principal: &TrustedPrincipal| matches!(principal, TrustedPrincipal::Account(trusted) if trusted == account);
        if is_named {
            Trust::Named
        } else if self.principals.iter().any(of_account) {
            Trust::Account
        } else {
            Trust::None
        }
    }
}
