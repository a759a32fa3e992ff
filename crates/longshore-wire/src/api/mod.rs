//! The CodeDeploy API: its shapes and operations, and conversions between shapes and the model.

pub mod convert;
pub mod operations;
pub mod shapes;

pub use operations::Operation;
