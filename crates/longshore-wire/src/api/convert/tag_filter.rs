//! Tag filters and sets of them, for on-premises and for EC2 hosts. Source: service.md §2.4.1.

use longshore_model::tag_filter::{TagFilter, TagFilterType, TagSelector};

use super::quoted;
use super::tag::{KEY_CHARS, VALUE_CHARS};
use crate::api::shapes;
use crate::error::ApiError;

/// The most groups in a tag set.
const MAX_GROUPS: usize = 3;
/// The most filters in a group or a flat list.
const MAX_FILTERS: usize = 10;

/// The API has two filter shapes with the same members.
pub trait FilterShape {
    /// `Key`, `Value` and `Type`.
    fn into_parts(self) -> (Option<String>, Option<String>, Option<String>);
    /// The shape of `filter`.
    fn from_filter(filter: &TagFilter) -> Self;
}

macro_rules! filter_shape {
    ($shape:ty) => {
        impl FilterShape for $shape {
            fn into_parts(self) -> (Option<String>, Option<String>, Option<String>) {
                (self.key, self.value, self.r#type)
            }

            fn from_filter(filter: &TagFilter) -> $shape {
                let r#type = Some(type_name(filter.filter_type).to_owned());
                Self { key: filter.key.clone(), value: filter.value.clone(), r#type }
            }
        }
    };
}

filter_shape!(shapes::TagFilter);
filter_shape!(shapes::EC2TagFilter);

/// The exceptions of one kind of selector.
#[derive(Clone, Copy, Debug)]
pub(super) struct SelectorRules {
    /// Both forms are given.
    pub(super) both: &'static str,
    /// A filter is malformed, or there are too many.
    pub(super) invalid: &'static str,
    /// In sentences.
    pub(super) kind: &'static str,
}

/// On-premises selectors of a deployment group.
pub(super) const ON_PREMISES: SelectorRules = SelectorRules {
    both: "InvalidOnPremisesTagCombinationException",
    invalid: "InvalidTagException",
    kind: "on-premises",
};
/// EC2 selectors of a deployment group.
pub(super) const EC2: SelectorRules = SelectorRules {
    both: "InvalidEC2TagCombinationException",
    invalid: "InvalidEC2TagException",
    kind: "EC2",
};

/// Replacement hosts of a blue/green deployment.
pub(super) const TARGET_INSTANCES: SelectorRules = SelectorRules {
    both: "InvalidTargetInstancesException",
    invalid: "InvalidTargetInstancesException",
    kind: "target instance",
};

/// A selector as given: a flat list, or a set of groups.
#[derive(Debug)]
pub(super) struct RawSelector<F> {
    pub(super) filters: Option<Vec<F>>,
    pub(super) set: Option<Vec<Vec<F>>>,
}

impl<F: FilterShape> RawSelector<F> {
    /// Only one form may have anything in it.
    pub(super) fn check_combination(&self, rules: SelectorRules) -> Result<(), ApiError> {
        let has_filters = self.filters.as_ref().is_some_and(|filters| !filters.is_empty());
        let has_set = self.set.as_ref().is_some_and(|set| !set.is_empty());
        if has_filters && has_set {
            let message =
                format!("Give the {} tag filters either as a list or as a tag set, not both.", rules.kind);
            return Err(ApiError::client(rules.both, message));
        }
        Ok(())
    }

    /// At most three groups.
    pub(super) fn check_groups(&self) -> Result<(), ApiError> {
        match &self.set {
            Some(set) if MAX_GROUPS < set.len() => Err(ApiError::client(
                "TagSetListLimitExceededException",
                format!("The tag set has {} tag groups; at most {MAX_GROUPS} are allowed.", set.len()),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// At most ten filters in a group or list, and no empty group.
    pub(super) fn check_sizes(&self, rules: SelectorRules) -> Result<(), ApiError> {
        let groups = self.set.iter().flatten();
        for filters in groups.clone().chain(&self.filters) {
            if MAX_FILTERS < filters.len() {
                let message = format!(
                    "There are {} {} tag filters in one group; at most {MAX_FILTERS} are allowed.",
                    filters.len(),
                    rules.kind
                );
                return Err(ApiError::client(rules.invalid, message));
            }
        }
        if groups.into_iter().any(Vec::is_empty) {
            let message = format!("A group of the {} tag set has no tag filter.", rules.kind);
            return Err(ApiError::client(rules.invalid, message));
        }
        Ok(())
    }

    /// The selector; `None` when neither form is given.
    pub(super) fn checked(self, rules: SelectorRules) -> Result<Option<TagSelector>, ApiError> {
        let has_filters = self.filters.as_ref().is_some_and(|filters| !filters.is_empty());
        Ok(match (self.filters, self.set) {
            (None, None) => None,
            (Some(filters), None) => Some(TagSelector::Filters(tag_filters(filters, rules.invalid)?)),
            (Some(filters), Some(_)) if has_filters => {
                Some(TagSelector::Filters(tag_filters(filters, rules.invalid)?))
            }
            (_, Some(set)) => {
                let groups: Result<Vec<_>, _> =
                    set.into_iter().map(|group| tag_filters(group, rules.invalid)).collect();
                Some(TagSelector::Set(groups?))
            }
        })
    }
}

/// A list of filters; a broken one is refused with `exception`.
///
/// # Errors
/// `exception`.
pub fn tag_filters<F: FilterShape>(
    filters: Vec<F>,
    exception: &'static str,
) -> Result<Vec<TagFilter>, ApiError> {
    filters.into_iter().map(|filter| tag_filter(filter, exception)).collect()
}

/// Filters as the API answers them.
pub fn from_filters<F: FilterShape>(filters: &[TagFilter]) -> Vec<F> {
    filters.iter().map(F::from_filter).collect()
}

/// The form that it was given in; the flat form when it is neither.
pub(super) fn from_selector<F: FilterShape>(selector: &TagSelector) -> (Option<Vec<F>>, Option<Vec<Vec<F>>>) {
    match selector {
        TagSelector::Filters(filters) => (Some(from_filters(filters)), None),
        TagSelector::Set(groups) => (None, Some(groups.iter().map(|group| from_filters(group)).collect())),
    }
}

fn tag_filter<F: FilterShape>(filter: F, exception: &'static str) -> Result<TagFilter, ApiError> {
    let refused = |message: String| Err(ApiError::client(exception, message));
    let (key, value, type_text) = filter.into_parts();
    let (key_text, value_text) = (key.as_deref().unwrap_or_default(), value.as_deref().unwrap_or_default());
    let inferred = match (key_text.is_empty(), value_text.is_empty()) {
        (false, false) => Some(TagFilterType::KeyAndValue),
        (false, true) => Some(TagFilterType::KeyOnly),
        (true, false) => Some(TagFilterType::ValueOnly),
        (true, true) => None,
    };
    let filter_type = match type_text.as_deref() {
        None | Some("") => inferred,
        Some(name) => match from_type_name(name) {
            Some(known) => Some(known),
            None => return refused(format!("{} is not a tag filter type.", quoted(name))),
        },
    };
    let Some(filter_type) = filter_type else {
        return refused(String::from("A tag filter has neither a key nor a value."));
    };
    let is_complete = match filter_type {
        TagFilterType::KeyOnly | TagFilterType::KeyAndValue => !key_text.is_empty(),
        TagFilterType::ValueOnly => !value_text.is_empty(),
    };
    if !is_complete {
        let missing = if filter_type == TagFilterType::ValueOnly { "value" } else { "key" };
        return refused(format!("A tag filter of type `{}` has no {missing}.", type_name(filter_type)));
    }
    if KEY_CHARS < key_text.chars().count() || VALUE_CHARS < value_text.chars().count() {
        return refused(format!(
            "The key or the value of the tag filter {} is too long: {KEY_CHARS} and {VALUE_CHARS} characters are allowed.",
            quoted(key_text)
        ));
    }
    Ok(TagFilter { key, value, filter_type })
}

fn type_name(filter_type: TagFilterType) -> &'static str {
    match filter_type {
        TagFilterType::KeyOnly => "KEY_ONLY",
        TagFilterType::ValueOnly => "VALUE_ONLY",
        TagFilterType::KeyAndValue => "KEY_AND_VALUE",
    }
}

fn from_type_name(name: &str) -> Option<TagFilterType> {
    [TagFilterType::KeyOnly, TagFilterType::ValueOnly, TagFilterType::KeyAndValue]
        .into_iter()
        .find(|filter_type| type_name(*filter_type) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `key value type`, `-` for absent, `""` for empty.
    #[track_caller]
    fn check(text: &str, expected: Result<TagFilterType, &str>) {
        let mut words = text.split(' ').map(|word| match word {
            "-" => None,
            "\"\"" => Some(String::new()),
            word => Some(word.to_owned()),
        });
        let mut next = || words.next().flatten();
        let shape = shapes::TagFilter { key: next(), value: next(), r#type: next() };
        let checked = tag_filter(shape, "InvalidTagException");
        match (checked, expected) {
            (Ok(filter), Ok(expected)) => assert_eq!(filter.filter_type, expected, "{text}"),
            (Err(error), Err(expected)) => assert!(error.message.contains(expected), "{text}: {error}"),
            (checked, _) => panic!("{text}: {checked:?}"),
        }
    }

    #[test]
    fn the_type_is_inferred_when_absent() {
        check("k v -", Ok(TagFilterType::KeyAndValue));
        check("k - -", Ok(TagFilterType::KeyOnly));
        check("k \"\" -", Ok(TagFilterType::KeyOnly));
        check("- v -", Ok(TagFilterType::ValueOnly));
        check("- - -", Err("neither a key nor a value"));
    }

    #[test]
    fn a_filter_needs_what_its_type_looks_at() {
        check("k - KEY_ONLY", Ok(TagFilterType::KeyOnly));
        check("- v KEY_ONLY", Err("no key"));
        check("k - VALUE_ONLY", Err("no value"));
        check("k v VALUE_ONLY", Ok(TagFilterType::ValueOnly));
        check("k - KEY_AND_VALUE", Ok(TagFilterType::KeyAndValue));
        check("- v KEY_AND_VALUE", Err("no key"));
        check("k v key_only", Err("not a tag filter type"));
    }
}
