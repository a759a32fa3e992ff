//! The agent program against a canned command service: the rules of agent.md §11 that show on the wire.

mod host;
mod service;

mod certificates;
mod check;
mod commands;
mod crashes;
mod disk;
mod evidence;
mod hooks;
mod master;
mod parallel;
mod process;
mod sources;
mod specifications;
mod supervisor;
mod transport;
mod users;
