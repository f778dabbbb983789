//! `provost up`: sets up the process for a host in the foreground or in the background, and runs it.

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use provost_supervisor::{Degraded, Farewell, KEEPER_VARIABLE};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::runtime::{Builder, Runtime};

use super::detach::{self, Detached};
use super::done::{self, When};
use super::errors::{DEFECT_HINT, SHORTAGE_HINT};
use super::heaps;
use super::host_log::{self, Home, HostLog};
use super::keeper::{End, Parent, become_keeper};
use super::output::Output;
use super::serving::{ApiThreads, FAREWELL, Host};
use crate::args::UpArgs;
use crate::config::CONFIG_NAME;
use crate::failure::Failure;
use crate::inherited::{FIRST, leave_behind, take_connection};
use crate::render::style::{ColorWhen, Paint};

/// Runs the host until it is asked to stop, or starts one in the background.
pub(crate) fn up(args: &UpArgs, config: Option<PathBuf>, color: ColorWhen) -> Result<(), Failure> {
    let path = config.unwrap_or_else(|| PathBuf::from(CONFIG_NAME));
    if args.detach {
        return to_background(&path, args);
    }
    heaps::bound();
    // Before anything is opened.
    let is_kept = std::env::var_os(KEEPER_VARIABLE).is_some();
    let (connection, inherited) = match is_kept {
        true => (Some(take_connection()), leave_behind(FIRST + 1)),
        false => (None, leave_behind(FIRST)),
    };
    if args.background {
        detach::leave_session();
        if !is_kept {
            detach::tie();
        }
    }
    let parent = match connection {
        Some(connection) => Parent::attach(connection)?,
        None => Parent::None(become_keeper(&path, args.background)?),
    };
    let farewell = parent.farewell();
    let outcome = host(args, path, color, inherited, parent);
    if let Some(farewell) = farewell {
        match &outcome {
            Ok(End::Ended(code)) => farewell.leave(*code),
            Ok(End::GoesOn(_)) => farewell.stay_connected(),
            Err(failure) => farewell.fail(failure.number()),
        }
    }
    match outcome? {
        End::Ended(0) | End::GoesOn(0) => Ok(()),
        End::Ended(code) | End::GoesOn(code) => Err(Failure::silent(code)),
    }
}

/// Runs the host until it has ended.
fn host(
    args: &UpArgs,
    path: PathBuf,
    color: ColorWhen,
    inherited: io::Result<()>,
    parent: Parent,
) -> Result<End<u8>, Failure> {
    // A host is executed by its descriptor, and the kernel names it after the number of that.
    let _ = rustix::thread::set_name(c"provost");
    let paint = Paint::wanted(color, &io::stderr());
    let Runtimes { processes, unix, tcp } = runtimes(paint, parent.farewell()).map_err(short)?;
    let api = ApiThreads { unix: unix.handle().clone(), tcp: tcp.handle().clone() };
    let ended = run(args, path, (color, paint), (&processes, api), inherited, parent);
    // The server has ended, or is given up.
    unix.shutdown_background();
    tcp.shutdown_background();
    match &ended {
        // The next host waits for the end of this one. What it does not finish, that one does. Its tasks end with this process and are
        // not dropped before: those that still run would take what a dropped one leaves unanswered for an end or for a failure,
        // and write it down for the next host.
        Ok((End::GoesOn(_), ..)) => std::mem::forget(processes),
        // A plugin or a slow disk may hold a thread.
        _ => processes.shutdown_timeout(FAREWELL),
    }
    let (end, log, screen) = ended?;
    let told = |outcome: Result<u8, Failure>| {
        outcome.unwrap_or_else(|failure| {
            log.report(&paint.report(failure.report()), failure.report());
            failure.number()
        })
    };
    let end = match end {
        End::Ended(outcome) => End::Ended(told(outcome)),
        End::GoesOn(outcome) => End::GoesOn(told(outcome)),
    };
    log.finish(screen.as_ref(), FAREWELL);
    Ok(end)
}

fn short(error: io::Error) -> Failure {
    Failure::failed(format!("cannot start the host: {error}"), SHORTAGE_HINT)
}

/// The result of a host that could start its log.
type Ended = (End<Result<u8, Failure>>, HostLog, Option<Output>);

/// Starts the log, and runs the host to its end.
fn run(
    args: &UpArgs,
    path: PathBuf,
    (color, paint): (ColorWhen, Paint),
    (runtime, api): (&Runtime, ApiThreads),
    inherited: io::Result<()>,
    parent: Parent,
) -> Result<Ended, Failure> {
    let ignore_hangup = provost_supervisor::hangup_is_ignored();
    let foreground = !args.background;
    let degraded = Degraded::default();
    let home = if foreground { Home::Stream } else { Home::File };
    let log = HostLog::start(home, paint, foreground && !ignore_hangup, &degraded).map_err(short)?;
    host_log::install(&log);
    heaps::keep_trimmed();
    if let Err(error) = inherited {
        tracing::warn!("descriptors or blocked signals of the parent process may still be there: {error}");
    }
    let screen =
        if foreground { Some(log.screen(Paint::wanted(color, &io::stdout())).map_err(short)?) } else { None };
    let done = When::of(args);
    let host = Host {
        path,
        done,
        color,
        paint,
        ignore_hangup,
        log: log.clone(),
        screen: screen.clone(),
        degraded,
        api,
    };
    let has_former = parent.has_former();
    let end =
        panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(host.run(parent)))).unwrap_or_else(|_| {
            // The panic hook has logged the panic.
            End::failed(Failure::failed("the host panicked", DEFECT_HINT), has_former)
        });
    Ok((end, log, screen))
}

fn to_background(path: &Path, args: &UpArgs) -> Result<(), Failure> {
    match detach::spawn(path, &done::arguments(args)).map_err(short)? {
        Detached::Up { pid } => {
            let mut out = io::stdout().lock();
            Ok(writeln!(out, "up: the host runs in the background (pid {pid}); `provost down` stops it")?)
        }
        Detached::Ended(Some(0)) => Err(Failure::failed(
            "the host was told to stop before it was set up",
            "start it again, and wait until this command returns",
        )),
        Detached::Ended(Some(code)) => Err(Failure::silent(code)),
        Detached::Ended(None) => Err(Failure::failed(
            "the host was killed before it was set up",
            "did memory run out? Then the log of the kernel says so",
        )),
    }
}

/// Writes the report of a host that could not even start its log. Gives up when standard error takes nothing for a second.
pub(crate) fn say_at_last(report: &str) {
    let stderr = rustix::stdio::stderr();
    // A pipe that polls as writable takes at least this much without blocking (POSIX's minimum for PIPE_BUF).
    for part in report.as_bytes().chunks(512) {
        let limit = Timespec { tv_sec: 1, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::from_borrowed_fd(stderr, PollFlags::OUT)], Some(&limit));
        if !ready.is_ok_and(|ready| ready > 0) || rustix::io::write(stderr, part).is_err() {
            return;
        }
    }
}

/// The maximum number of threads of the API.
const API_THREADS_MAX: usize = 4;

/// Returns the number of threads of the API on the Unix socket, and of those over TCP: one for two processors. The kernel divides
/// the processors between them and the threads that carry out restarts, so that many restarts at once do not delay an answer. A
/// second thread on two processors would make each answer slower, because the two wake each other.
fn api_threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors / 2).clamp(1, API_THREADS_MAX)
}

/// The runtimes of the host.
struct Runtimes {
    /// Runs the processes and everything else.
    processes: Runtime,
    /// Serves the API on the Unix socket.
    unix: Runtime,
    /// Serves the API over TCP, so that whatever other machines ask for delays no answer on the Unix socket.
    tcp: Runtime,
}

/// Builds the runtimes. If the kernel has no thread left, tokio panics and then waits for ever for the threads that it has, so the
/// panic hook ends the program with an error instead. Nothing has been started by then.
fn runtimes(paint: Paint, farewell: Option<Farewell>) -> io::Result<Runtimes> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |_| {
        let lacking = short(io::Error::other("the kernel has no thread left"));
        say_at_last(&paint.report(lacking.report()));
        if let Some(farewell) = &farewell {
            farewell.leave(1);
        }
        std::process::exit(1);
    }));
    let built = build();
    panic::set_hook(hook);
    built
}

fn build() -> io::Result<Runtimes> {
    fail::fail_point!("daemon.runtime", |_| Err(io::Error::from_raw_os_error(libc::EAGAIN)));
    let processes = Builder::new_multi_thread().enable_all().build()?;
    let api = |name: &str| {
        Builder::new_multi_thread().worker_threads(api_threads()).thread_name(name).enable_all().build()
    };
    Ok(Runtimes { processes, unix: api("provost-api")?, tcp: api("provost-tcp")? })
}
