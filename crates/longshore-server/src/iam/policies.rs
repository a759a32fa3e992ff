//! Inline policies of users.

use longshore_model::policy;
use longshore_store::{InlinePolicy, StoreError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Context;
use super::error::IamError;
use super::page::Page;
use super::params::{MAX_NAME, Params};
use super::xml::Element;

/// Documents are given back in URL encoding, as IAM does.
const UNENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Context<'_> {
    pub(super) async fn put_user_policy(&self, params: &Params) -> Result<(), IamError> {
        let user = params.name("UserName", MAX_NAME)?;
        let policy =
            InlinePolicy { name: params.name("PolicyName", MAX_NAME)?, document: params.document()? };
        self.authorized_user("iam:PutUserPolicy", &user).await?;
        policy::parse(&policy.document).map_err(IamError::MalformedPolicyDocument)?;
        match self.identity.put_user_policy(&user, &policy).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(IamError::NoSuchUser(user)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn get_user_policy(&self, params: &Params) -> Result<Element, IamError> {
        let user = params.name("UserName", MAX_NAME)?;
        let name = params.name("PolicyName", MAX_NAME)?;
        self.authorized_user("iam:GetUserPolicy", &user).await?;
        let policies = self.identity.user_policies(&user).await?;
        let Some(policy) = policies.into_iter().find(|policy| policy.name == name) else {
            return Err(IamError::NoSuchPolicy(name));
        };
        Ok(Element::new("GetUserPolicyResult")
            .text("UserName", &user)
            .text("PolicyName", &policy.name)
            .text("PolicyDocument", &utf8_percent_encode(&policy.document, &UNENCODED).to_string()))
    }

    pub(super) async fn list_user_policies(&self, params: &Params) -> Result<Element, IamError> {
        let user = params.name("UserName", MAX_NAME)?;
        self.authorized_user("iam:ListUserPolicies", &user).await?;
        let page = Page::of(self.identity.user_policies(&user).await?, params, |policy| &policy.name)?;
        let result = Element::new("ListUserPoliciesResult");
        Ok(page.write(result, "PolicyNames", |policy| Element::leaf("member", &policy.name)))
    }

    pub(super) async fn delete_user_policy(&self, params: &Params) -> Result<(), IamError> {
        let user = params.name("UserName", MAX_NAME)?;
        let name = params.name("PolicyName", MAX_NAME)?;
        self.authorized_user("iam:DeleteUserPolicy", &user).await?;
        match self.identity.delete_user_policy(&user, &name).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(IamError::NoSuchPolicy(name)),
            Err(error) => Err(error.into()),
        }
    }
}
