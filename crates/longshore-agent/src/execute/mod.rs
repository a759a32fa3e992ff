//! The deeds of a command: each computes what to do first (pure) and then does it.

pub mod appspec_file;
pub mod hook;
pub mod install;
pub mod unpack;
