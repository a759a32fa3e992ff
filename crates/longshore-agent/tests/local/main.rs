//! The local tool end to end: the real program, on a deployment root of its own.
//! Source: agent.md §9.6, §11 "codedeploy-local".

mod host;

mod deploy;
mod files;
mod plan;
mod refusals;
