//! Inline policies of users, groups and roles: the same four actions on each.

use longshore_model::policy;
use longshore_store::{InlinePolicy, PolicyHolder, StoreError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Context;
use super::error::IamError;
use super::page::Page;
use super::params::{MAX_NAME, Params};
use super::xml::Element;

/// Documents are given back in URL encoding, as IAM does.
const UNENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What has inline policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holders {
    Users,
    Groups,
    Roles,
}

impl Holders {
    /// In actions: `PutUserPolicy`.
    fn word(self) -> &'static str {
        match self {
            Holders::Users => "User",
            Holders::Groups => "Group",
            Holders::Roles => "Role",
        }
    }

    fn name_parameter(self) -> &'static str {
        match self {
            Holders::Users => "UserName",
            Holders::Groups => "GroupName",
            Holders::Roles => "RoleName",
        }
    }

    fn holder(self, name: String) -> PolicyHolder {
        match self {
            Holders::Users => PolicyHolder::User(name),
            Holders::Groups => PolicyHolder::Group(name),
            Holders::Roles => PolicyHolder::Role(name),
        }
    }
}

/// The document as answers give it.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, &UNENCODED).to_string()
}

impl Context<'_> {
    /// The holder that the parameters name, if the caller may do `action` to it.
    async fn authorized_holder(
        &self,
        holders: Holders,
        action: &str,
        params: &Params,
    ) -> Result<PolicyHolder, IamError> {
        let name = params.name(holders.name_parameter(), MAX_NAME)?;
        match holders {
            Holders::Users => self.authorized_user(action, &name).await.map(drop)?,
            Holders::Groups => self.authorized_group(action, &name).await.map(drop)?,
            Holders::Roles => self.authorized_role(action, &name).await.map(drop)?,
        }
        Ok(holders.holder(name))
    }

    pub(super) async fn put_policy(&self, holders: Holders, params: &Params) -> Result<(), IamError> {
        let policy = InlinePolicy {
            name: params.name("PolicyName", MAX_NAME)?,
            document: params.document("PolicyDocument")?,
        };
        let action = format!("iam:Put{}Policy", holders.word());
        let holder = self.authorized_holder(holders, &action, params).await?;
        policy::parse(&policy.document).map_err(IamError::MalformedPolicyDocument)?;
        match self.identity.put_policy(&holder, &policy).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(no_such_holder(&holder)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn get_policy(&self, holders: Holders, params: &Params) -> Result<Element, IamError> {
        let name = params.name("PolicyName", MAX_NAME)?;
        let action = format!("iam:Get{}Policy", holders.word());
        let holder = self.authorized_holder(holders, &action, params).await?;
        let policies = self.identity.policies(&holder).await?;
        let Some(policy) = policies.into_iter().find(|policy| policy.name == name) else {
            return Err(no_such_policy(holders, name));
        };
        Ok(Element::new(format!("Get{}PolicyResult", holders.word()))
            .text(holders.name_parameter(), holder.name())
            .text("PolicyName", &policy.name)
            .text("PolicyDocument", &encoded(&policy.document)))
    }

    pub(super) async fn list_policies(&self, holders: Holders, params: &Params) -> Result<Element, IamError> {
        let action = format!("iam:List{}Policies", holders.word());
        let holder = self.authorized_holder(holders, &action, params).await?;
        let page = Page::of(self.identity.policies(&holder).await?, params, |policy| &policy.name)?;
        let result = Element::new(format!("List{}PoliciesResult", holders.word()));
        Ok(page.write(result, "PolicyNames", |policy| Element::leaf("member", &policy.name)))
    }

    pub(super) async fn delete_policy(&self, holders: Holders, params: &Params) -> Result<(), IamError> {
        let name = params.name("PolicyName", MAX_NAME)?;
        let action = format!("iam:Delete{}Policy", holders.word());
        let holder = self.authorized_holder(holders, &action, params).await?;
        match self.identity.delete_policy(&holder, &name).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(no_such_policy(holders, name)),
            Err(error) => Err(error.into()),
        }
    }
}

fn no_such_policy(holders: Holders, name: String) -> IamError {
    IamError::NoSuchPolicy { holder: holders.word().to_ascii_lowercase(), name }
}

fn no_such_holder(holder: &PolicyHolder) -> IamError {
    match holder {
        PolicyHolder::User(name) => IamError::NoSuchUser(name.clone()),
        PolicyHolder::Group(name) => IamError::NoSuchGroup(name.clone()),
        PolicyHolder::Role(name) => IamError::NoSuchRole(name.clone()),
    }
}
