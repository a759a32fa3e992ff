//! ACL entries: `[default:][type:]name:perms`. Source: agent.md §6.6.

use std::fmt;

use super::AppSpecError;

/// One entry of a POSIX access control list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// Whether it is what new objects in a directory get.
    pub is_default: bool,
    /// Whom it is for.
    pub qualifier: AclQualifier,
    /// The name of the user or group; empty for the owner's, and for mask and other.
    pub name: String,
    /// May read.
    pub read: bool,
    /// May write.
    pub write: bool,
    /// May execute or enter.
    pub execute: bool,
}

/// The type of an ACL entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclQualifier {
    /// A user.
    User,
    /// A group.
    Group,
    /// The most that named entries may give.
    Mask,
    /// Everybody else.
    Other,
}

impl AclQualifier {
    fn from_name(name: &str) -> Option<AclQualifier> {
        match name {
            "u" | "user" => Some(AclQualifier::User),
            "g" | "group" => Some(AclQualifier::Group),
            "m" | "mask" => Some(AclQualifier::Mask),
            "o" | "other" => Some(AclQualifier::Other),
            _ => None,
        }
    }

    /// The full name.
    pub fn as_str(self) -> &'static str {
        match self {
            AclQualifier::User => "user",
            AclQualifier::Group => "group",
            AclQualifier::Mask => "mask",
            AclQualifier::Other => "other",
        }
    }

    fn takes_name(self) -> bool {
        matches!(self, AclQualifier::User | AclQualifier::Group)
    }
}

impl AclEntry {
    /// Reads an entry of an AppSpec.
    ///
    /// # Errors
    /// When it follows no form, names what `mode` sets, or has bad permission characters.
    pub fn parse(entry: &str) -> Result<AclEntry, AppSpecError> {
        let invalid = || AppSpecError::InvalidAclEntry(entry.to_owned());
        let parts: Vec<&str> = entry.split(':').collect();
        let is_marker = |part: &str| matches!(part, "d" | "default");
        let (is_default, qualifier, name, perms) = match *parts.as_slice() {
            [name, perms] => {
                let (qualifier, name) = short_form(name);
                (false, qualifier, name, perms)
            }
            [marker, name, perms] if is_marker(marker) => {
                if is_marker(name) {
                    return Err(invalid());
                }
                let (qualifier, name) = short_form(name);
                (true, qualifier, name, perms)
            }
            [qualifier, name, perms] => {
                (false, AclQualifier::from_name(qualifier).ok_or_else(invalid)?, name, perms)
            }
            [marker, qualifier, name, perms] if is_marker(marker) => {
                (true, AclQualifier::from_name(qualifier).ok_or_else(invalid)?, name, perms)
            }
            _ => return Err(invalid()),
        };
        if !name.is_empty() && !qualifier.takes_name() {
            return Err(invalid());
        }
        if name.is_empty() && !is_default && qualifier != AclQualifier::Mask {
            return Err(AppSpecError::BaseAclEntry(entry.to_owned()));
        }
        let (read, write, execute) = parse_perms(entry, perms)?;
        Ok(AclEntry { is_default, qualifier, name: name.to_owned(), read, write, execute })
    }
}

/// `x:perms`: mask and other stand for themselves, everything else is a user.
fn short_form(name: &str) -> (AclQualifier, &str) {
    match AclQualifier::from_name(name) {
        Some(qualifier @ (AclQualifier::Mask | AclQualifier::Other)) => (qualifier, ""),
        Some(AclQualifier::User | AclQualifier::Group) | None => (AclQualifier::User, name),
    }
}

fn parse_perms(entry: &str, perms: &str) -> Result<(bool, bool, bool), AppSpecError> {
    if let [digit @ b'0'..=b'7'] = *perms.as_bytes() {
        let bits = digit - b'0';
        return Ok((bits & 4 != 0, bits & 2 != 0, bits & 1 != 0));
    }
    match perms.chars().find(|c| !matches!(c, 'r' | 'w' | 'x' | '-')) {
        Some(character) => Err(AppSpecError::InvalidAclCharacter { entry: entry.to_owned(), character }),
        None => Ok((perms.contains('r'), perms.contains('w'), perms.contains('x'))),
    }
}

impl fmt::Display for AclEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bit = |is_set: bool, letter: char| if is_set { letter } else { '-' };
        write!(
            f,
            "{}{}:{}:{}{}{}",
            if self.is_default { "default:" } else { "" },
            self.qualifier.as_str(),
            self.name,
            bit(self.read, 'r'),
            bit(self.write, 'w'),
            bit(self.execute, 'x'),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, expected: &str) {
        let shown = match AclEntry::parse(entry) {
            Ok(parsed) => parsed.to_string(),
            Err(AppSpecError::InvalidAclEntry(_)) => "invalid".to_owned(),
            Err(AppSpecError::BaseAclEntry(_)) => "base".to_owned(),
            Err(AppSpecError::InvalidAclCharacter { character, .. }) => format!("character {character}"),
            Err(other) => other.to_string(),
        };
        assert_eq!(shown, expected, "{entry}");
    }

    #[test]
    fn two_parts_are_a_user_mask_or_other() {
        check("bob:rwx", "user:bob:rwx");
        check("bob:6", "user:bob:rw-");
        check("bob:", "user:bob:---");
        check("bob:xrxr-", "user:bob:r-x");
        check("m:rw", "mask::rw-");
        check("mask:7", "mask::rwx");
        check("o:7", "base");
        check(":7", "base");
    }

    #[test]
    fn three_parts_have_a_type_or_a_default_marker() {
        check("u:bob:7", "user:bob:rwx");
        check("user:mask:7", "user:mask:rwx");
        check("g:dev:r-x", "group:dev:r-x");
        check("m::7", "mask::rwx");
        check("d:bob:7", "default:user:bob:rwx");
        check("default:o:5", "default:other::r-x");
        check("x:bob:7", "invalid");
        check("u::7", "base");
        check("d:d:7", "invalid");
    }

    #[test]
    fn four_parts_have_both() {
        check("d:u:bob:7", "default:user:bob:rwx");
        check("default:group::5", "default:group::r-x");
        check("d:x:bob:7", "invalid");
        check("u:u:bob:7", "invalid");
        check("d:d:bob:7", "invalid");
    }

    #[test]
    fn other_forms_are_invalid() {
        check("bob", "invalid");
        check("a:b:c:d:e", "invalid");
        check("m:x:7", "invalid");
        check("o:x:7", "invalid");
        check("bob:rwz", "character z");
        check("bob:8", "character 8");
        check("bob:77", "character 7");
    }
}
