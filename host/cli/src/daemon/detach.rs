//! Going to the background: the command runs itself again, and waits until the new process reports that it is set up.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::output::open_log;

/// The variable with the process id of the command that the host in the background ends with.
const TIED_VARIABLE: &str = "PROVOST_TIED_TO";

/// The line that the background process prints when it is set up.
const READY: &str = "ready";

/// The outcome of going to the background.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Detached {
    /// The host is set up.
    Up {
        /// Its process id.
        pid: u32,
    },
    /// The host ended before that with this exit code, after reporting why; `None` if a signal killed it.
    Ended(Option<u8>),
}

/// Runs `provost up --background` with the config and these other arguments, and waits until it is set up or has ended.
pub(crate) fn spawn(config: &Path, others: &[String]) -> io::Result<Detached> {
    let mut command = background(config)?;
    command.args(others);
    set_up(command)
}

/// Does the same as [`spawn`], for a host that is asked to stop when the thread that calls this ends, however it ends.
pub(crate) fn spawn_tied(config: &Path) -> io::Result<Detached> {
    let mut command = background(config)?;
    command.env(TIED_VARIABLE, std::process::id().to_string());
    set_up(command)
}

fn background(config: &Path) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["up", "--background", "--config"]).arg(config);
    Ok(command)
}

fn set_up(mut command: Command) -> io::Result<Detached> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut word = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut word)?;
    }
    if word.trim_end() == READY {
        return Ok(Detached::Up { pid: child.id() });
    }
    Ok(Detached::Ended(child.wait()?.code().map(|code| u8::try_from(code).unwrap_or(1))))
}

/// Has this process receive SIGTERM when the thread that started it ends, if [`spawn_tied`] did. The keeper that it may become
/// keeps that, and passes the signal on to its host.
pub(crate) fn tie() {
    let named = std::env::var(TIED_VARIABLE).ok().and_then(|pid| Pid::from_raw(pid.parse().ok()?));
    // The processes of such a host inherit the variable, and may be hosts as well.
    if named.is_some() && getppid() == named {
        // Without this the host has to be stopped by hand if the command is killed.
        let _ = set_parent_process_death_signal(Some(Signal::TERM));
    }
}

/// Leaves the session of the parent, so that the host does not end with it.
pub(crate) fn leave_session() {
    // Fails only if this process leads a process group, and then it is not needed.
    let _ = rustix::process::setsid();
}

/// Notifies the process that waits in [`spawn`].
pub(crate) fn say_ready() -> io::Result<()> {
    let line = format!("{READY}\n");
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        let count = rustix::io::retry_on_intr(|| rustix::io::write(rustix::stdio::stdout(), rest))?;
        rest = rest.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Redirects the standard streams to `/dev/null`, because the starter of the host may wait until its pipe is closed.
pub(crate) fn drop_streams() -> io::Result<()> {
    redirect_streams(&std::fs::OpenOptions::new().write(true).open("/dev/null")?)
}

/// Redirects the standard streams to `log`. The host does not write to them, but the C library or Rust's runtime may, before
/// they abort.
pub(crate) fn redirect_streams_to(log: &Path) -> io::Result<()> {
    redirect_streams(&open_log(log)?)
}

fn redirect_streams(file: &std::fs::File) -> io::Result<()> {
    rustix::stdio::dup2_stdout(file)?;
    Ok(rustix::stdio::dup2_stderr(file)?)
}
