//! Pages of a list: where one begins, and the token for the next. Source: service.md §1.5.

use longshore_store::Page;
use longshore_wire::codec::json;
use longshore_wire::error::ApiError;
use serde::Serialize;

use super::RequestContext;
use longshore_wire::page_token::List;

/// One page of one list.
pub(super) struct Paging<'a> {
    ctx: &'a RequestContext<'a>,
    /// The input without its token: whatever decides which items there are.
    filters: String,
    page: Page,
    /// How many items are shown.
    size: usize,
}

impl RequestContext<'_> {
    /// The page that `token` asks for; `input` is the rest of the input, without its token.
    ///
    /// # Errors
    /// `InvalidNextTokenException`.
    pub(super) fn paging(&self, token: Option<&str>, input: &impl Serialize) -> Result<Paging<'_>, ApiError> {
        let filters = String::from_utf8_lossy(&json::encode(input)?).into_owned();
        let list = List { operation: self.operation, filters: &filters };
        let after = match token.filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => {
                let opened = self.app.page_tokens.open(list, token, self.app.engine.now());
                Some(opened.map_err(|error| {
                    let message = "The next token is not valid: it is damaged, older than 24 hours, or was \
                                   made for another operation or other filters.";
                    ApiError::client("InvalidNextTokenException", message).with_source(error)
                })?)
            }
        };
        let size = self.app.page_size;
        Ok(Paging { ctx: self, filters, page: Page { after, limit: limit(size) }, size })
    }
}

/// One more than is shown tells whether there is a next page.
fn limit(size: usize) -> usize {
    size.saturating_add(1)
}

impl Paging<'_> {
    /// The same with at most `size` items, for lists whose items are large.
    pub(super) fn of_at_most(mut self, size: usize) -> Self {
        self.size = self.size.min(size);
        self.page.limit = limit(self.size);
        self
    }

    /// What to read.
    pub(super) fn page(&self) -> &Page {
        &self.page
    }

    /// The items to show, and the token for the rest; `key` is an item's key in the list's order.
    pub(super) fn cut<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let app = self.ctx.app;
        if items.len() <= self.size {
            return (items, None);
        }
        items.truncate(self.size);
        let list = List { operation: self.ctx.operation, filters: &self.filters };
        let token = items.last().map(|last| app.page_tokens.seal(list, &key(last), app.engine.now()));
        (items, token)
    }
}
