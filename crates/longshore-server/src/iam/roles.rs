//! Roles: what somebody who is trusted may become for a while.

use std::time::Duration;

use longshore_model::policy;
use longshore_store::{Page as StorePage, Role, StoreError};

use super::access_keys::new_id;
use super::error::IamError;
use super::page::Page;
use super::params::{MAX_NAME, MAX_NEW_NAME, Params};
use super::policies::encoded;
use super::xml::Element;
use super::{Context, iso8601};

const MAX_DESCRIPTION: usize = 1000;
/// The longest session of a role that does not say otherwise. As IAM.
const DEFAULT_MAX_SESSION: Duration = Duration::from_secs(3600);
/// What a role may say. As IAM.
const MAX_SESSION_SECS: std::ops::RangeInclusive<u64> = 3600..=43_200;

impl Context<'_> {
    /// The named role, if the caller may do `action` to it.
    pub(super) async fn authorized_role(&self, action: &str, name: &str) -> Result<Role, IamError> {
        let role = self.identity.role(name).await?;
        let arn = role.as_ref().map_or_else(|| self.arn("role", "/", name), |role| role.arn.clone());
        self.authorize(action, &arn)?;
        role.ok_or_else(|| IamError::NoSuchRole(name.to_owned()))
    }

    pub(super) async fn create_role(&self, params: &Params) -> Result<Element, IamError> {
        let name = params.name("RoleName", MAX_NEW_NAME)?;
        let path = params.path()?;
        let trust_policy = params.document("AssumeRolePolicyDocument")?;
        let description = params.text("Description", MAX_DESCRIPTION)?;
        let max_session = params.seconds("MaxSessionDuration", MAX_SESSION_SECS)?;
        let arn = self.arn("role", &path, &name);
        self.authorize("iam:CreateRole", &arn)?;
        params.refuse("PermissionsBoundary")?;
        params.refuse("Tags.")?;
        policy::parse_trust(&trust_policy).map_err(IamError::MalformedPolicyDocument)?;
        let role = Role {
            name,
            path,
            id: new_id("AROA"),
            arn,
            trust_policy,
            description,
            max_session: max_session.unwrap_or(DEFAULT_MAX_SESSION),
            created_at: self.now,
        };
        match self.identity.create_role(&role).await {
            Ok(()) => Ok(Element::new("CreateRoleResult").child(element("Role", &role))),
            Err(StoreError::AlreadyExists(_)) => Err(IamError::RoleExists(role.name)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn get_role(&self, params: &Params) -> Result<Element, IamError> {
        let name = params.name("RoleName", MAX_NAME)?;
        let role = self.authorized_role("iam:GetRole", &name).await?;
        Ok(Element::new("GetRoleResult").child(element("Role", &role)))
    }

    pub(super) async fn list_roles(&self, params: &Params) -> Result<Element, IamError> {
        let prefix = params.path_prefix()?;
        self.authorize("iam:ListRoles", &self.arn("role", &prefix, ""))?;
        let limit = params.max_items()?;
        let page = StorePage { after: params.marker()?, limit: limit + 1 };
        let page = Page::cut(self.identity.roles(&prefix, &page).await?, limit, |role| &role.name);
        Ok(page.write(Element::new("ListRolesResult"), "Roles", |role| element("member", role)))
    }

    pub(super) async fn update_assume_role_policy(&self, params: &Params) -> Result<(), IamError> {
        let name = params.name("RoleName", MAX_NAME)?;
        let document = params.document("PolicyDocument")?;
        self.authorized_role("iam:UpdateAssumeRolePolicy", &name).await?;
        policy::parse_trust(&document).map_err(IamError::MalformedPolicyDocument)?;
        match self.identity.set_trust_policy(&name, &document).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(IamError::NoSuchRole(name)),
            Err(error) => Err(error.into()),
        }
    }

    /// Its sessions end at once.
    pub(super) async fn delete_role(&self, params: &Params) -> Result<(), IamError> {
        let name = params.name("RoleName", MAX_NAME)?;
        self.authorized_role("iam:DeleteRole", &name).await?;
        match self.identity.delete_role(&name).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(IamError::NoSuchRole(name)),
            Err(StoreError::InUse(_)) => Err(IamError::DeleteConflict("delete policies")),
            Err(error) => Err(error.into()),
        }
    }
}

fn element(name: &'static str, role: &Role) -> Element {
    let element = Element::new(name)
        .text("Path", &role.path)
        .text("RoleName", &role.name)
        .text("RoleId", &role.id)
        .text("Arn", &role.arn)
        .text("CreateDate", &iso8601(role.created_at))
        .text("AssumeRolePolicyDocument", &encoded(&role.trust_policy))
        .text("MaxSessionDuration", &role.max_session.as_secs().to_string());
    match &role.description {
        Some(description) => element.text("Description", description),
        None => element,
    }
}
