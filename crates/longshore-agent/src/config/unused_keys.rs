//! Keys that AWS's agents have, that a host's file may therefore hold, and that do nothing here.
//! Source: agent.md §3, agent-2x-differences.md §9.

/// Why each is without effect is in the comment of its group.
const UNUSED_KEYS: &[&str] = &[
    // AWS's agents do not use them either.
    "wait_after_error",
    "shared_dir",
    "instance_service_region",
    "instance_service_endpoint",
    "instance_service_port",
    "plugins",
    "use_mock_command_service",
    "ssl_verify_peer",
    // What goes wrong while a worker starts is a failed poll here, with the pauses of those.
    "wait_between_spawning_children",
    "wait_after_throttle_error",
    "wait_after_connection_problem",
    // AWS's own test environments.
    "codedeploy_test_profile",
    // There is no such port.
    "enable_command_port",
    // Windows.
    "disable_powershell_profile_in_hooks",
    // Not there, each a restriction that the file may ask for: the line in the log says so.
    "reject_unconfined_selinux_in_bundle",
    "reject_symlink_permission_targets",
    "restrict_agent_dir_permissions",
    "restrict_log_dir_permissions",
];

/// Whether one of AWS's agents knows `key` and this one does nothing for it.
/// Only asked about keys that this agent does not act on.
pub(super) fn is_unused(key: &str) -> bool {
    UNUSED_KEYS.contains(&key)
}
