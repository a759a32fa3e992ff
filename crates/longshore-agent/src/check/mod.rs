//! `longshore-agent check`: whether this host can do its work, one line for each thing that must be so, and
//! what mends it. Facts are gathered first (`gather`), then judged by pure functions (`judge`).

pub mod command_line;

mod facts;
mod finding;
mod gather;
mod judge;
