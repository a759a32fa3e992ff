//! Conversions between the shapes of the API and the words of the model, one file per resource.
//!
//! A raw shape becomes a checked input, or the exception that service.md §2 and §3 name for the first
//! rule it breaks; model values become answers.

pub mod application;
pub mod deployment;
pub mod deployment_config;
pub mod deployment_group;
pub mod host;
pub mod name;
pub mod revision;
pub mod rollback;
pub mod tag;
pub mod tag_filter;
pub mod target;
pub mod traffic;

mod arn;
mod watch;

use crate::error::ApiError;

/// What `computePlatform` is everywhere here.
pub const COMPUTE_PLATFORM: &str = "Server";

/// `value` as messages quote it: cut, since a body may hold a megabyte.
fn quoted(value: &str) -> String {
    const LONGEST: usize = 128;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &value[..end]),
        None => format!("`{value}`"),
    }
}

/// An absent member and an empty text are the same. Source: service.md §1.8.
fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The first item that stands a second time in `items`.
fn duplicate<T: PartialEq>(items: &[T]) -> Option<&T> {
    items.iter().enumerate().find_map(|(idx, item)| items[..idx].contains(item).then_some(item))
}

/// The longest description in characters.
const DESCRIPTION_CHARS: usize = 256;

/// A description; an empty one is none.
fn description(text: Option<String>) -> Result<Option<String>, ApiError> {
    let text = non_empty(text);
    match text.as_ref().map(|text| text.chars().count()) {
        Some(n_chars) if DESCRIPTION_CHARS < n_chars => Err(ApiError::client(
            "DescriptionTooLongException",
            format!("The description has {n_chars} characters; at most {DESCRIPTION_CHARS} are allowed."),
        )),
        Some(_) | None => Ok(text),
    }
}

/// `Server`, or nothing said. Source: service.md §3.4.
fn compute_platform(platform: Option<&str>) -> Result<(), ApiError> {
    let code = "InvalidComputePlatformException";
    match platform {
        None | Some("" | COMPUTE_PLATFORM) => Ok(()),
        Some(known @ ("Lambda" | "ECS")) => Err(ApiError::client(
            code,
            format!("The compute platform `{known}` is not supported: this server supports `Server` only."),
        )),
        Some(other) => {
            Err(ApiError::client(code, format!("{} is not a compute platform; use `Server`.", quoted(other))))
        }
    }
}
