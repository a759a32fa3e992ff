//! SELinux contexts. Source: agent.md §6.6.

use std::fmt;

use super::document::{Node, Value};
use super::{AppSpecError, AppSpecFault};

/// The highest category that SELinux policies know.
const MAX_CATEGORY: u32 = 1023;

/// The `context` of a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelinuxContext {
    /// The SELinux user: key `name`, or `user` as the guide has it (I-24).
    pub user: Option<String>,
    /// Refused when executed; kept so that the refusal can be made.
    pub role: Option<String>,
    /// The type.
    pub kind: String,
    /// Sensitivities and categories.
    pub range: Option<SelinuxRange>,
}

/// `s0-s1:c0.c3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelinuxRange {
    low: u32,
    high: u32,
    /// Sorted, each once.
    categories: Vec<u32>,
}

pub(super) fn parse(node: &Node) -> Result<SelinuxContext, AppSpecFault> {
    if !matches!(node.value, Value::Map(_)) {
        return Err(AppSpecError::InvalidStructure { section: "permissions" }.at(node));
    }
    let text = |key: &str| node.present_field(key).map(|value| value.written.clone());
    let kind = text("type").ok_or_else(|| AppSpecError::InvalidContextType(node.to_text()).at(node))?;
    let range = node
        .present_field("range")
        .map(|range| SelinuxRange::parse(&range.written).map_err(|error| error.at(range)));
    Ok(SelinuxContext {
        user: text("name").or_else(|| text("user")),
        role: text("role"),
        kind,
        range: range.transpose()?,
    })
}

impl SelinuxRange {
    /// Reads `s<n>[-s<n>][:c<n>[.c<n>](,c<n>[.c<n>])*]`.
    ///
    /// # Errors
    /// The part that does not fit.
    pub fn parse(text: &str) -> Result<SelinuxRange, AppSpecError> {
        let (sensitivities, categories) = halves(text, ':')?;
        let (low, high) = halves(sensitivities, '-')?;
        let low = numbered(low, 's').ok_or_else(|| AppSpecError::InvalidSensitivity(low.to_owned()))?;
        let high = match high {
            Some(high) => {
                numbered(high, 's').ok_or_else(|| AppSpecError::InvalidSensitivity(high.to_owned()))?
            }
            None => low,
        };
        if high < low {
            return Err(AppSpecError::InvalidRange(text.to_owned()));
        }
        let categories = categories.map_or(Ok(Vec::new()), parse_categories)?;
        Ok(SelinuxRange { low, high, categories })
    }
}

/// Splits at the first `separator`; both halves must have something in them.
fn halves(text: &str, separator: char) -> Result<(&str, Option<&str>), AppSpecError> {
    match text.split_once(separator) {
        None => Ok((text, None)),
        Some((left, right)) if left.is_empty() || right.is_empty() => {
            Err(AppSpecError::InvalidRangePart(text.to_owned()))
        }
        Some((left, right)) => Ok((left, Some(right))),
    }
}

fn numbered(text: &str, letter: char) -> Option<u32> {
    let digits = text.strip_prefix(letter)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

fn category(text: &str) -> Result<u32, AppSpecError> {
    numbered(text, 'c')
        .filter(|number| *number <= MAX_CATEGORY)
        .ok_or_else(|| AppSpecError::InvalidCategory(text.to_owned()))
}

fn parse_categories(text: &str) -> Result<Vec<u32>, AppSpecError> {
    let mut categories = Vec::new();
    for part in text.split(',') {
        let (low, high) = halves(part, '.')?;
        let first = category(low)?;
        let Some(high) = high else {
            categories.push(first);
            continue;
        };
        let last = category(high)?;
        if last <= first {
            return Err(AppSpecError::InvalidCategoryRange { low: low.to_owned(), high: high.to_owned() });
        }
        categories.extend(first..=last);
    }
    let n_named = categories.len();
    categories.sort_unstable();
    categories.dedup();
    if categories.len() < n_named {
        return Err(AppSpecError::DuplicateCategories);
    }
    Ok(categories)
}

impl fmt::Display for SelinuxRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.low)?;
        if self.high != self.low {
            write!(f, "-s{}", self.high)?;
        }
        let runs = self.categories.chunk_by(|a, b| a + 1 == *b);
        for (idx, run) in runs.enumerate() {
            f.write_str(if idx == 0 { ":" } else { "," })?;
            match run {
                [first, .., last] => write!(f, "c{first}.c{last}")?,
                [only] => write!(f, "c{only}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, expected: &str) {
        let shown = match SelinuxRange::parse(range) {
            Ok(parsed) => parsed.to_string(),
            Err(AppSpecError::InvalidRange(_)) => "high below low".to_owned(),
            Err(other) => other.to_string(),
        };
        assert_eq!(shown, expected, "{range}");
    }

    #[test]
    fn ranges_are_written_in_canonical_form() {
        check("s0", "s0");
        check("s0-s0", "s0");
        check("s0-s3", "s0-s3");
        check("s0:c3,c1,c2,c7", "s0:c1.c3,c7");
        check("s0-s1:c0.c1023", "s0-s1:c0.c1023");
    }

    #[test]
    fn bad_ranges_name_the_part() {
        check("s3-s0", "high below low");
        check("s0-", "invalid range part s0-");
        check(":c1", "invalid range part :c1");
        check("s0:c1.", "invalid range part c1.");
        check("x0", "invalid sensitivity x0");
        check("s-1", "invalid sensitivity s");
        check("s0:c1024", "invalid category c1024");
        check("s0:d1", "invalid category d1");
        check("s0:c5.c2", "invalid category range c5.c2");
        check("s0:c1,c1", "duplicate categories");
        check("s0:c1.c3,c2", "duplicate categories");
    }
}
