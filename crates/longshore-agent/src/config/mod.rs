//! What the operator told the agent: the configuration file, read once at start into [`Settings`].
//!
//! The file of an existing host works unchanged: keys of both of AWS's agent lines are accepted.
//! Source: agent.md §3, agent-2x-differences.md §9.

pub mod on_premises;
mod raw;
mod reader;
mod settings;
mod unused_keys;
mod yaml;

pub use raw::{RawConfig, ReadConfigError, default_path};
pub use settings::{ByteLimit, HookSupervision, InvalidConfig, Settings};
pub use yaml::YamlError;
