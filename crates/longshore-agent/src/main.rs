//! The program `longshore-agent`: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    longshore_agent::cli::main(std::env::args_os())
}
