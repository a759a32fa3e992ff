//! What policies decide, and how a refusal says so.

use std::fmt;

/// What policies say about one action on one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it, whatever others say.
    ExplicitlyDenied,
    /// No statement speaks of it.
    NotAllowed,
    /// The holder may, but the policy of its session does not allow it.
    NotAllowedInSession,
}

/// A refusal in AWS's words: who may not do what to which resource, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial<'a> {
    /// The ARN of who asked.
    pub principal: &'a str,
    /// `service:Action`.
    pub action: &'a str,
    /// An ARN or `*`.
    pub resource: &'a str,
    /// What was decided; not [`Decision::Allowed`].
    pub decision: Decision,
}

impl fmt::Display for Denial<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Denial { principal, action, resource, decision } = self;
        write!(
            formatter,
            "User: {principal} is not authorized to perform: {action} on resource: {resource} "
        )?;
        match decision {
            Decision::ExplicitlyDenied => {
                formatter.write_str("with an explicit deny in an identity-based policy")
            }
            Decision::NotAllowedInSession => {
                write!(formatter, "because no session policy allows the {action} action")
            }
            Decision::NotAllowed | Decision::Allowed => {
                write!(formatter, "because no identity-based policy allows the {action} action")
            }
        }
    }
}
