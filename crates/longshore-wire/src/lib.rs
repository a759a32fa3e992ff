//! What goes over the network: shapes, codecs, signatures, envelopes, and the client.
//!
//! Both ends speak it: the server decodes and verifies here, the agent and the command line encode
//! and sign here. Shapes are generated from `api-models/` by `tools/generate-wire`.

pub mod error;

pub mod codec;

pub mod api;
pub mod audit;
pub mod ec2;
pub mod enrollment;
pub mod git_hub;
pub mod host_command;
pub mod webhook;

pub mod envelope;
pub mod notification;
pub mod page_token;
pub mod profile;
pub mod sigv4;
pub mod timeline;

pub mod client;
