//! The host agent: polls the command service, does what it is told on this host, reports once.
//!
//! A drop-in for AWS's agent on EC2 and on-premises hosts: same configuration, same files on disk,
//! same messages. The journey of one command reads down this list.

pub mod check;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod enroll;
pub mod local;
pub mod master;
pub mod startup;

pub mod backoff;
pub mod poll;

pub mod command;
pub mod execute;
pub mod failure;
pub mod group_lock;
pub mod install_plan;
pub mod kept_failure;
pub mod specification;

pub mod process_group;
pub mod recovery;
pub mod report;
pub mod retention;
pub mod tracker;

mod causes;

pub mod agent_log;
pub mod identity;
pub mod layout;
pub mod memory;
pub mod patience;
pub mod pid_file;
pub mod privileges;
mod rotating_file;
pub mod service;
pub mod service_manager;
pub mod state_file;
mod terminal;
pub mod version;

#[cfg(test)]
mod test_server;
