//! Going to the background: the command runs itself again, and waits until that says it is set up.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::output::open_log;

/// What the one in the background says when it is set up.
const READY: &str = "ready";

/// How going to the background went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Detached {
    /// It is set up.
    Up {
        /// Its process id.
        pid: u32,
    },
    /// It ended before that, with this exit code, and has said why; or it was killed by a signal.
    Ended(Option<u8>),
}

/// Runs `provost up --background` on the config with these other arguments, and waits for its word.
pub(crate) fn spawn(config: &Path, others: &[String]) -> io::Result<Detached> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["up", "--background", "--config"])
        .arg(config)
        .args(others)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
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

/// Leaves the session of the one who started us, so that its end is not ours.
pub(crate) fn leave_session() {
    // Fails only for the leader of a process group, which is in nobody's way.
    let _ = rustix::process::setsid();
}

/// Tells the one who waits in [`spawn`].
pub(crate) fn say_ready() -> io::Result<()> {
    let line = format!("{READY}\n");
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        let count = rustix::io::retry_on_intr(|| rustix::io::write(rustix::stdio::stdout(), rest))?;
        rest = rest.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Lets go of the terminal or the pipe of whoever started the host, which may wait for its end: the standard streams go
/// nowhere.
pub(crate) fn let_go_of_streams() -> io::Result<()> {
    redirect_streams(&std::fs::OpenOptions::new().write(true).open("/dev/null")?)
}

/// The standard streams go to `log`: nothing of the host writes there, but the C library or Rust's runtime may have a last
/// word.
pub(crate) fn redirect_streams_to(log: &Path) -> io::Result<()> {
    redirect_streams(&open_log(log)?)
}

fn redirect_streams(file: &std::fs::File) -> io::Result<()> {
    rustix::stdio::dup2_stdout(file)?;
    Ok(rustix::stdio::dup2_stderr(file)?)
}
