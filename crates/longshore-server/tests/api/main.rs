//! The server over real HTTP, one file per resource; each test has a server and a store of its own.

mod application;
mod audit;
mod authorization;
mod cbor;
mod deployment;
mod deployment_config;
mod deployment_group;
mod ec2;
mod enrollment;
mod follow_up;
mod git_hub;
mod host;
mod host_command;
mod operations;
mod paging;
mod permission;
mod revision;
mod routing;
mod session;
mod signature;
mod support;
mod tag;
mod target;
mod throttling;
mod timeline;
mod webhook;
