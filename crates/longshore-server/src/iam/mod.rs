//! IAM and STS over the query protocol: the calls that `aws deploy register` and `deregister` make, what an
//! operator needs to look after users, groups and roles, and `GetCallerIdentity` and `AssumeRole`.
//!
//! An action is a form (`Action=CreateUser&UserName=…`) and is answered in XML. What each action
//! says is in the file of its resource; here is who may ask, and how an answer looks.

mod access_keys;
mod error;
mod groups;
mod host_user;
mod page;
mod params;
mod policies;
mod roles;
mod sessions;
#[cfg(test)]
mod tests;
mod users;
mod xml;

use http::StatusCode;
use longshore_bundles::Caller;
use longshore_model::policy::{Decision, Denial};
use longshore_model::time::Timestamp;
use longshore_store::{IdentityStore, User};
use longshore_wire::error::ApiError;
use uuid::Uuid;

use self::error::IamError;
pub(crate) use self::host_user::host_user;
use self::params::Params;
use self::policies::Holders;
use self::xml::Element;

/// The type of every answer.
pub(crate) const CONTENT_TYPE: &str = "text/xml";

/// Which of the two services is meant: the one in the credential scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Users, access keys, groups, roles, policies.
    Iam,
    /// Who am I, and whom may I become?
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
    /// The code of the error, if it is one.
    pub(crate) code: Option<String>,
}

/// What every action works on.
struct Context<'a> {
    identity: &'a dyn IdentityStore,
    caller: &'a Caller,
    account_id: &'a str,
    now: Timestamp,
}

/// Carries out one action for `caller`, who has been authenticated. `params` are those of the body
/// or of the query.
pub(crate) async fn handle(
    identity: &dyn IdentityStore,
    caller: &Caller,
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
            (Service::Sts, "GetCallerIdentity") => Ok(Some(self.get_caller_identity())),
            (Service::Sts, "AssumeRole") => self.assume_role(params).await.map(Some),
            (Service::Sts, other) => Err(IamError::NotImplemented(other.to_owned())),
            (Service::Iam, action) => self.iam_result(action, params).await,
        }
    }

    async fn iam_result(&self, action: &str, params: &Params) -> Result<Option<Element>, IamError> {
        match action {
            "CreateUser" => self.create_user(params).await.map(Some),
            "GetUser" => self.get_user(params).await.map(Some),
            "ListUsers" => self.list_users(params).await.map(Some),
            "DeleteUser" => self.delete_user(params).await.map(|()| None),

            "CreateAccessKey" => self.create_access_key(params).await.map(Some),
            "ListAccessKeys" => self.list_access_keys(params).await.map(Some),
            "UpdateAccessKey" => self.update_access_key(params).await.map(|()| None),
            "DeleteAccessKey" => self.delete_access_key(params).await.map(|()| None),

            "CreateGroup" => self.create_group(params).await.map(Some),
            "GetGroup" => self.get_group(params).await.map(Some),
            "ListGroups" => self.list_groups(params).await.map(Some),
            "DeleteGroup" => self.delete_group(params).await.map(|()| None),
            "AddUserToGroup" => self.add_user_to_group(params).await.map(|()| None),
            "RemoveUserFromGroup" => self.remove_user_from_group(params).await.map(|()| None),
            "ListGroupsForUser" => self.list_groups_for_user(params).await.map(Some),

            "CreateRole" => self.create_role(params).await.map(Some),
            "GetRole" => self.get_role(params).await.map(Some),
            "ListRoles" => self.list_roles(params).await.map(Some),
            "UpdateAssumeRolePolicy" => self.update_assume_role_policy(params).await.map(|()| None),
            "DeleteRole" => self.delete_role(params).await.map(|()| None),

            "PutUserPolicy" => self.put_policy(Holders::Users, params).await.map(|()| None),
            "GetUserPolicy" => self.get_policy(Holders::Users, params).await.map(Some),
            "ListUserPolicies" => self.list_policies(Holders::Users, params).await.map(Some),
            "DeleteUserPolicy" => self.delete_policy(Holders::Users, params).await.map(|()| None),
            "PutGroupPolicy" => self.put_policy(Holders::Groups, params).await.map(|()| None),
            "GetGroupPolicy" => self.get_policy(Holders::Groups, params).await.map(Some),
            "ListGroupPolicies" => self.list_policies(Holders::Groups, params).await.map(Some),
            "DeleteGroupPolicy" => self.delete_policy(Holders::Groups, params).await.map(|()| None),
            "PutRolePolicy" => self.put_policy(Holders::Roles, params).await.map(|()| None),
            "GetRolePolicy" => self.get_policy(Holders::Roles, params).await.map(Some),
            "ListRolePolicies" => self.list_policies(Holders::Roles, params).await.map(Some),
            "DeleteRolePolicy" => self.delete_policy(Holders::Roles, params).await.map(|()| None),
            other => Err(IamError::NotImplemented(other.to_owned())),
        }
    }

    /// Everybody may ask.
    fn get_caller_identity(&self) -> Element {
        Element::new("GetCallerIdentityResult")
            .text("Arn", &self.caller.arn.0)
            .text("UserId", &self.caller.user_id)
            .text("Account", self.account_id)
    }

    /// The user that the action is about: the one named, or the caller.
    async fn user_meant(&self, params: &Params) -> Result<String, IamError> {
        match params.optional_name("UserName", params::MAX_NAME)? {
            Some(name) => Ok(name),
            None => self.caller.user_name.clone().ok_or(IamError::NoUser),
        }
    }

    /// The named user, if the caller may do `action` to it. Who may not does not learn whether the
    /// user exists, unless a path is part of what they may.
    async fn authorized_user(&self, action: &str, name: &str) -> Result<User, IamError> {
        let user = self.identity.user(name).await?;
        let arn = user.as_ref().map_or_else(|| self.arn("user", "/", name), |user| user.arn.0.clone());
        self.authorize(action, &arn)?;
        user.ok_or_else(|| IamError::NoSuchUser(name.to_owned()))
    }

    fn authorize(&self, action: &str, resource: &str) -> Result<(), IamError> {
        self.caller.note(resource);
        match self.caller.decide(action, resource) {
            Decision::Allowed => Ok(()),
            decision => {
                let denial = Denial { principal: &self.caller.arn.0, action, resource, decision };
                Err(IamError::AccessDenied(denial.to_string()))
            }
        }
    }

    /// Of a `user`, a `group` or a `role`.
    fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        arn(self.account_id, kind, path, name)
    }
}

fn arn(account_id: &str, kind: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account_id}:{kind}{path}{name}")
}

fn done(service: Service, action: &str, result: Option<Element>) -> IamAnswer {
    let mut answer = Element::new(format!("{action}Response")).namespace(service.namespace());
    if let Some(result) = result {
        answer = answer.child(result);
    }
    let metadata = Element::new("ResponseMetadata").text("RequestId", &request_id());
    IamAnswer { status: StatusCode::OK, body: answer.child(metadata).document(), code: None }
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
    IamAnswer {
        status: error.status(),
        body: answer.text("RequestId", &request_id()).document(),
        code: Some(error.code().to_owned()),
    }
}

fn request_id() -> String {
    Uuid::new_v4().to_string()
}

/// A time as this protocol writes it.
pub(crate) fn iso8601(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
