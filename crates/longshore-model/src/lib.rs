//! The words of Longshore and its decisions, as pure functions and values.
//!
//! Nothing here does I/O, reads a clock or draws a random number: callers pass `now` and ids in.
//! That is what lets every rule be tested in milliseconds, and a whole control plane be simulated.
//! Read it in this order: names, the resources, then what happens to one target, then to a fleet.

pub mod id;
pub mod time;

pub mod application;
pub mod deployment_config;
pub mod deployment_group;
pub mod enrollment;
pub mod git_hub;
pub mod host;
pub mod revision;
pub mod tag_filter;
pub mod traffic;
pub mod watch;

pub mod deployment;
pub mod lifecycle;
pub mod plan;
pub mod target;
pub mod timeline;

pub mod notification;

pub mod audit;
pub mod policy;
pub mod rate;

pub mod evidence;

pub mod appspec;

#[cfg(any(test, feature = "test-support"))]
pub mod fixture;
