//! Going to the background: the command runs itself again, and waits until that says it is set up.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

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
    /// It ended before that, with this exit code; it has said why.
    Ended(u8),
}

/// Runs `provost up --background` on the config, and waits for its word.
pub(crate) fn spawn(config: &Path) -> io::Result<Detached> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["up", "--background", "--file"]).arg(config).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut word = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut word)?;
    }
    if word.trim_end() == READY {
        return Ok(Detached::Up { pid: child.id() });
    }
    let code = child.wait()?.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(Detached::Ended(code))
}

/// Leaves the session of the one who started us, so that its end is not ours.
pub(crate) fn leave_session() {
    // Fails only for the leader of a process group, which is in nobody's way.
    let _ = rustix::process::setsid();
}

/// Tells the one who waits in [`spawn`], and lets go of its terminal: what is said from now on goes to `log`.
pub(crate) fn say_ready(log: &Path) -> io::Result<()> {
    let file = open_log(log)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{READY}")?;
    stdout.flush()?;
    rustix::stdio::dup2_stdout(&file)?;
    rustix::stdio::dup2_stderr(&file)?;
    Ok(())
}

/// The log of a host in the background.
pub(crate) fn open_log(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}
