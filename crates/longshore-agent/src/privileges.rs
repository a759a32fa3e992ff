//! Less than root: the user that `user` and `group` name, and no memory of ours in core files.
//! Source: agent.md §3, §9.3; agent-2x-differences.md §9 for the core files.

use std::ffi::CString;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid, initgroups, setgid, setuid};

use crate::config::Settings;

/// Why the agent cannot run as the user that it was told to.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegesError {
    /// Nobody of that name.
    #[error("The system user does not exist: \"{0}\"")]
    NoUser(String),
    /// No group of that name.
    #[error("The system group does not exist: \"{0}\"")]
    NoGroup(String),
    /// Only root can become somebody else.
    #[error("Can't drop privileges as unprivileged user. Please run this command as a privileged user.")]
    NotRoot,
    /// The system refuses.
    #[error("Failed to drop privileges: {0}")]
    Refused(#[from] Errno),
}

/// Somebody to become.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    name: String,
    uid: Uid,
    gid: Gid,
}

/// Becomes the user in `settings`, if one is named and this process is another.
///
/// # Errors
/// [`PrivilegesError`]; the process may then have lost some of its privileges and must end.
pub fn drop_to(settings: &Settings) -> Result<(), PrivilegesError> {
    let Some(account) = account(settings.user.as_deref(), settings.group.as_deref())? else { return Ok(()) };
    if account.uid == geteuid() && account.gid == getegid() {
        return Ok(());
    }
    if !geteuid().is_root() {
        return Err(PrivilegesError::NotRoot);
    }
    let name = CString::new(account.name).map_err(|_| Errno::EINVAL)?;
    initgroups(&name, account.gid)?;
    setgid(account.gid)?;
    setuid(account.uid)?;
    Ok(())
}

/// The account that `user` and `group` name; `None` without a user.
fn account(user: Option<&str>, group: Option<&str>) -> Result<Option<Account>, PrivilegesError> {
    let Some(name) = user else { return Ok(None) };
    let user = User::from_name(name)?.ok_or_else(|| PrivilegesError::NoUser(name.to_owned()))?;
    let gid = match group {
        Some(group) => {
            Group::from_name(group)?.ok_or_else(|| PrivilegesError::NoGroup(group.to_owned()))?.gid
        }
        None => user.gid,
    };
    Ok(Some(Account { name: user.name, uid: user.uid, gid }))
}

/// Keeps the memory of this process, keys included, off the disk when it crashes.
///
/// Only the soft limit: an application that a script starts may raise its own again.
///
/// # Errors
/// Whatever the system says.
pub fn disable_core_dumps() -> Result<(), Errno> {
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, hard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(user: Option<&str>, group: Option<&str>, expected: Result<Option<(u32, u32)>, &str>) {
        let found = account(user, group)
            .map(|account| account.map(|account| (account.uid.as_raw(), account.gid.as_raw())))
            .map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn a_user_is_taken_with_its_own_group_unless_another_is_named() {
        let daemon = User::from_name("daemon").expect("look").expect("every Linux has it");
        let (uid, gid) = (daemon.uid.as_raw(), daemon.gid.as_raw());
        check(None, None, Ok(None));
        check(None, Some("root"), Ok(None));
        check(Some("daemon"), None, Ok(Some((uid, gid))));
        check(Some("daemon"), Some("root"), Ok(Some((uid, 0))));
        check(Some("no-such-user"), None, Err("The system user does not exist: \"no-such-user\""));
        check(
            Some("daemon"),
            Some("no-such-group"),
            Err("The system group does not exist: \"no-such-group\""),
        );
    }
}
