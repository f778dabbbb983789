//! The process that compiles. It limits itself, reads a component from standard input, writes machine code to standard output, and
//! ends. Errors go to standard error.

use std::ffi::OsString;
use std::io::{self, Read, Write};

use provost_plugin_host::{CompileError, Compiler, InProcess, Layout};
use rustix::process::{Resource, nice};

use crate::limited::{Confines, confine, number};

/// The program name (`argv[0]`) that makes a process of this binary a compiler.
pub(super) const STAGE_NAME: &str = "provost-compile-stage";

/// The exit code for an invalid component.
pub(super) const INVALID: u8 = 3;

/// The exit code for any other failure.
const FAILED: u8 = 4;

/// Compiles if the arguments are `provost-compile-stage LAYOUT MEMORY SECONDS CODE NICE PARENT`, and returns the exit code;
/// returns `None` if this process is not a compiler.
#[must_use]
pub fn run_if_compiler(mut arguments: impl Iterator<Item = OsString>) -> Option<u8> {
    if arguments.next()? != STAGE_NAME {
        return None;
    }
    Some(match compile(arguments) {
        Ok(()) => 0,
        Err((code, why)) => {
            // If even this cannot be written, only the exit code reports the failure.
            let _ = io::stderr().write_all(why.as_bytes());
            code
        }
    })
}

fn compile(arguments: impl Iterator<Item = OsString>) -> Result<(), (u8, String)> {
    let failed = |error: io::Error| (FAILED, error.to_string());
    let layout = limit(arguments).map_err(failed)?;
    let mut component = Vec::new();
    io::stdin().read_to_end(&mut component).map_err(failed)?;
    match InProcess.compile(&component, layout) {
        Ok(code) => io::stdout().write_all(&code).map_err(failed),
        Err(CompileError::Invalid(why)) => Err((INVALID, why)),
        Err(CompileError::Failed(why)) => Err((FAILED, why)),
    }
}

/// Drops what the process inherited, sets its limits, and returns the layout to compile for.
fn limit(mut arguments: impl Iterator<Item = OsString>) -> io::Result<Layout> {
    let missing = || io::Error::from(io::ErrorKind::InvalidInput);
    let layout = arguments.next().and_then(|word| Layout::named(word.to_str()?)).ok_or_else(missing)?;
    let mut next = || number(&mut arguments);
    let (memory, seconds, code, others_first) = (next()?, next()?, next()?, next()?);
    let limits = [(Resource::Fsize, code), (Resource::Cpu, seconds), (Resource::As, memory)];
    confine(&Confines { limits: &limits, parent: next()? })?;
    nice(i32::try_from(others_first).unwrap_or(0))?;
    Ok(layout)
}
