//! The bundle store over HTTP: signed requests to a real server over a real store and folder.

mod access;
mod buckets;
mod lists;
mod multipart;
mod objects;
mod server;
mod transport;
mod versions;
