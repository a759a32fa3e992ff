//! The engine on an in-memory store with a clock moved by hand: one deployment's journey without HTTP.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alarms;
mod commands;
mod deployments;
mod hosts;
mod late;
mod notifications;
mod rollbacks;
mod stops;
mod two_servers;
mod upkeep;
mod world;
mod zones;
