//! Deployments without the service: the counterpart of `codedeploy-local`, through the same executor and
//! on the same deployment root as the daemon. Source: agent.md §9.6, with I-44.

pub mod command_line;
pub mod options;

mod deploy;
mod events;
mod evidence_text;
mod excerpt;
mod interrupt;
mod invalid;
mod location;
mod outcome;
mod plan;
mod plan_text;
mod ready;
mod request;
mod voice;
