//! The promises (being written).
