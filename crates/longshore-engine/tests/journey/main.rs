//! The engine on an in-memory store with a clock moved by hand: one deployment's journey without HTTP.

mod commands;
mod deployments;
mod world;
