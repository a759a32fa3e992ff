//! What a request is known by besides its action and its resource: the values of condition keys and
//! policy variables.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::time::Timestamp;

/// The keys whose absence means that the request has no such value. Of any other key nothing is known.
const KEYS: [&str; 15] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:securetransport",
    "aws:sourceip",
    "aws:tagkeys",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "iam:passedtoservice",
    "sts:externalid",
    "sts:rolesessionname",
];
/// Keys with a tag's key behind the slash.
const REQUEST_TAG: &str = "aws:requesttag/";
pub(super) const RESOURCE_TAG: &str = "aws:resourcetag/";

/// The values of one request. Names of keys have no case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// Of which nothing is known yet.
    pub fn new() -> Context {
        Context::default()
    }

    /// Also `value` for `key`. A key may have several values.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Context {
        self.values.entry(key.to_ascii_lowercase()).or_default().push(value.into());
        self
    }

    /// Also the way the request came: `aws:SourceIp`, `aws:SecureTransport`.
    #[must_use]
    pub fn with_source(self, address: IpAddr, is_encrypted: bool) -> Context {
        // An IPv4 client of a socket that takes both is one of IPv4.
        self.with("aws:SourceIp", address.to_canonical().to_string())
            .with("aws:SecureTransport", if is_encrypted { "true" } else { "false" })
    }

    /// Also the time: `aws:CurrentTime`, `aws:EpochTime`.
    #[must_use]
    pub fn with_time(self, now: Timestamp) -> Context {
        let time = jiff::Timestamp::from_millisecond(now.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let secs = now.millis().div_euclid(1000);
        self.with("aws:CurrentTime", time.to_string()).with("aws:EpochTime", secs.to_string())
    }

    /// Also the tags that the request gives: `aws:RequestTag/…`, `aws:TagKeys`.
    #[must_use]
    pub fn with_request_tags<'t>(self, tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Context {
        tags.into_iter().fold(self, |context, (key, value)| {
            context.with(&format!("{REQUEST_TAG}{key}"), value).with("aws:TagKeys", key)
        })
    }

    /// Also the keys of tags that the request takes away: `aws:TagKeys`.
    #[must_use]
    pub fn with_tag_keys<'t>(self, keys: impl IntoIterator<Item = &'t str>) -> Context {
        keys.into_iter().fold(self, |context, key| context.with("aws:TagKeys", key))
    }

    /// Also the tags that the resource has: `aws:ResourceTag/…`.
    #[must_use]
    pub fn with_resource_tags<'t>(self, tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Context {
        tags.into_iter()
            .fold(self, |context, (key, value)| context.with(&format!("{RESOURCE_TAG}{key}"), value))
    }

    /// The values of `key`, none when the request has no such value; `None` when it is not known what
    /// the key means.
    pub(super) fn values(&self, key: &str) -> Option<&[String]> {
        let key = key.to_ascii_lowercase();
        let is_known =
            KEYS.contains(&key.as_str()) || key.starts_with(REQUEST_TAG) || key.starts_with(RESOURCE_TAG);
        is_known.then(|| self.values.get(&key).map_or(&[] as &[String], Vec::as_slice))
    }
}
