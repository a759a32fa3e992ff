//! An application: the name that groups, revisions and deployments hang from. Source: service.md §2.1.

use serde::{Deserialize, Serialize};

use crate::id::{ApplicationId, ApplicationName, DeploymentGroupName, GitHubTokenName};
use crate::time::Timestamp;

/// One application of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Stable through renames.
    pub id: ApplicationId,
    /// Unique in the account.
    pub name: ApplicationName,
    /// When it was made.
    pub created_at: Timestamp,
    /// Resource tags, unique keys, in the order given.
    pub tags: Vec<ResourceTag>,
    /// The token that its hosts read private repositories with.
    pub git_hub_token: Option<GitHubTokenName>,
}

/// The most tags on one resource. Source: service.md §12.
pub const MAX_RESOURCE_TAGS: usize = 50;

/// What can have resource tags. Source: service.md §3.8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaggedResource {
    /// An application.
    Application(ApplicationName),
    /// A deployment group.
    Group(ApplicationName, DeploymentGroupName),
}

/// A change of a resource's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagChange {
    /// Adds tags; one whose key is there already gets the new value.
    Add(Vec<ResourceTag>),
    /// Removes the tags with these keys; a missing one is no error.
    Remove(Vec<String>),
}

/// More tags than a resource may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a resource may have at most {MAX_RESOURCE_TAGS} tags")]
pub struct TooManyTags;

impl TagChange {
    /// `tags` after the change.
    ///
    /// # Errors
    /// [`TooManyTags`] when there would be more than [`MAX_RESOURCE_TAGS`].
    pub fn apply(&self, mut tags: Vec<ResourceTag>) -> Result<Vec<ResourceTag>, TooManyTags> {
        match self {
            TagChange::Add(added) => {
                for tag in added {
                    match tags.iter_mut().find(|known| known.key == tag.key) {
                        Some(known) => known.value.clone_from(&tag.value),
                        None => tags.push(tag.clone()),
                    }
                }
            }
            TagChange::Remove(keys) => tags.retain(|tag| !keys.contains(&tag.key)),
        }
        if MAX_RESOURCE_TAGS < tags.len() { Err(TooManyTags) } else { Ok(tags) }
    }
}

/// A tag on a resource (application or deployment group); keys are unique per resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceTag {
    /// 1 to 128 characters, not starting with `aws:`.
    pub key: String,
    /// 0 to 256 characters.
    pub value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tags are written `key=value`, with spaces between.
    fn tags(text: &str) -> Vec<ResourceTag> {
        text.split_whitespace()
            .filter_map(|tag| tag.split_once('='))
            .map(|(key, value)| ResourceTag { key: key.to_owned(), value: value.to_owned() })
            .collect()
    }

    #[track_caller]
    fn check(before: &str, change: TagChange, expected: &str) {
        assert_eq!(change.apply(tags(before)), Ok(tags(expected)));
    }

    #[test]
    fn an_existing_key_is_overwritten_and_a_missing_one_is_no_error_to_remove() {
        let remove = |keys: &[&str]| TagChange::Remove(keys.iter().map(|key| (*key).to_owned()).collect());
        check("", TagChange::Add(tags("a=1")), "a=1");
        check("a=1 b=2", TagChange::Add(tags("c=3 a=4")), "a=4 b=2 c=3");
        check("a=1 b=2", remove(&["a", "z"]), "b=2");
        check("a=1", remove(&["A"]), "a=1");
    }

    #[test]
    fn fifty_tags_are_the_most() {
        let many = |from: usize, to: usize| {
            (from..to).map(|n| ResourceTag { key: format!("k{n}"), value: String::new() }).collect::<Vec<_>>()
        };
        let last = TagChange::Add(many(49, 50)).apply(many(0, 49)).expect("fifty");
        assert_eq!(last.len(), 50);
        assert_eq!(TagChange::Add(many(50, 51)).apply(last.clone()), Err(TooManyTags));
        // Overwriting needs no room.
        assert!(TagChange::Add(many(0, 50)).apply(last).is_ok());
    }
}
