//! Tag filters: which registered hosts a deployment group means. Source: service.md §2.4.1.

use serde::{Deserialize, Serialize};

use crate::host::HostTag;

/// What a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TagFilterType {
    /// Any tag with this key.
    KeyOnly,
    /// Any tag with this value.
    ValueOnly,
    /// A tag with this key and this value.
    KeyAndValue,
}

/// One filter. Members that its type does not look at are kept as given and ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagFilter {
    /// At most 128 characters.
    pub key: Option<String>,
    /// At most 256 characters; `*` stands for any run of characters.
    pub value: Option<String>,
    /// Which members count. Inferred when the caller gave none.
    pub filter_type: TagFilterType,
}

/// Which hosts: a flat list (any filter), or groups (any filter of every group).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TagSelector {
    /// Filters, OR-ed. An empty list selects nothing.
    Filters(Vec<TagFilter>),
    /// Groups of filters: OR within a group, AND between groups. An empty list selects nothing.
    Set(Vec<Vec<TagFilter>>),
}

impl Default for TagSelector {
    fn default() -> TagSelector {
        TagSelector::Filters(Vec::new())
    }
}

impl TagFilter {
    /// Whether any of `tags` fits.
    pub fn matches(&self, tags: &[HostTag]) -> bool {
        let key = self.key.as_deref().unwrap_or("");
        let value = self.value.as_deref().unwrap_or("");
        tags.iter().any(|tag| match self.filter_type {
            TagFilterType::KeyOnly => tag.key == key,
            TagFilterType::ValueOnly => matches_wildcard(value, &tag.value),
            TagFilterType::KeyAndValue => tag.key == key && matches_wildcard(value, &tag.value),
        })
    }
}

impl TagSelector {
    /// Whether a host with `tags` is selected.
    pub fn selects(&self, tags: &[HostTag]) -> bool {
        match self {
            TagSelector::Filters(filters) => filters.iter().any(|filter| filter.matches(tags)),
            TagSelector::Set(groups) => {
                !groups.is_empty()
                    && groups.iter().all(|group| group.iter().any(|filter| filter.matches(tags)))
            }
        }
    }

    /// Whether it has no filter at all, and so selects nothing.
    pub fn is_empty(&self) -> bool {
        match self {
            TagSelector::Filters(filters) => filters.is_empty(),
            TagSelector::Set(groups) => groups.is_empty(),
        }
    }
}

/// Whether `text` fits `pattern`, in which `*` is any run of characters and nothing else is special.
/// Linear in the text for one star, and never exponential: the last star only moves forward.
fn matches_wildcard(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut pattern_idx, mut text_idx) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while text_idx < text.len() {
        if pattern.get(pattern_idx) == Some(&'*') {
            last_star = Some((pattern_idx, text_idx));
            pattern_idx += 1;
        } else if pattern.get(pattern_idx) == Some(&text[text_idx]) {
            pattern_idx += 1;
            text_idx += 1;
        } else if let Some((star_idx, eaten_to)) = last_star {
            last_star = Some((star_idx, eaten_to + 1));
            pattern_idx = star_idx + 1;
            text_idx = eaten_to + 1;
        } else {
            return false;
        }
    }
    pattern[pattern_idx..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> Vec<HostTag> {
        text.split_whitespace()
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                HostTag { key: key.to_owned(), value: value.to_owned() }
            })
            .collect()
    }

    fn filter(text: &str) -> TagFilter {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let (filter_type, key, value) = match (key, value, text.contains('=')) {
            ("", value, _) => (TagFilterType::ValueOnly, None, Some(value)),
            (key, _, false) => (TagFilterType::KeyOnly, Some(key), None),
            (key, value, true) => (TagFilterType::KeyAndValue, Some(key), Some(value)),
        };
        TagFilter { key: key.map(str::to_owned), value: value.map(str::to_owned), filter_type }
    }

    /// `a=1,a=2;b=3` is a set of two groups; without `;` a flat list.
    #[track_caller]
    fn check(selector: &str, host: &str, expected: bool) {
        let groups: Vec<Vec<TagFilter>> = selector
            .split(';')
            .map(|group| group.split(',').filter(|text| !text.is_empty()).map(filter).collect())
            .collect();
        let selector_value = if selector.contains(';') {
            TagSelector::Set(groups.into_iter().filter(|group| !group.is_empty()).collect())
        } else {
            TagSelector::Filters(groups.into_iter().flatten().collect())
        };
        assert_eq!(selector_value.selects(&tags(host)), expected, "{selector} on {host}");
    }

    #[test]
    fn an_empty_selector_selects_nothing() {
        check("", "a=1", false);
        check(";", "a=1", false);
    }

    #[test]
    fn filters_of_a_list_are_or_ed() {
        check("Name=web,Name=db", "Name=db", true);
        check("Name=web,Name=db", "Name=cache", false);
    }

    #[test]
    fn groups_of_a_set_are_and_ed() {
        check("Region=North,Region=South;Env=Beta", "Region=South Env=Beta", true);
        check("Region=North,Region=South;Env=Beta", "Region=South Env=Prod", false);
        check("Region=North,Region=South;Env=Beta", "Region=East Env=Beta", false);
    }

    #[test]
    fn a_star_in_a_value_is_any_run_of_characters() {
        check("n=GRP-*a", "n=GRP-1a", true);
        check("n=GRP-*a", "n=GRP-XYZ-a", true);
        check("n=GRP-*a", "n=GRP-a", true);
        check("n=GRP-*a", "n=GRP-1b", false);
        check("=*x*y*", "n=axbyc", true);
        check("=*x*y*", "n=aybxc", false);
    }

    #[test]
    fn keys_have_no_wildcard_and_case_counts() {
        check("n*=1", "name=1", false);
        check("Name", "name=1", false);
        check("name", "name=1", true);
    }

    #[test]
    fn an_empty_value_matches_only_an_empty_value() {
        check("name=", "name=", true);
        check("name=", "name=x", false);
    }
}
