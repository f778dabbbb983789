//! The program: three threads. The main one receives signals and reaps orphans, one runs the loop and starts everything, one
//! waits for disks.
//!
//! | room | owns |
//! |---|---|
//! | `engine` | the loop |
//! | `heritage` | another program in the place of this one |
//! | `answerer` | the socket at which the keeper tells what it holds |
//! | `kernel` | what is open of each slot, of the host and of the stash |
//! | `handed` | the host that hands over what a former keeper has held |
//! | `children` | starting a child |
//! | `drain` | the thread that moves output into gap files |
//! | `outlet` | the outputs of a process |
//! | `gap` | the gap file of an output, and where it lies |
//! | `front` | the main thread: signals and orphans |
//! | `elders` | children that are those of the main thread although they are no orphans |
//! | `groups` | the groups of all living processes |
//! | `limits` | what the keeper takes for itself and gives back to its children |
//! | `options` | the command line |

mod answerer;
mod children;
mod drain;
mod elders;
mod engine;
mod front;
mod gap;
mod groups;
mod handed;
mod heritage;
mod kernel;
mod limits;
mod options;
mod outlet;

use std::ffi::{CStr, OsString};
use std::io::Write;
use std::process::ExitCode;
use std::thread::Builder;

use provost_posix::bound_heaps;
use rustix::process::{getpid, set_child_subreaper};
use rustix::thread::set_name;

use self::answerer::Answerer;
use self::drain::Drain;
use self::engine::Engine;
use self::front::News;
use self::heritage::Parts;
use self::kernel::Kernel;
use self::limits::Limits;
use self::options::{Options, USAGE};
use crate::machine::Machine;

/// The address space of a stack in bytes; only what is used of it is memory.
const STACK: usize = 256 * 1024;

/// Runs the keeper with these arguments, the name of the program first, and this environment. It returns only if the keeper
/// cannot begin; otherwise the process ends in it.
#[must_use]
pub fn run(
    arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> ExitCode {
    // Each fork copies the tables of all of them.
    bound_heaps(1);
    // The kernel names a program that is executed by its descriptor after the number of that. Without a name it works as well.
    let _ = set_name(c"provost-keeper");
    let arguments: Vec<OsString> = arguments.skip(1).collect();
    if let Some(number) = options::table(&arguments) {
        return match go_on(number) {
            Ok(()) => ExitCode::FAILURE,
            Err(error) => complain(&format!("provost-keeper: cannot take over: {error}"), 1),
        };
    }
    let Some(options) = Options::read(arguments.into_iter(), environment) else {
        return complain(USAGE, 2);
    };
    match begin(options) {
        Ok(()) => ExitCode::FAILURE,
        Err(error) => complain(&format!("provost-keeper: cannot start: {error}"), 1),
    }
}

fn complain(text: &str, code: u8) -> ExitCode {
    // There is no other place for it.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(code)
}

fn begin(options: Options) -> std::io::Result<()> {
    // Before the first thread, which inherits what is blocked.
    let signals = front::block_signals()?;
    set_child_subreaper(Some(getpid()))?;
    let machine = match options.is_handed {
        true => Machine::handed(options.is_stubborn, engine::now()),
        false => Machine::new(options.is_stubborn),
    };
    let answerer = options.socket.as_deref().map_or_else(|| Ok(Answerer::default()), listening)?;
    let limits = Limits::take(options.open_files);
    let kernel = Kernel::new(options, limits, Drain::new()?)?;
    serve(&signals, Parts { machine, kernel, answerer, orphans: 0 })
}

/// Listens on the socket of this path, which an error names.
fn listening(path: &CStr) -> std::io::Result<Answerer> {
    Answerer::listen(path).map_err(|errno| {
        let error = std::io::Error::from(errno);
        std::io::Error::other(format!("cannot listen on {}: {error}", path.to_string_lossy()))
    })
}

/// Goes on in the place of another program of the keeper.
fn go_on(table: std::os::fd::RawFd) -> std::io::Result<()> {
    let parts = heritage::take_over(table)?;
    let signals = front::block_signals()?;
    serve(&signals, parts)
}

/// Starts the threads, and receives signals.
fn serve(signals: &std::os::fd::OwnedFd, parts: Parts) -> std::io::Result<()> {
    let Parts { machine, kernel, answerer, orphans } = parts;
    let news = News::new(orphans)?;
    let (drain, elders) = (kernel.drain.clone(), kernel.elders.clone());
    let mut engine = Engine::new(machine, kernel, news.clone(), answerer)?;
    let thread = |name: &str| Builder::new().name(name.to_owned()).stack_size(STACK);
    thread("drain").spawn(move || {
        let _guard = Guard;
        drain.run();
    })?;
    thread("loop").spawn(move || {
        let guard = Guard;
        let code = engine.run();
        std::mem::forget(guard);
        std::process::exit(i32::from(code));
    })?;
    front::run(signals, &news, &elders);
    Ok(())
}

/// Ends the process if its thread ends: without one of them the keeper would be deaf, and the host takes over what is held
/// when it dies.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        std::process::abort();
    }
}
