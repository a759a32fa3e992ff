//! IAM and STS over the query protocol: the calls that `aws deploy register` and `deregister` make,
//! what an operator needs to look after users, and `GetCallerIdentity`.
//!
//! An action is a form (`Action=CreateUser&UserName=…`) and is answered in XML. What each action
//! says is in the file of its resource; here is who may ask, and how an answer looks.

mod access_keys;
mod error;
mod host_user;
mod page;
mod params;
mod policies;
#[cfg(test)]
mod tests;
mod users;
mod xml;

use http::StatusCode;
use longshore_bundles::Principal;
use longshore_model::policy::{Decision, decide};
use longshore_model::time::Timestamp;
use longshore_store::{IdentityStore, User};
use longshore_wire::error::ApiError;
use uuid::Uuid;

use self::error::IamError;
pub(crate) use self::host_user::host_user;
use self::params::Params;
use self::xml::Element;

/// The type of every answer.
pub(crate) const CONTENT_TYPE: &str = "text/xml";

/// Which of the two services is meant: the one in the credential scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Users, access keys, policies.
    Iam,
    /// Who am I?
    Sts,
}

impl Service {
    fn namespace(self) -> &'static str {
        match self {
            Service::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}

/// An answer: a status and XML.
#[derive(Debug)]
pub(crate) struct IamAnswer {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The document.
    pub(crate) body: String,
}

/// What every action works on.
struct Context<'a> {
    identity: &'a dyn IdentityStore,
    caller: &'a Principal,
    account_id: &'a str,
    now: Timestamp,
}

/// Carries out one action for `caller`, who has been authenticated. `params` are those of the body
/// or of the query.
pub(crate) async fn handle(
    identity: &dyn IdentityStore,
    caller: &Principal,
    account_id: &str,
    service: Service,
    params: Vec<(String, String)>,
    now: Timestamp,
) -> IamAnswer {
    let params = Params::new(params);
    let context = Context { identity, caller, account_id, now };
    let action = params.action().to_owned();
    match context.result(service, &action, &params).await {
        Ok(result) => done(service, &action, result),
        Err(error) => failed(service, &error),
    }
}

/// The answer to a request that was refused before its action was looked at, in this protocol's
/// words for it.
pub(crate) fn refused(service: Service, error: &ApiError) -> IamAnswer {
    failed(service, &IamError::from_refusal(error))
}

impl Context<'_> {
    async fn result(
        &self,
        service: Service,
        action: &str,
        params: &Params,
    ) -> Result<Option<Element>, IamError> {
        match (service, action) {
            (_, "") => Err(IamError::MissingAction),
            (Service::Sts, "GetCallerIdentity") => self.get_caller_identity().await.map(Some),
            (Service::Iam, "CreateUser") => self.create_user(params).await.map(Some),
            (Service::Iam, "GetUser") => self.get_user(params).await.map(Some),
            (Service::Iam, "ListUsers") => self.list_users(params).await.map(Some),
            (Service::Iam, "DeleteUser") => self.delete_user(params).await.map(|()| None),
            (Service::Iam, "CreateAccessKey") => self.create_access_key(params).await.map(Some),
            (Service::Iam, "ListAccessKeys") => self.list_access_keys(params).await.map(Some),
            (Service::Iam, "DeleteAccessKey") => self.delete_access_key(params).await.map(|()| None),
            (Service::Iam, "PutUserPolicy") => self.put_user_policy(params).await.map(|()| None),
            (Service::Iam, "GetUserPolicy") => self.get_user_policy(params).await.map(Some),
            (Service::Iam, "ListUserPolicies") => self.list_user_policies(params).await.map(Some),
            (Service::Iam, "DeleteUserPolicy") => self.delete_user_policy(params).await.map(|()| None),
            (Service::Iam | Service::Sts, other) => Err(IamError::NotImplemented(other.to_owned())),
        }
    }

    async fn get_caller_identity(&self) -> Result<Element, IamError> {
        let user = self.own_user().await?;
        Ok(Element::new("GetCallerIdentityResult")
            .text("Arn", &self.caller.arn.0)
            .text("UserId", user.as_ref().map_or(self.account_id, |user| &user.id))
            .text("Account", self.account_id))
    }

    /// The user who calls; `None` for root.
    async fn own_user(&self) -> Result<Option<User>, IamError> {
        match self.caller.arn.0.rsplit_once('/') {
            Some((_, name)) if !self.caller.is_root => Ok(self.identity.user(name).await?),
            Some(_) | None => Ok(None),
        }
    }

    /// The user that the action is about: the one named, or the caller.
    async fn user_meant(&self, params: &Params) -> Result<String, IamError> {
        match params.optional_name("UserName", params::MAX_NAME)? {
            Some(name) => Ok(name),
            None => Ok(self.own_user().await?.ok_or(IamError::RootHasNoUser)?.name),
        }
    }

    /// The named user, if the caller may do `action` to it. Who may not does not learn whether the
    /// user exists, unless a path is part of what they may.
    async fn authorized_user(&self, action: &str, name: &str) -> Result<User, IamError> {
        let user = self.identity.user(name).await?;
        let arn = user.as_ref().map_or_else(|| self.user_arn("/", name), |user| user.arn.0.clone());
        self.authorize(action, &arn)?;
        user.ok_or_else(|| IamError::NoSuchUser(name.to_owned()))
    }

    fn authorize(&self, action: &str, resource: &str) -> Result<(), IamError> {
        if self.caller.is_root {
            return Ok(());
        }
        let reason = match decide(&self.caller.policies, action, resource) {
            Decision::Allowed => return Ok(()),
            Decision::ExplicitlyDenied => "with an explicit deny in an identity-based policy".to_owned(),
            Decision::NotAllowed => format!("because no identity-based policy allows the {action} action"),
        };
        let arn = &self.caller.arn;
        Err(IamError::AccessDenied(format!(
            "User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}"
        )))
    }

    fn user_arn(&self, path: &str, name: &str) -> String {
        user_arn(self.account_id, path, name)
    }
}

fn user_arn(account_id: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account_id}:user{path}{name}")
}

fn done(service: Service, action: &str, result: Option<Element>) -> IamAnswer {
    let mut answer = Element::new(format!("{action}Response")).namespace(service.namespace());
    if let Some(result) = result {
        answer = answer.child(result);
    }
    let metadata = Element::new("ResponseMetadata").text("RequestId", &request_id());
    IamAnswer { status: StatusCode::OK, body: answer.child(metadata).document() }
}

fn failed(service: Service, error: &IamError) -> IamAnswer {
    if let IamError::Internal(source) = error {
        let source: &(dyn std::error::Error + 'static) = source;
        tracing::error!(error = source, "an identity request failed");
    }
    let kind = if error.status().is_server_error() { "Receiver" } else { "Sender" };
    let inner = Element::new("Error")
        .text("Type", kind)
        .text("Code", error.code())
        .text("Message", &error.to_string());
    let answer = Element::new("ErrorResponse").namespace(service.namespace()).child(inner);
    IamAnswer { status: error.status(), body: answer.text("RequestId", &request_id()).document() }
}

fn request_id() -> String {
    Uuid::new_v4().to_string()
}

/// A time as this protocol writes it.
pub(crate) fn iso8601(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
