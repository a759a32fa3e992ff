//! Access keys.

use longshore_model::time::Timestamp;
use longshore_store::{AccessKey, StoreError};
use rand::Rng;

use super::error::IamError;
use super::page::Page;
use super::params::{MAX_NAME, Params};
use super::xml::Element;
use super::{Context, iso8601};

/// As IAM: so that a key can be replaced without a gap, and no more.
const MAX_KEYS_PER_USER: usize = 2;
const ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_LEN: usize = 16;
const SECRET_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SECRET_LEN: usize = 40;
const TOKEN_LEN: usize = 64;

/// A new id that begins with `prefix`.
pub(super) fn new_id(prefix: &str) -> String {
    format!("{prefix}{}", random_text(ID_LETTERS, ID_LEN))
}

/// A new key of `user`.
pub(super) fn new_key(user: &str, now: Timestamp) -> AccessKey {
    AccessKey {
        id: new_id("AKIA"),
        secret: new_secret(),
        user: user.to_owned(),
        is_active: true,
        created_at: now,
    }
}

/// A new secret.
pub(super) fn new_secret() -> String {
    random_text(SECRET_LETTERS, SECRET_LEN)
}

/// A new session token: 384 bits that nobody can guess.
pub(super) fn new_token() -> String {
    random_text(SECRET_LETTERS, TOKEN_LEN)
}

/// Drawn from a generator that is fit for secrets and seeded by the system.
fn random_text(letters: &[u8], len: usize) -> String {
    let mut random = rand::rng();
    (0..len).map(|_| char::from(letters[random.random_range(0..letters.len())])).collect()
}

impl Context<'_> {
    pub(super) async fn create_access_key(&self, params: &Params) -> Result<Element, IamError> {
        let user = self.user_meant(params).await?;
        self.authorized_user("iam:CreateAccessKey", &user).await?;
        let key = new_key(&user, self.now);
        match self.identity.create_access_key(&key, MAX_KEYS_PER_USER).await {
            Ok(()) => {}
            Err(StoreError::NotFound(_)) => return Err(IamError::NoSuchUser(key.user)),
            Err(StoreError::LimitExceeded { .. }) => {
                return Err(IamError::LimitExceeded { what: "AccessKeysPerUser", limit: MAX_KEYS_PER_USER });
            }
            Err(error) => return Err(error.into()),
        }
        let shown = element("AccessKey", &key).text("SecretAccessKey", &key.secret);
        Ok(Element::new("CreateAccessKeyResult").child(shown))
    }

    pub(super) async fn list_access_keys(&self, params: &Params) -> Result<Element, IamError> {
        let user = self.user_meant(params).await?;
        self.authorized_user("iam:ListAccessKeys", &user).await?;
        let page = Page::of(self.identity.access_keys(&user).await?, params, |key| &key.id)?;
        let result = Element::new("ListAccessKeysResult").text("UserName", &user);
        Ok(page.write(result, "AccessKeyMetadata", |key| element("member", key)))
    }

    pub(super) async fn update_access_key(&self, params: &Params) -> Result<(), IamError> {
        let user = self.user_meant(params).await?;
        let id = params.name("AccessKeyId", MAX_NAME)?;
        let is_active = params.one_of("Status", &["Active", "Inactive"])? == "Active";
        self.authorized_user("iam:UpdateAccessKey", &user).await?;
        match self.identity.set_access_key_active(&user, &id, is_active).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(IamError::NoSuchAccessKey(id)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn delete_access_key(&self, params: &Params) -> Result<(), IamError> {
        let user = self.user_meant(params).await?;
        let id = params.name("AccessKeyId", MAX_NAME)?;
        self.authorized_user("iam:DeleteAccessKey", &user).await?;
        match self.identity.delete_access_key(&user, &id).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(IamError::NoSuchAccessKey(id)),
            Err(error) => Err(error.into()),
        }
    }
}

fn element(name: &'static str, key: &AccessKey) -> Element {
    Element::new(name)
        .text("UserName", &key.user)
        .text("AccessKeyId", &key.id)
        .text("Status", if key.is_active { "Active" } else { "Inactive" })
        .text("CreateDate", &iso8601(key.created_at))
}
