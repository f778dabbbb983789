//! The process that compiles: it limits itself, reads a component from its standard input, writes machine code to its standard
//! output, and ends. What it has to say stands on its standard error.

use std::ffi::OsString;
use std::io::{self, Read, Write};

use provost_plugin_host::{CompileError, Compiler, InProcess, Layout};
use rustix::process::{Resource, Rlimit, Signal, getppid, nice, set_parent_process_death_signal, setrlimit};

use crate::inherited::leave_behind;

/// The name by which a process knows that it is to compile.
pub(super) const STAGE_NAME: &str = "provost-compile-stage";

/// The exit code that says that the component is not valid.
pub(super) const INVALID: u8 = 3;

/// The exit code that says that it could not be compiled.
const FAILED: u8 = 4;

/// Descriptors: the standard streams, and what its threads need.
const DESCRIPTORS: u64 = 64;

/// Compiles, if this process is here for that: `provost-compile-stage LAYOUT MEMORY SECONDS CODE NICE PARENT`. Returns only if it is not, or with
/// the exit code.
#[must_use]
pub fn run_if_compiler(mut arguments: impl Iterator<Item = OsString>) -> Option<u8> {
    if arguments.next()? != STAGE_NAME {
        return None;
    }
    Some(match compile(arguments) {
        Ok(()) => 0,
        Err((code, why)) => {
            // If even this cannot be written, the exit code is all that is left.
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

/// Gives up what it must not have. Returns what is to be compiled for.
fn limit(mut arguments: impl Iterator<Item = OsString>) -> io::Result<Layout> {
    let missing = || io::Error::from(io::ErrorKind::InvalidInput);
    leave_behind()?;
    let layout = arguments.next().and_then(|word| Layout::named(word.to_str()?)).ok_or_else(missing)?;
    let mut number =
        || arguments.next().and_then(|word| word.to_str()?.parse::<u64>().ok()).ok_or_else(missing);
    let (memory, seconds, code) = (number()?, number()?, number()?);
    let (others_first, parent) = (number()?, number()?);
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let its_parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    if its_parent.and_then(|pid| u64::try_from(pid).ok()) != Some(parent) {
        // It was over before it could be asked for.
        return Err(io::Error::other("whoever wanted the code has ended"));
    }
    let most = |limit: u64| Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(Resource::Core, most(0))?;
    setrlimit(Resource::Fsize, most(code))?;
    setrlimit(Resource::Nofile, most(DESCRIPTORS))?;
    // A signal that says which limit it was comes first.
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds.saturating_add(1)) })?;
    setrlimit(Resource::As, most(memory))?;
    rustix::thread::set_no_new_privs(true)?;
    nice(i32::try_from(others_first).unwrap_or(0))?;
    Ok(layout)
}
