//! Groups, whose policies count for their members.

use longshore_store::{Group, Page as StorePage, StoreError};

use super::access_keys::new_id;
use super::error::IamError;
use super::page::Page;
use super::params::{MAX_NAME, Params};
use super::xml::Element;
use super::{Context, iso8601, users};

/// As IAM.
const MAX_GROUPS_PER_USER: usize = 10;

impl Context<'_> {
    /// The named group, if the caller may do `action` to it.
    pub(super) async fn authorized_group(&self, action: &str, name: &str) -> Result<Group, IamError> {
        let group = self.identity.group(name).await?;
        let arn = group.as_ref().map_or_else(|| self.arn("group", "/", name), |group| group.arn.clone());
        self.authorize(action, &arn)?;
        group.ok_or_else(|| IamError::NoSuchGroup(name.to_owned()))
    }

    pub(super) async fn create_group(&self, params: &Params) -> Result<Element, IamError> {
        let name = params.name("GroupName", MAX_NAME)?;
        let path = params.path()?;
        let arn = self.arn("group", &path, &name);
        self.authorize("iam:CreateGroup", &arn)?;
        let group = Group { name, path, id: new_id("AGPA"), arn, created_at: self.now };
        match self.identity.create_group(&group).await {
            Ok(()) => Ok(Element::new("CreateGroupResult").child(element("Group", &group))),
            Err(StoreError::AlreadyExists(_)) => Err(IamError::GroupExists(group.name)),
            Err(error) => Err(error.into()),
        }
    }

    /// The group and a page of its members.
    pub(super) async fn get_group(&self, params: &Params) -> Result<Element, IamError> {
        let name = params.name("GroupName", MAX_NAME)?;
        let limit = params.max_items()?;
        let page = StorePage { after: params.marker()?, limit: limit + 1 };
        let group = self.authorized_group("iam:GetGroup", &name).await?;
        let members = self.identity.group_members(&name, &page).await?;
        let page = Page::cut(members, limit, |user| &user.name);
        let result = Element::new("GetGroupResult").child(element("Group", &group));
        Ok(page.write(result, "Users", |user| users::element("member", user)))
    }

    pub(super) async fn list_groups(&self, params: &Params) -> Result<Element, IamError> {
        let prefix = params.path_prefix()?;
        self.authorize("iam:ListGroups", &self.arn("group", &prefix, ""))?;
        let limit = params.max_items()?;
        let page = StorePage { after: params.marker()?, limit: limit + 1 };
        let page = Page::cut(self.identity.groups(&prefix, &page).await?, limit, |group| &group.name);
        Ok(page.write(Element::new("ListGroupsResult"), "Groups", |group| element("member", group)))
    }

    pub(super) async fn delete_group(&self, params: &Params) -> Result<(), IamError> {
        let name = params.name("GroupName", MAX_NAME)?;
        self.authorized_group("iam:DeleteGroup", &name).await?;
        match self.identity.delete_group(&name).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(IamError::NoSuchGroup(name)),
            Err(StoreError::InUse(what)) if what.starts_with("user ") => {
                Err(IamError::DeleteConflict("remove users from group"))
            }
            Err(StoreError::InUse(_)) => Err(IamError::DeleteConflict("delete policies")),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn add_user_to_group(&self, params: &Params) -> Result<(), IamError> {
        let (group, user) = self.membership("iam:AddUserToGroup", params).await?;
        match self.identity.add_group_member(&group, &user, MAX_GROUPS_PER_USER).await {
            Ok(()) => Ok(()),
            Err(StoreError::LimitExceeded { .. }) => {
                Err(IamError::LimitExceeded { what: "GroupsPerUser", limit: MAX_GROUPS_PER_USER })
            }
            Err(StoreError::NotFound(name)) if name == user => Err(IamError::NoSuchUser(user)),
            Err(StoreError::NotFound(_)) => Err(IamError::NoSuchGroup(group)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn remove_user_from_group(&self, params: &Params) -> Result<(), IamError> {
        let (group, user) = self.membership("iam:RemoveUserFromGroup", params).await?;
        match self.identity.remove_group_member(&group, &user).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(name)) if name == user => Err(IamError::NoSuchUser(user)),
            Err(StoreError::NotFound(_)) => Err(IamError::NoSuchGroup(group)),
            Err(error) => Err(error.into()),
        }
    }

    /// Group and user, if the caller may do `action` to the group.
    async fn membership(&self, action: &str, params: &Params) -> Result<(String, String), IamError> {
        let group = params.name("GroupName", MAX_NAME)?;
        let user = params.name("UserName", MAX_NAME)?;
        self.authorized_group(action, &group).await?;
        match self.identity.user(&user).await? {
            Some(_) => Ok((group, user)),
            None => Err(IamError::NoSuchUser(user)),
        }
    }

    pub(super) async fn list_groups_for_user(&self, params: &Params) -> Result<Element, IamError> {
        let user = params.name("UserName", MAX_NAME)?;
        self.authorized_user("iam:ListGroupsForUser", &user).await?;
        let page = Page::of(self.identity.groups_of_user(&user).await?, params, |group| &group.name)?;
        Ok(page.write(Element::new("ListGroupsForUserResult"), "Groups", |group| element("member", group)))
    }
}

fn element(name: &'static str, group: &Group) -> Element {
    Element::new(name)
        .text("Path", &group.path)
        .text("GroupName", &group.name)
        .text("GroupId", &group.id)
        .text("Arn", &group.arn)
        .text("CreateDate", &iso8601(group.created_at))
}
