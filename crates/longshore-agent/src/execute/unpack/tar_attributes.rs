//! What a tar member has besides its content: mode, time and owner, from its header and its PAX fields.

use std::collections::HashMap;
use std::io::Read;

use tar::Entry;

use super::error::Fault;
use super::tree::Attributes;

/// Reads the attributes of a member.
pub(super) fn attributes<R: Read>(
    entry: &mut Entry<'_, R>,
    accounts: &mut Accounts,
) -> Result<Attributes, Fault> {
    let extended = Extended::read(entry)?;
    let header = entry.header();
    let user = extended.user.or_else(|| header.username_bytes().map(<[u8]>::to_vec));
    let group = extended.group.or_else(|| header.groupname_bytes().map(<[u8]>::to_vec));
    // Some archivers leave these fields blank.
    let uid = extended.uid.or_else(|| header.uid().ok());
    let gid = extended.gid.or_else(|| header.gid().ok());
    let modified = extended.modified.or_else(|| Some((i64::try_from(header.mtime().ok()?).ok()?, 0)));
    Ok(Attributes {
        mode: Some(header.mode()? & 0o7777),
        modified,
        owner: uid
            .zip(gid)
            .map(|(uid, gid)| (accounts.uid(user.as_deref(), uid), accounts.gid(group.as_deref(), gid))),
    })
}

/// What a PAX header in front of a member overrides.
#[derive(Default)]
struct Extended {
    modified: Option<(i64, u32)>,
    uid: Option<u64>,
    gid: Option<u64>,
    user: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
}

impl Extended {
    fn read<R: Read>(entry: &mut Entry<'_, R>) -> Result<Extended, Fault> {
        let mut extended = Extended::default();
        let Some(fields) = entry.pax_extensions()? else {
            return Ok(extended);
        };
        for field in fields {
            let field = field?;
            let text = String::from_utf8_lossy(field.value_bytes());
            match field.key_bytes() {
                b"mtime" => extended.modified = time(&text),
                b"uid" => extended.uid = text.parse().ok(),
                b"gid" => extended.gid = text.parse().ok(),
                b"uname" => extended.user = Some(field.value_bytes().to_vec()),
                b"gname" => extended.group = Some(field.value_bytes().to_vec()),
                // Its content is a map of holes and pieces, and its name is another's.
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(Fault::damaged("sparse files in PAX format are not available yet"));
                }
                _ => {}
            }
        }
        Ok(extended)
    }
}

/// Seconds with a fraction, as PAX writes times.
fn time(text: &str) -> Option<(i64, u32)> {
    let (secs, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let (secs, nanos): (i64, u32) = (secs.parse().ok()?, nanos.parse().ok()?);
    if text.starts_with('-') && 0 < nanos {
        return Some((secs.checked_sub(1)?, 1_000_000_000 - nanos));
    }
    Some((secs, nanos))
}

/// Names of users and groups and their numbers on this host. Like tar, the name counts before the number.
#[derive(Debug)]
pub(super) struct Accounts {
    /// Other users cannot give files away, so looking names up would be for nothing.
    is_root: bool,
    users: HashMap<Vec<u8>, Option<u32>>,
    groups: HashMap<Vec<u8>, Option<u32>>,
}

impl Accounts {
    pub(super) fn new() -> Accounts {
        let is_root = rustix::process::geteuid().is_root();
        Accounts { is_root, users: HashMap::new(), groups: HashMap::new() }
    }

    fn uid(&mut self, name: Option<&[u8]>, number: u64) -> u32 {
        let find =
            |name: &str| nix::unistd::User::from_name(name).ok().flatten().map(|user| user.uid.as_raw());
        known(&mut self.users, name.filter(|_| self.is_root), find).unwrap_or_else(|| id(number))
    }

    fn gid(&mut self, name: Option<&[u8]>, number: u64) -> u32 {
        let find =
            |name: &str| nix::unistd::Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
        known(&mut self.groups, name.filter(|_| self.is_root), find).unwrap_or_else(|| id(number))
    }
}

fn known(
    seen: &mut HashMap<Vec<u8>, Option<u32>>,
    name: Option<&[u8]>,
    find: impl Fn(&str) -> Option<u32>,
) -> Option<u32> {
    let name = name.filter(|name| !name.is_empty())?;
    if let Some(number) = seen.get(name) {
        return *number;
    }
    let number = std::str::from_utf8(name).ok().and_then(find);
    seen.insert(name.to_vec(), number);
    number
}

/// `u32::MAX` would mean "leave it" to the system.
fn id(number: u64) -> u32 {
    u32::try_from(number).ok().filter(|id| *id != u32::MAX).unwrap_or(65534)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_times_have_nanoseconds_and_may_lie_before_1970() {
        assert_eq!(time("12.5"), Some((12, 500_000_000)));
        assert_eq!(time("12"), Some((12, 0)));
        assert_eq!(time("-1.25"), Some((-2, 750_000_000)));
        assert_eq!(time("x"), None);
        assert_eq!(time("-9223372036854775808.5"), None);
    }
}
