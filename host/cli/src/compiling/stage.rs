//! The process that compiles. It limits itself, reads a component from standard input, writes machine code to standard output, and
//! ends. Errors go to standard error.

use std::ffi::OsString;
use std::io::{self, Read, Write};

use provost_plugin_host::{CompileError, Compiler, InProcess, Layout};
use rustix::process::{Resource, Rlimit, Signal, getppid, nice, set_parent_process_death_signal, setrlimit};

use crate::inherited::{FIRST, leave_behind};

/// The program name (`argv[0]`) that makes a process of this binary a compiler.
pub(super) const STAGE_NAME: &str = "provost-compile-stage";

/// The exit code for an invalid component.
pub(super) const INVALID: u8 = 3;

/// The exit code for any other failure.
const FAILED: u8 = 4;

/// The limit on descriptors: the standard streams, and what the threads need.
const DESCRIPTORS: u64 = 64;

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
    leave_behind(FIRST)?;
    let layout = arguments.next().and_then(|word| Layout::named(word.to_str()?)).ok_or_else(missing)?;
    let mut number =
        || arguments.next().and_then(|word| word.to_str()?.parse::<u64>().ok()).ok_or_else(missing);
    let (memory, seconds, code) = (number()?, number()?, number()?);
    let (others_first, parent) = (number()?, number()?);
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let its_parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    if its_parent.and_then(|pid| u64::try_from(pid).ok()) != Some(parent) {
        // The parent ended before its death signal was requested.
        return Err(io::Error::other("the process that started the compiler has ended"));
    }
    let most = |limit: u64| Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(Resource::Core, most(0))?;
    setrlimit(Resource::Fsize, most(code))?;
    setrlimit(Resource::Nofile, most(DESCRIPTORS))?;
    // SIGXCPU, which names this limit, comes a second before SIGKILL.
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds.saturating_add(1)) })?;
    setrlimit(Resource::As, most(memory))?;
    rustix::thread::set_no_new_privs(true)?;
    nice(i32::try_from(others_first).unwrap_or(0))?;
    Ok(layout)
}
