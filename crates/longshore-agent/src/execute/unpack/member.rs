//! The name of a member, made relative and checked.

use std::borrow::Cow;

use super::error::Fault;

/// The longest path that Linux takes, its end included.
const MAX_NAME_BYTES: usize = 4095;

/// Folders within folders; each is held open on the way down.
pub(super) const MAX_DEPTH: usize = 256;

/// A member's name: no empty components, no `.`, no `..`, no slash at either end. Empty is the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MemberPath<'a> {
    text: Cow<'a, [u8]>,
}

impl<'a> MemberPath<'a> {
    /// Reads a name as an archive has it; a leading `/` is dropped.
    pub(super) fn parse(name: &'a [u8]) -> Result<MemberPath<'a>, Fault> {
        if name.contains(&0) {
            return Err(Fault::Unsafe(name.to_vec()));
        }
        let trimmed = name.strip_suffix(b"/").unwrap_or(name);
        let mut is_plain = true;
        let mut n_components = 0;
        for part in trimmed.split(|byte| *byte == b'/') {
            match part {
                b".." => return Err(Fault::Unsafe(name.to_vec())),
                b"" | b"." => is_plain = false,
                _ => n_components += 1,
            }
        }
        if MAX_NAME_BYTES < name.len() || MAX_DEPTH < n_components {
            let n_folders = n_components.saturating_sub(1);
            return Err(Fault::damaged(format!(
                "a name of {} bytes in {n_folders} folders is too long",
                name.len()
            )));
        }
        let text = if is_plain { Cow::Borrowed(trimmed) } else { Cow::Owned(normalized(trimmed)) };
        Ok(MemberPath { text })
    }

    /// The directory that holds the member, and its own name; `None` for the root.
    pub(super) fn split_last(&self) -> Option<(&[u8], &[u8])> {
        (!self.text.is_empty()).then(|| split_last(&self.text))
    }

    /// The whole path.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }
}

/// The part before the last `/` and the part after it.
pub(super) fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(idx) => (&path[..idx], &path[idx + 1..]),
        None => (&[], path),
    }
}

fn normalized(name: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> =
        name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
    parts.join(&b'/')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        let shown = match MemberPath::parse(name.as_bytes()) {
            Ok(path) => String::from_utf8_lossy(path.text()).into_owned(),
            Err(Fault::Unsafe(_)) => "unsafe".to_owned(),
            Err(other) => other.into_error("tar", Path::new("b")).to_string(),
        };
        assert_eq!(shown, expected, "{name}");
    }

    #[test]
    fn names_become_relative_and_never_climb() {
        check("a/b", "a/b");
        check("./a//b/", "a/b");
        check("/etc/passwd", "etc/passwd");
        check("//x", "x");
        check(".", "");
        check("../x", "unsafe");
        check("a/../../x", "unsafe");
        check("a/..", "unsafe");
        check("..a/b..", "..a/b..");
        check("a\\..\\b", "a\\..\\b");
        check("a\0b", "unsafe");
        check("a/\0", "unsafe");
    }

    #[test]
    fn names_have_a_length_that_the_system_takes() {
        check(&"d/".repeat(255), &"d/".repeat(255)[..509]);
        let too_long = |length, depth| {
            format!(
                "Error extracting tar archive: 2 (a name of {length} bytes in {depth} folders is too long)"
            )
        };
        check(&"d/".repeat(257), &too_long(514, 256));
        check(&"n".repeat(4096), &too_long(4096, 0));
    }
}
