//! The keeper as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    provost_keeper::run(std::env::args_os(), std::env::vars_os())
}
