//! The `provost` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    provost::run(std::env::args_os())
}
