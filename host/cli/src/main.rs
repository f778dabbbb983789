//! The `provost` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Where the kernel does not execute a program from memory, this binary is the exec stage as well.
    if let Some(code) = provost_supervisor::run_if_stage(std::env::args_os(), std::env::vars_os()) {
        return code.into();
    }
    // It is also the process that compiles a plugin.
    if let Some(code) = provost::run_if_compiler(std::env::args_os()) {
        return code.into();
    }
    // Or the one that fetches a plugin.
    if let Some(code) = provost::run_if_fetcher(std::env::args_os()) {
        return code.into();
    }
    // Or the one between this program and a toolchain.
    if let Some(code) = provost::run_if_guard(std::env::args_os()) {
        return code.into();
    }
    provost::run(std::env::args_os())
}
