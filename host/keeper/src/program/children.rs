//! Starting a child: its pipes, the fork, the report of its exec.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use provost_posix::{Birth, Failure, List, PidVariable, Program, Target, fork};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::path::DecInt;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{PidfdFlags, pidfd_open};

use super::elders::pid_of;
use super::limits::Limits;
use super::outlet::Reader;
use crate::protocol::{Input, OWN_PID, Output, Spec, Strings};

/// A child that was forked, and what is open of it.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pid: u32,
    pub(super) pidfd: OwnedFd,
    /// Where the error of its exec arrives, until the exec has returned.
    pub(super) report: Option<OwnedFd>,
}

/// What a child is given besides its ends.
pub(super) struct Surroundings<'a> {
    pub(super) limits: &'a Limits,
    /// `/proc/self/fd`, if there is one.
    pub(super) own_files: Option<BorrowedFd<'a>>,
}

/// The ends of a child's standard input, output and error.
pub(super) struct Ends {
    stdio: [End; 3],
    files: Vec<OwnedFd>,
    /// Where its outputs are read.
    pub(super) readers: [Option<Reader>; 2],
    /// The end that keeps its standard input open.
    pub(super) input: Option<OwnedFd>,
}

enum End {
    Null,
    Fd(OwnedFd),
    Terminal,
    /// Where standard output goes.
    Same,
}

pub(super) fn errno(error: Errno) -> i32 {
    error.raw_os_error()
}

impl Ends {
    /// Opens the pipes, and takes what was given.
    pub(super) fn open(
        spec: &Spec<'_>,
        around: &Surroundings<'_>,
        mut given: impl Iterator<Item = OwnedFd>,
    ) -> Result<Self, Errno> {
        let (mut input, mut readers) = (None, [None, None]);
        let stdin = match spec.input {
            Input::Null => End::Null,
            Input::Terminal => End::Terminal,
            Input::Given => End::Fd(given.next().ok_or(Errno::BADF)?),
            Input::Pipe => {
                let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
                input = Some(writer);
                End::Fd(reader)
            }
        };
        let mut output = |output: Output, end: &mut Option<Reader>| {
            Ok(match output {
                Output::Null => End::Null,
                Output::Terminal => End::Terminal,
                Output::Same => End::Same,
                Output::Given => End::Fd(given.next().ok_or(Errno::BADF)?),
                Output::Pipe => {
                    let (reader, writer) = output_pipe(around.own_files)?;
                    *end = Some((reader, false));
                    End::Fd(writer)
                }
            })
        };
        let [first, second] = &mut readers;
        let (stdout, stderr) = (output(spec.output, first)?, output(spec.error, second)?);
        if spec.terminal.is_some() {
            let master = given.next().ok_or(Errno::BADF)?;
            if spec.output == Output::Terminal {
                readers[0] = Some((master, true));
            } else {
                // The terminal lives as long as its other side is open.
                input = Some(master);
            }
        }
        let files: Vec<OwnedFd> = given.take(usize::from(spec.files)).collect();
        if files.len() < usize::from(spec.files) {
            return Err(Errno::BADF);
        }
        Ok(Self { stdio: [stdin, stdout, stderr], files, readers, input })
    }

    /// Returns what the child is open on, in the order of its numbers.
    fn targets<'a>(&'a self, terminal: Option<&'a CStr>) -> Result<Vec<Target<'a>>, Errno> {
        let mut targets = Vec::new();
        targets.try_reserve_exact(self.stdio.len() + self.files.len()).map_err(|_| Errno::NOMEM)?;
        for end in &self.stdio {
            targets.push(match end {
                End::Null => Target::Null,
                End::Fd(fd) => Target::Fd(fd.as_fd()),
                End::Terminal => Target::Path(terminal.ok_or(Errno::NOTTY)?),
                End::Same => targets.get(1).copied().ok_or(Errno::INVAL)?,
            });
        }
        targets.extend(self.files.iter().map(|file| Target::Fd(file.as_fd())));
        Ok(targets)
    }
}

/// Opens a pipe for output. The child's end is open for reading and writing, so that it never meets a pipe without a reader.
fn output_pipe(own_files: Option<BorrowedFd<'_>>) -> Result<(OwnedFd, OwnedFd), Errno> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    let Some(own_files) = own_files else { return Ok((reader, writer)) };
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let both = rustix::fs::openat(own_files, DecInt::from_fd(&writer), flags, Mode::empty())?;
    Ok((reader, both))
}

/// Returns these strings as C wants them.
pub(super) fn list(strings: Strings<'_>) -> Result<List<'_>, Errno> {
    List::new(strings.len(), strings.iter()).map_err(|_| Errno::NOMEM)
}

/// Returns the name of a variable whose value is the process id of the child, if it is one.
fn pid_name(variable: &CStr) -> Option<&[u8]> {
    variable.to_bytes().strip_suffix(OWN_PID)?.strip_suffix(b"=")
}

/// Begins to start a child in its own session.
pub(super) fn begin(spec: &Spec<'_>, ends: &Ends, around: &Surroundings<'_>) -> Result<Child, Errno> {
    let pids: Vec<PidVariable> =
        spec.environment.iter().filter_map(pid_name).filter_map(PidVariable::new).collect();
    let others = spec.environment.iter().filter(|variable| pid_name(variable).is_none());
    let arguments = list(spec.arguments)?;
    let environment = List::with_pids(spec.environment.len(), others, &pids).map_err(|_| Errno::NOMEM)?;
    let targets = ends.targets(spec.terminal)?;
    begin_with(&Life {
        program: Program::Path(spec.program),
        arguments: &arguments,
        environment: &environment,
        pids: &pids,
        directory: spec.directory,
        descriptors: &targets,
        limits: around.limits,
        is_host: false,
    })
}

/// What is started, for both kinds of children.
pub(super) struct Life<'a> {
    pub(super) program: Program<'a>,
    pub(super) arguments: &'a List<'a>,
    pub(super) environment: &'a List<'a>,
    pub(super) pids: &'a [PidVariable],
    pub(super) directory: Option<&'a CStr>,
    pub(super) descriptors: &'a [Target<'a>],
    pub(super) limits: &'a Limits,
    /// Whether it is the host, which stays in the session and learns of the terminal's signals from the keeper.
    pub(super) is_host: bool,
}

/// SIGINT and SIGQUIT, which a terminal sends to the keeper and to the host.
const OF_TERMINAL: &[i32] = &[2, 3];

pub(super) fn begin_with(life: &Life<'_>) -> Result<Child, Errno> {
    let (report, reported) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&report, true)?;
    // Reserves a descriptor for the pidfd, which must be available once the child exists.
    let spare = rustix::io::fcntl_dupfd_cloexec(&report, 3)?;
    let pid = fork(&Birth {
        program: life.program,
        arguments: life.arguments,
        environment: life.environment,
        pids: life.pids,
        directory: life.directory,
        descriptors: life.descriptors,
        session: !life.is_host,
        ignores: if life.is_host { OF_TERMINAL } else { &[] },
        ignored: life.limits.ignored,
        open_files: life.limits.open_files,
        oom_score: life.limits.oom_score.as_deref(),
        report: reported.as_fd(),
    })
    .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))?;
    drop(spare);
    match pid_of(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::NONBLOCK)) {
        Ok(pidfd) => Ok(Child { pid, pidfd, report: Some(report) }),
        Err(error) => {
            end_at_once(pid);
            Err(error)
        }
    }
}

/// Ends and reaps a child that cannot be watched. It was forked a moment ago, and has not come further than to its own first
/// steps, so its end is awaited.
pub(super) fn end_at_once(pid: u32) {
    let _ = provost_posix::signal_process(pid, 9);
    let options = rustix::process::WaitOptions::empty();
    let _ = pid_of(pid).and_then(|pid| rustix::process::waitpid(Some(pid), options));
}

/// What the report of a child says.
pub(super) enum Exec {
    /// It has not said anything.
    Pending,
    /// Its program runs, or it has ended before that.
    Over,
    /// A step has failed.
    Failed(Failure),
}

/// Reads the report of a child.
pub(super) fn read_report(report: &OwnedFd) -> Exec {
    let mut bytes = [0; Failure::LEN];
    match rustix::io::read(report, &mut bytes) {
        Err(Errno::AGAIN | Errno::INTR) => Exec::Pending,
        Ok(count) => Failure::read(bytes.get(..count).unwrap_or_default()).map_or(Exec::Over, Exec::Failed),
        Err(_) => Exec::Over,
    }
}
