//! Users.

use longshore_model::id::PrincipalArn;
use longshore_store::{Page as StorePage, StoreError, User};

use super::access_keys::new_id;
use super::error::IamError;
use super::page::Page;
use super::params::{MAX_NAME, MAX_NEW_NAME, Params};
use super::xml::Element;
use super::{Context, iso8601};

impl Context<'_> {
    pub(super) async fn create_user(&self, params: &Params) -> Result<Element, IamError> {
        let name = params.name("UserName", MAX_NEW_NAME)?;
        let path = params.path()?;
        let arn = self.arn("user", &path, &name);
        self.authorize("iam:CreateUser", &arn)?;
        params.refuse("PermissionsBoundary")?;
        params.refuse("Tags.")?;
        let user = User { name, path, id: new_id("AIDA"), arn: PrincipalArn(arn), created_at: self.now };
        match self.identity.create_user(&user).await {
            Ok(()) => Ok(Element::new("CreateUserResult").child(element("User", &user))),
            Err(StoreError::AlreadyExists(_)) => Err(IamError::UserExists(user.name)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn get_user(&self, params: &Params) -> Result<Element, IamError> {
        let named = params.optional_name("UserName", MAX_NAME)?;
        if named.is_none() && self.caller.is_root {
            return Ok(Element::new("GetUserResult").child(
                Element::new("User").text("UserId", self.account_id).text("Arn", &self.caller.arn.0),
            ));
        }
        let name = self.user_meant(params).await?;
        let user = self.authorized_user("iam:GetUser", &name).await?;
        Ok(Element::new("GetUserResult").child(element("User", &user)))
    }

    pub(super) async fn list_users(&self, params: &Params) -> Result<Element, IamError> {
        let prefix = params.path_prefix()?;
        self.authorize("iam:ListUsers", &self.arn("user", &prefix, ""))?;
        let limit = params.max_items()?;
        let page = StorePage { after: params.marker()?, limit: limit + 1 };
        let page = Page::cut(self.identity.users(&prefix, &page).await?, limit, |user| &user.name);
        Ok(page.write(Element::new("ListUsersResult"), "Users", |user| element("member", user)))
    }

    pub(super) async fn delete_user(&self, params: &Params) -> Result<(), IamError> {
        let name = params.name("UserName", MAX_NAME)?;
        self.authorized_user("iam:DeleteUser", &name).await?;
        match self.identity.delete_user(&name).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(IamError::NoSuchUser(name)),
            Err(StoreError::InUse(what)) if what.starts_with("access key ") => {
                Err(IamError::DeleteConflict("delete access keys"))
            }
            Err(StoreError::InUse(what)) if what.starts_with("group ") => {
                Err(IamError::DeleteConflict("remove users from group"))
            }
            Err(StoreError::InUse(_)) => Err(IamError::DeleteConflict("delete policies")),
            Err(error) => Err(error.into()),
        }
    }
}

pub(super) fn element(name: &'static str, user: &User) -> Element {
    Element::new(name)
        .text("Path", &user.path)
        .text("UserName", &user.name)
        .text("UserId", &user.id)
        .text("Arn", &user.arn.0)
        .text("CreateDate", &iso8601(user.created_at))
}
