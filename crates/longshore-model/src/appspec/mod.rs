//! AppSpec files.
