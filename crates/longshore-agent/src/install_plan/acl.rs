//! Access control lists: what the AppSpec's entries and an object's mode come to, and how the kernel wants
//! it. Source: agent.md §7.7; each object for itself (I-25).

use std::collections::BTreeMap;

use longshore_model::appspec::{AclEntry, AclQualifier};

/// Of the attribute that the kernel reads. Source: `linux/posix_acl_xattr.h`.
const VERSION: u32 = 2;

/// The id of an entry that is for nobody by name.
const NO_ID: u32 = u32::MAX;

/// An entry whose name is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclRule {
    /// As in the AppSpec.
    pub entry: AclEntry,
    /// The number of the named user or group on this host.
    pub id: Option<u32>,
}

impl AclRule {
    fn synthesized(is_default: bool, qualifier: AclQualifier, bits: u32) -> AclRule {
        let entry = AclEntry {
            is_default,
            qualifier,
            name: String::new(),
            read: bits & 4 != 0,
            write: bits & 2 != 0,
            execute: bits & 1 != 0,
        };
        AclRule { entry, id: None }
    }

    fn bits(&self) -> u16 {
        let AclEntry { read, write, execute, .. } = &self.entry;
        u16::from(*read) << 2 | u16::from(*write) << 1 | u16::from(*execute)
    }

    /// The number of its type for the kernel, which is also the order it wants.
    fn tag(&self) -> u16 {
        match (self.entry.qualifier, self.entry.name.is_empty()) {
            (AclQualifier::User, true) => 0x01,
            (AclQualifier::User, false) => 0x02,
            (AclQualifier::Group, true) => 0x04,
            (AclQualifier::Group, false) => 0x08,
            (AclQualifier::Mask, _) => 0x10,
            (AclQualifier::Other, _) => 0x20,
        }
    }
}

/// The complete list for an object with this mode: what `setfacl --set` would be given.
pub fn complete_acl(rules: &[AclRule], mode: u32) -> Vec<AclRule> {
    use AclQualifier::{Group, Mask, Other, User};
    let (user, group, other) = (mode >> 6 & 7, mode >> 3 & 7, mode & 7);
    let mut all = rules.to_vec();
    for (qualifier, bits) in [(User, user), (Group, group), (Other, other)] {
        all.push(AclRule::synthesized(false, qualifier, bits));
    }
    if has_named(rules, false) && !has(rules, false, Mask) {
        all.push(AclRule::synthesized(false, Mask, group));
    }
    if rules.iter().all(|rule| !rule.entry.is_default) {
        return all;
    }
    for (qualifier, bits) in [(User, user), (Group, group), (Other, other)] {
        if !has(rules, true, qualifier) {
            all.push(AclRule::synthesized(true, qualifier, bits));
        }
    }
    if has_named(rules, true) && !has(rules, true, Mask) {
        let of_group = rules.iter().rev().find(|rule| is(rule, true, Group));
        let bits = of_group.map_or(group, |rule| u32::from(rule.bits()));
        all.push(AclRule::synthesized(true, Mask, bits));
    }
    all
}

/// Whether it is the entry without name of this kind.
fn is(rule: &AclRule, is_default: bool, qualifier: AclQualifier) -> bool {
    let entry = &rule.entry;
    entry.is_default == is_default && entry.qualifier == qualifier && entry.name.is_empty()
}

fn has(rules: &[AclRule], is_default: bool, qualifier: AclQualifier) -> bool {
    rules.iter().any(|rule| is(rule, is_default, qualifier))
}

fn has_named(rules: &[AclRule], is_default: bool) -> bool {
    rules.iter().any(|rule| rule.entry.is_default == is_default && !rule.entry.name.is_empty())
}

/// The bits of the mask, if the list has one: what the mode shows for the group then.
pub fn acl_mask(rules: &[AclRule]) -> Option<u32> {
    let mask = rules.iter().rev().find(|rule| is(rule, false, AclQualifier::Mask))?;
    Some(u32::from(mask.bits()))
}

/// A list as `setfacl` is given it.
pub fn acl_text(rules: &[AclRule]) -> String {
    rules.iter().map(|rule| rule.entry.to_string()).collect::<Vec<_>>().join(",")
}

/// The value of the attribute for the entries of one kind, default or not; `None` when there are none.
/// Of two entries for the same user or group the last one counts, as with `setfacl`.
pub fn encoded_acl(rules: &[AclRule], is_default: bool) -> Option<Vec<u8>> {
    let of_kind = rules.iter().filter(|rule| rule.entry.is_default == is_default);
    let entries: BTreeMap<(u16, u32), u16> =
        of_kind.map(|rule| ((rule.tag(), rule.id.unwrap_or(NO_ID)), rule.bits())).collect();
    if entries.is_empty() {
        return None;
    }
    let mut value = VERSION.to_le_bytes().to_vec();
    for ((tag, id), bits) in entries {
        value.extend_from_slice(&tag.to_le_bytes());
        value.extend_from_slice(&bits.to_le_bytes());
        value.extend_from_slice(&id.to_le_bytes());
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(entries: &str) -> Vec<AclRule> {
        let id =
            |entry: &AclEntry| (!entry.name.is_empty()).then(|| if entry.name == "bob" { 501 } else { 7 });
        let rule = |text: &str| {
            let entry = AclEntry::parse(text).expect("an entry");
            AclRule { id: id(&entry), entry }
        };
        entries.split_whitespace().map(rule).collect()
    }

    #[track_caller]
    fn check(entries: &str, mode: u32, expected: &str) {
        assert_eq!(acl_text(&complete_acl(&rules(entries), mode)), expected, "{entries} on {mode:o}");
    }

    #[test]
    fn the_list_is_completed_from_the_mode() {
        check(
            "u:bob:rwx d:u:bob:rwx",
            0o421,
            "user:bob:rwx,default:user:bob:rwx,user::r--,group::-w-,other::--x,mask::-w-,default:user::r--,default:group::-w-,default:other::--x,default:mask::-w-",
        );
        check("", 0o640, "user::rw-,group::r--,other::---");
        check("u:bob:r", 0o4755, "user:bob:r--,user::rwx,group::r-x,other::r-x,mask::r-x");
        check("u:bob:r m:7", 0o600, "user:bob:r--,mask::rwx,user::rw-,group::---,other::---");
        check("m:7", 0o600, "mask::rwx,user::rw-,group::---,other::---");
    }

    #[test]
    fn given_default_entries_are_not_completed() {
        let base = "user::rwx,group::r-x,other::---";
        check(
            "d:u::7 d:g::5 d:o:0",
            0o750,
            &format!("default:user::rwx,default:group::r-x,default:other::---,{base}"),
        );
        check(
            "d:g:dev:7 d:g::4",
            0o750,
            &format!(
                "default:group:dev:rwx,default:group::r--,{base},default:user::rwx,default:other::---,default:mask::r--"
            ),
        );
        check(
            "d:bob:7 d:m:5",
            0o750,
            &format!(
                "default:user:bob:rwx,default:mask::r-x,{base},default:user::rwx,default:group::r-x,default:other::---"
            ),
        );
    }

    /// As `tag:bits:id` in the order of the value.
    #[track_caller]
    fn check_encoded(entries: &str, is_default: bool, expected: &str) {
        let shown = encoded_acl(&complete_acl(&rules(entries), 0o640), is_default).map(|value| {
            assert_eq!(value[..4], [2, 0, 0, 0]);
            let entry = |bytes: &[u8]| {
                let id = u32::from_le_bytes(bytes[4..].try_into().expect("four bytes"));
                let id = if id == NO_ID { "-".to_owned() } else { id.to_string() };
                format!("{}:{}:{id}", bytes[0], bytes[2])
            };
            value[4..].chunks(8).map(entry).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(shown.unwrap_or_default(), expected, "{entries}");
    }

    #[test]
    fn the_kernel_gets_its_order_and_each_entry_once() {
        check_encoded("", false, "1:6:- 4:4:- 32:0:-");
        check_encoded("g:dev:1 u:bob:7", false, "1:6:- 2:7:501 4:4:- 8:1:7 16:4:- 32:0:-");
        check_encoded("u:bob:7 u:eve:4 u:bob:1", false, "1:6:- 2:4:7 2:1:501 4:4:- 16:4:- 32:0:-");
        check_encoded("u:bob:7", true, "");
        check_encoded("d:bob:5", true, "1:6:- 2:5:501 4:4:- 16:4:- 32:0:-");
    }
}
