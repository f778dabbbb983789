//! The `provost` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A child whose limit on open files is put back is this binary for a moment.
    if let Some(code) = provost_supervisor::run_if_stage(std::env::args_os()) {
        return code.into();
    }
    // So is the process that compiles a plugin.
    if let Some(code) = provost::run_if_compiler(std::env::args_os()) {
        return code.into();
    }
    provost::run(std::env::args_os())
}
