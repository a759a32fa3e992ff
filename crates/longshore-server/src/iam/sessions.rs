//! `AssumeRole`: a role taken for a while, with an access key and a token of its own.
//!
//! Sessions are kept in the store, and of each token a digest: a session survives a restart, ends with its
//! role, and nothing that leaves here is of use without the row.

use std::ops::RangeInclusive;
use std::time::Duration;

use longshore_bundles::token_digest;
use longshore_model::policy::{self, Decision, Denial, Trust};
use longshore_store::{Role, Session, StoreError};

use super::access_keys::{new_id, new_secret, new_token};
use super::error::IamError;
use super::params::{Params, invalid};
use super::xml::Element;
use super::{Context, iso8601};

const ACTION: &str = "sts:AssumeRole";
const DURATION_SECS: RangeInclusive<u64> = 900..=43_200;
const DEFAULT_DURATION: Duration = Duration::from_secs(3600);
/// The longest session of a role that was taken in a session. As STS.
const MAX_CHAINED: Duration = Duration::from_secs(3600);
const SESSION_NAME_CHARS: RangeInclusive<usize> = 2..=64;
const MAX_ARN: usize = 2048;
const MAX_SESSION_POLICY: usize = 2048;
const MAX_EXTERNAL_ID: usize = 1224;
/// How long an ended session is remembered, so that its holder is told that it expired.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

impl Context<'_> {
    pub(super) async fn assume_role(&self, params: &Params) -> Result<Element, IamError> {
        let arn = params.required("RoleArn", MAX_ARN)?;
        let name = session_name(params)?;
        let duration = params.seconds("DurationSeconds", DURATION_SECS)?;
        let session_policy = params.text("Policy", MAX_SESSION_POLICY)?;
        let external_id = params.text("ExternalId", MAX_EXTERNAL_ID)?;
        for refused in
            ["PolicyArns.", "Tags.", "TransitiveTagKeys.", "SerialNumber", "TokenCode", "SourceIdentity"]
        {
            params.refuse(refused)?;
        }
        let role = self.role_to_assume(&arn, &name, external_id.as_deref()).await?;
        let duration = self.checked_duration(duration, &role)?;
        if let Some(document) = &session_policy {
            policy::parse(document).map_err(IamError::MalformedPolicyDocument)?;
        }
        let token = new_token();
        let session = Session {
            access_key_id: new_id("ASIA"),
            secret: new_secret(),
            token_sha256: token_digest(&token),
            role: role.name.clone(),
            name,
            policy: session_policy,
            created_at: self.now,
            expires_at: self.now.plus(duration),
        };
        match self.identity.create_session(&session, self.now.minus(REMEMBERED)).await {
            Ok(()) => Ok(self.assumed(&role, &session, &token)),
            Err(StoreError::NotFound(_)) => Err(self.may_not_assume(&arn, Decision::NotAllowed)),
            Err(error) => Err(error.into()),
        }
    }

    /// The role, if it trusts the caller and nothing denies it. Who may not does not learn whether it exists.
    async fn role_to_assume(
        &self,
        arn: &str,
        session_name: &str,
        external_id: Option<&str>,
    ) -> Result<Role, IamError> {
        self.caller.note(arn);
        let name = arn.rsplit('/').next().unwrap_or_default();
        let role = self.identity.role(name).await?.filter(|role| role.arn == arn);
        let Some(role) = role else { return Err(self.may_not_assume(arn, Decision::NotAllowed)) };
        // A stored trust policy was sound when it was put; what cannot be read trusts nobody.
        let trust_policy = policy::parse_trust(&role.trust_policy)
            .map_err(|_| self.may_not_assume(arn, Decision::NotAllowed))?;
        let mut request = self.caller.context.clone().with("sts:RoleSessionName", session_name);
        if let Some(id) = external_id {
            request = request.with("sts:ExternalId", id);
        }
        let trust = trust_policy.trust(ACTION, &self.caller.arns(), self.account_id, &request);
        match (trust, self.caller.principal.decide(ACTION, arn, &request)) {
            (Trust::Denied, _) => Err(self.may_not_assume(arn, Decision::ExplicitlyDenied)),
            (_, denied @ (Decision::ExplicitlyDenied | Decision::NotAllowedInSession)) => {
                Err(self.may_not_assume(arn, denied))
            }
            (Trust::Named, Decision::Allowed | Decision::NotAllowed)
            | (Trust::Account, Decision::Allowed) => Ok(role),
            (Trust::Account | Trust::None, Decision::Allowed | Decision::NotAllowed) => {
                Err(self.may_not_assume(arn, Decision::NotAllowed))
            }
        }
    }

    fn may_not_assume(&self, arn: &str, decision: Decision) -> IamError {
        let denial = Denial { principal: &self.caller.arn.0, action: ACTION, resource: arn, decision };
        IamError::AccessDenied(denial.to_string())
    }

    fn checked_duration(&self, asked: Option<Duration>, role: &Role) -> Result<Duration, IamError> {
        let is_chained = self.caller.session.is_some();
        let duration = asked.unwrap_or(DEFAULT_DURATION);
        if role.max_session < duration {
            return Err(IamError::Session(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        if is_chained && MAX_CHAINED < duration {
            return Err(IamError::Session(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
                 chaining.",
            ));
        }
        Ok(duration)
    }

    fn assumed(&self, role: &Role, session: &Session, token: &str) -> Element {
        let credentials = Element::new("Credentials")
            .text("AccessKeyId", &session.access_key_id)
            .text("SecretAccessKey", &session.secret)
            .text("SessionToken", token)
            .text("Expiration", &iso8601(session.expires_at));
        let arn = format!("arn:aws:sts::{}:assumed-role/{}/{}", self.account_id, role.name, session.name);
        let user = Element::new("AssumedRoleUser")
            .text("AssumedRoleId", &format!("{}:{}", role.id, session.name))
            .text("Arn", &arn);
        Element::new("AssumeRoleResult").child(credentials).child(user)
    }
}

fn session_name(params: &Params) -> Result<String, IamError> {
    let name = params.name("RoleSessionName", *SESSION_NAME_CHARS.end())?;
    if SESSION_NAME_CHARS.contains(&name.len()) {
        return Ok(name);
    }
    let rule = String::from("Member must have length greater than or equal to 2");
    Err(invalid("RoleSessionName", &name, rule))
}
