//! The control plane: one process, one port. It turns what comes over the wire into calls of the
//! engine, and what the engine says into answers; it decides nothing about deployments itself.
//!
//! A request's way: [`listen`] accepts, [`route`] tells by design.md §2 whom it is for, [`dispatch`] has
//! [`auth`] verify who signed, then [`api`], [`host_api`], [`iam`] or the bundle store answers.

pub mod args;
pub mod config;
pub mod data_dir;
pub mod maintenance;
pub mod telemetry;

mod answer;
mod api;
mod app;
mod audit;
mod auth;
mod authorize;
mod dispatch;
mod events;
mod host_api;
mod iam;
mod listen;
mod probe;
mod route;
mod server;
mod shared;
mod shutdown;
mod throttle;

pub use listen::ListenError;
pub use server::{Server, StartError, run};
pub use shared::SharedError;
