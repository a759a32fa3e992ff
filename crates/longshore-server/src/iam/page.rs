//! Pages of lists that are short enough to be read whole.

use super::error::IamError;
use super::params::Params;
use super::xml::Element;

/// One page: its items and, if there is more, the marker to go on with.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    next: Option<String>,
}

impl<T> Page<T> {
    /// The page that `params` ask for. `key` must be unique, and is the marker.
    pub(super) fn of(all: Vec<T>, params: &Params, key: impl Fn(&T) -> &str) -> Result<Page<T>, IamError> {
        let begin = match params.marker()? {
            Some(marker) => all.iter().position(|item| key(item) == marker).map_or(all.len(), |idx| idx + 1),
            None => 0,
        };
        Ok(Page::cut(all.into_iter().skip(begin).collect(), params.max_items()?, key))
    }

    /// The first `limit` of `rest`.
    pub(super) fn cut(mut rest: Vec<T>, limit: usize, key: impl Fn(&T) -> &str) -> Page<T> {
        let has_more = rest.len() > limit;
        rest.truncate(limit);
        let last = rest.last().map(|item| key(item).to_owned());
        Page { items: rest, next: last.filter(|_| has_more) }
    }

    /// The list as an element, whose items `item` makes, and whether there is more.
    pub(super) fn write(&self, into: Element, list: &'static str, item: impl Fn(&T) -> Element) -> Element {
        let members = self.items.iter().fold(Element::new(list), |list, one| list.child(item(one)));
        let into =
            into.child(members).text("IsTruncated", if self.next.is_some() { "true" } else { "false" });
        match &self.next {
            Some(next) => into.text("Marker", next),
            None => into,
        }
    }
}
