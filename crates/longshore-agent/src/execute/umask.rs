//! The process's umask, read without setting it: setting is the only call there is for reading, and it
//! would be seen by hooks that start at that moment.

/// The umask; if the system does not tell, one that makes callers set every mode explicitly.
pub(crate) fn current() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    value.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()).unwrap_or(0o777)
}
