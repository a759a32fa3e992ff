//! The policy language, as far as Longshore decides by it.
