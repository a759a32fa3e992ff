//! Every operation of the API against its model and the service's specification, over both protocols.
//!
//! The model (`api-models/`) says which members there are, of which types and with which bounds. From it
//! come the cases: each member with a wrong type, each bound crossed, each enumeration given a value that
//! it has not, each required member missing and empty. What must come of them is written down in
//! [`expected`], one line an entry; what a valid call looks like in [`inputs`]. Answers are held against
//! the model's output shapes by [`validate`].

pub mod cases;
pub mod client;
pub mod data;
pub mod expected;
pub mod fixture;
pub mod inputs;
pub mod model;
pub mod situations;
pub mod validate;
