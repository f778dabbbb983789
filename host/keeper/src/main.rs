//! The keeper as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A child whose spec asks for more than an exec first runs this program, which sets that and then executes its own.
    if let Some(code) = provost_keeper::stage::run_if_stage(std::env::args_os(), std::env::vars_os()) {
        return code.into();
    }
    provost_keeper::run(std::env::args_os(), std::env::vars_os())
}
