//! The `provost` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A child whose limit on open files is restored first runs this binary, which then executes the program.
    if let Some(code) = provost_supervisor::run_if_stage(std::env::args_os()) {
        return code.into();
    }
    // It is also the process that compiles a plugin.
    if let Some(code) = provost::run_if_compiler(std::env::args_os()) {
        return code.into();
    }
    provost::run(std::env::args_os())
}
