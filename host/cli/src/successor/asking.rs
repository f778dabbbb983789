//! Running a program to ask what it says of itself, before it takes the place of this one. It may be anything: it has a time
//! limit, its output has a bound, and it is executed by the descriptor that the keeper executes later.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use provost_supervisor::KEEPER_VARIABLE;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::about::{About, Before, Keeper, Spoken};
use super::carried::{CarriedKeeper, file_in_memory};
use crate::render::humane::one_line;

/// How long a program may take to answer.
const ANSWERS_WITHIN: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// How long its output may take when it has ended.
const OUTPUT_WITHIN: Duration = Duration::from_secs(1);

/// How much of each of its outputs is read, in bytes.
const OUTPUT_BYTES_MAX: u64 = 256 << 10;

/// How much of what it says is shown, in characters.
const SHOWN: usize = 300;

/// Why a program cannot take the place of this one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFit {
    /// It cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Unopened { path: PathBuf, source: io::Error },
    /// It is a directory, or nobody may execute it.
    #[error("{} is not a file that can be executed", .0.display())]
    NotExecutable(PathBuf),
    /// It cannot be executed here.
    #[error("{} cannot be executed: {source}", path.display())]
    NotExecuted { path: PathBuf, source: io::Error },
    /// It has not answered in time.
    #[error("{} does not say within 10 s what it is, and was killed", .0.display())]
    Hangs(PathBuf),
    /// It is another kind of program, or too old to be asked.
    #[error("{} is not a provost that can take the place of this one: {said}", path.display())]
    Foreign { path: PathBuf, said: String },
    /// It does not understand what this one leaves.
    #[error("{} (version {version}) cannot go on where this host ends: {why}", path.display())]
    Strange { path: PathBuf, version: String, why: &'static str },
    /// It needs the keeper that it carries, which cannot be had of it.
    #[error("{} (version {version}) needs another keeper than the one that runs, and does not give the one that it carries: {why}", path.display())]
    Withheld { path: PathBuf, version: String, why: String },
    /// It does not accept the config.
    #[error("{} (version {version}) does not accept the config: {report}", path.display())]
    OtherConfig { path: PathBuf, version: String, report: String },
}

impl NotFit {
    /// Returns what to do next.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Unopened { .. } | Self::NotExecutable(_) => {
                "name the program of the new version; the host runs as another user perhaps, and from another directory"
            }
            Self::NotExecuted { .. } => {
                "is it a program for this machine, and on a file system that allows it?"
            }
            Self::Hangs(_) => "run it by hand: `PROGRAM --version`",
            Self::Foreign { .. } => {
                "name a program of provost; a version without `upgrade` takes `provost down` and `up`"
            }
            Self::Strange { .. } | Self::Withheld { .. } => {
                "upgrade to a version between the two first, or use `provost down` and `up`"
            }
            Self::OtherConfig { .. } => "`PROGRAM validate` shows the whole report; nothing was changed",
        }
    }
}

/// A program that is fit to take the place of this one.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// The program, opened once.
    pub(crate) program: OwnedFd,
    /// What it says of itself.
    pub(crate) about: About,
    /// The keeper that has to take the place of the one that runs first, if any.
    pub(crate) keeper: Option<CarriedKeeper>,
}

impl Candidate {
    /// Opens the program at this path and asks it what it is, and what it says to this config. It waits for the program. The keeper
    /// that runs speaks these versions.
    ///
    /// # Errors
    /// [`NotFit`].
    pub(crate) fn at(path: &Path, config: &Path, running: Spoken) -> Result<Self, NotFit> {
        let path_of = || path.to_owned();
        let unopened = |source: io::Error| NotFit::Unopened { path: path_of(), source };
        let program = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| unopened(error.into()))?;
        let file = File::from(program);
        let metadata = file.metadata().map_err(unopened)?;
        if !metadata.is_file() || metadata.mode() & 0o111 == 0 {
            return Err(NotFit::NotExecutable(path_of()));
        }
        let said = ask(&file, config).map_err(|source| NotFit::NotExecuted { path: path_of(), source })?;
        let Said { status, output, error } = said.ok_or_else(|| NotFit::Hangs(path_of()))?;
        let about = About::read(&output).filter(|_| status.success()).ok_or_else(|| NotFit::Foreign {
            path: path_of(),
            said: words(status, if error.is_empty() { &output } else { &error }),
        })?;
        let version = about.version.clone();
        let before = match about.before(running, About::stash_of_this()) {
            Ok(before) => before,
            Err(why) => return Err(NotFit::Strange { path: path_of(), version, why }),
        };
        if let Some(report) = about.config_error.clone() {
            return Err(NotFit::OtherConfig { path: path_of(), version, report });
        }
        let keeper = match before {
            Before::Nothing => None,
            Before::Keeper(keeper) => {
                let withheld =
                    |why: io::Error| NotFit::Withheld { path: path_of(), version, why: why.to_string() };
                Some(keeper_of(&file, keeper).map_err(withheld)?)
            }
        };
        Ok(Self { program: file.into(), about, keeper })
    }
}

/// What a program has said before it ended.
struct Said {
    status: ExitStatus,
    output: Vec<u8>,
    error: Vec<u8>,
}

/// Asks the program what it is; `None` if it has not ended in time.
fn ask(program: &File, config: &Path) -> io::Result<Option<Said>> {
    run(program, &["--config".as_ref(), config.as_os_str()], Stdio::piped())
}

/// Has the program write down the keeper that it carries.
fn keeper_of(program: &File, about: Keeper) -> io::Result<CarriedKeeper> {
    let file = file_in_memory()?;
    let said = run(program, &["--keeper".as_ref()], file.try_clone()?.into())?;
    let Said { status, error, .. } = said.ok_or(io::ErrorKind::TimedOut)?;
    if !status.success() {
        return Err(io::Error::other(words(status, &error)));
    }
    CarriedKeeper::written(file, about)
}

/// Runs the program with the command `about` and these arguments; `None` if it has not ended in time.
fn run(program: &File, arguments: &[&OsStr], output: Stdio) -> io::Result<Option<Said>> {
    let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
    command
        .arg0("provost")
        .arg("about")
        .args(arguments)
        .env_remove(KEEPER_VARIABLE)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::piped());
    let mut running = Running(command.spawn()?);
    let output = running.0.stdout.take().map(read).transpose()?;
    let error = running.0.stderr.take().map(read).transpose()?;
    let Some(status) = running.wait()? else { return Ok(None) };
    let all = |read: Option<Receiver<Vec<u8>>>| {
        read.and_then(|read| read.recv_timeout(OUTPUT_WITHIN).ok()).unwrap_or_default()
    };
    Ok(Some(Said { status, output: all(output), error: all(error) }))
}

/// Reads an output on another thread, because a program may write to both. One that writes more than the bound is ended by a
/// signal of the pipe.
fn read(from: impl Read + Send + 'static) -> io::Result<Receiver<Vec<u8>>> {
    let (done, read) = channel();
    std::thread::Builder::new().name("provost-asking".into()).spawn(move || {
        let mut bytes = Vec::new();
        // What was read until an error is all that there is, and nobody may wait for it any more.
        let _ = from.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes);
        let _ = done.send(bytes);
    })?;
    Ok(read)
}

/// Returns how a program has ended and what it said, on one line.
fn words(status: ExitStatus, said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let line: String = one_line(&line).chars().take(SHOWN).collect();
    let end = match (status.code(), status.signal()) {
        (Some(code), _) => format!("asked what it is, it exits with {code}"),
        (None, signal) => format!("asked what it is, it is ended by signal {}", signal.unwrap_or(0)),
    };
    if line.is_empty() { end } else { format!("{end} and says `{line}`") }
}

/// A process that is killed with its group when this is dropped before it has ended.
struct Running(Child);

impl Running {
    /// Waits for its end; `None` if it takes too long.
    fn wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let ended = pidfd_open(Pid::from_child(&self.0), PidfdFlags::empty())?;
        let mut polled = [PollFd::new(&ended, PollFlags::IN)];
        let count = rustix::io::retry_on_intr(|| poll(&mut polled, Some(&ANSWERS_WITHIN)))?;
        if count == 0 { Ok(None) } else { self.0.wait().map(Some) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that has been waited for is not killed.
        if let Ok(None) = self.0.try_wait() {
            let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn refused(path: &Path) -> String {
        let running = Spoken { keeper: (1, 1).into(), agreed: 1 };
        Candidate::at(path, Path::new("/nowhere/provost.toml"), running).unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_is_no_provost_is_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("program");
        assert!(refused(&file).contains("cannot open"));
        std::fs::write(&file, "no program").unwrap();
        assert!(refused(&file).ends_with("is not a file that can be executed"));
        assert!(refused(dir.path()).ends_with("is not a file that can be executed"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(refused(&file).contains("cannot be executed: "));
        let said = refused(Path::new("/bin/false"));
        assert!(said.contains("asked what it is, it exits with 1"), "{said}");
        let said = refused(Path::new("/bin/cat"));
        assert!(said.contains("and says `"), "{said}");
    }
}
