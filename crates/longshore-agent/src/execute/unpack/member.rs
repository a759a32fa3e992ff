//! The name of a member, made relative and checked.

use super::Fault;

/// The components of a member's name: no empty ones, no `.`, no `..`. None at all is the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MemberPath<'a> {
    components: Vec<&'a [u8]>,
}

impl<'a> MemberPath<'a> {
    /// Reads a name as an archive has it; a leading `/` is dropped.
    pub(super) fn parse(name: &'a [u8]) -> Result<MemberPath<'a>, Fault> {
        let components: Vec<&[u8]> =
            name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
        if components.contains(&b"..".as_slice()) || name.contains(&0) {
            return Err(Fault::Unsafe(name.to_vec()));
        }
        Ok(MemberPath { components })
    }

    /// The directories that lead to the member, and its own name; `None` for the root.
    pub(super) fn split_last(&self) -> Option<(&[&'a [u8]], &'a [u8])> {
        self.components.split_last().map(|(name, parents)| (parents, *name))
    }

    /// All components.
    pub(super) fn components(&self) -> &[&'a [u8]] {
        &self.components
    }
}

/// Joins components with `/`.
pub(super) fn joined(components: &[&[u8]]) -> Vec<u8> {
    components.join(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        let shown = match MemberPath::parse(name.as_bytes()) {
            Ok(path) => String::from_utf8_lossy(&joined(path.components())).into_owned(),
            Err(_) => "unsafe".to_owned(),
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
        check("a\0b", "unsafe");
    }
}
