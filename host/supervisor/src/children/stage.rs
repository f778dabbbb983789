//! The exec stage as the host sees it: its program, what it is called with, and its report. A child runs it for a moment before
//! its own program, if the spec asks for something that only the child can set on itself, or where the host has raised its own
//! limit on open files and is the parent of the child: `posix_spawn` cannot set limits, and a limit that is set from outside
//! comes too late for a program that reads it first.

use std::ffi::CString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use provost_keeper::stage::{STAGE_NAME, StepFailure, Steps};
use rustix::fs::{Mode, OFlags};
use tokio::io::Interest;

use super::command::Prepared;
use super::ends::pipe;
use super::watched::registered;

/// The first descriptor of a child that is not one of its standard streams.
const FIRST: i32 = 3;

/// The program of the stage, which is opened when it is needed for the first time. Clones are the same program.
#[derive(Clone)]
pub struct StageProgram(Arc<Inner>);

struct Inner {
    open: fn() -> io::Result<OwnedFd>,
    file: OnceLock<OwnedFd>,
}

impl StageProgram {
    /// Returns the program that `open` opens; it calls [`run_if_stage`](crate::run_if_stage) before it does anything else.
    #[must_use]
    pub fn new(open: fn() -> io::Result<OwnedFd>) -> Self {
        Self(Arc::new(Inner { open, file: OnceLock::new() }))
    }

    fn file(&self) -> io::Result<BorrowedFd<'_>> {
        if let Some(file) = self.0.file.get() {
            return Ok(file.as_fd());
        }
        let opened = (self.0.open)()?;
        // Another thread may have been faster; its file is as good.
        Ok(self.0.file.get_or_init(|| opened).as_fd())
    }
}

impl Default for StageProgram {
    /// Returns the program of this process.
    fn default() -> Self {
        Self::new(|| {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            Ok(rustix::fs::open("/proc/self/exe", flags, Mode::empty())?)
        })
    }
}

impl fmt::Debug for StageProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageProgram").finish_non_exhaustive()
    }
}

/// A call of the stage that is ready to be executed.
#[derive(Debug)]
pub(super) struct Staged {
    /// The path of the stage, as the child sees it.
    pub(super) program: CString,
    /// Its arguments, its own name first.
    pub(super) arguments: Vec<CString>,
    /// The descriptors that the child gets after its own, which have the numbers 3, 4 and so on. Each is above those numbers itself.
    pub(super) files: Vec<OwnedFd>,
    /// Where a failure of a step arrives.
    pub(super) report: Report,
}

impl Staged {
    /// Returns the call by which the stage takes the steps and executes the command. `own` is the number of descriptors that
    /// the program itself gets, and `procs` the `cgroup.procs` of its cgroup.
    pub(super) fn new(
        stage: &StageProgram,
        mut steps: Steps,
        command: &Prepared,
        own: usize,
        procs: Option<BorrowedFd<'_>>,
    ) -> io::Result<Self> {
        let (report, reported) = pipe()?;
        let mut files = Vec::new();
        let mut add = |file: BorrowedFd<'_>| {
            // Above the numbers of the child, so that none is overwritten before it is there.
            files.push(rustix::io::fcntl_dupfd_cloexec(file, FIRST + ABOVE)?);
            io::Result::Ok(FIRST - 1 + i32::try_from(own + files.len()).map_err(io::Error::other)?)
        };
        let program = add(stage.file()?)?;
        steps.program = Some(program);
        steps.report = add(reported.as_fd())?;
        steps.cgroup = procs.map(&mut add).transpose()?;
        let own = [CString::new(STAGE_NAME)?, CString::new(steps.to_string())?, command.program.clone()];
        Ok(Self {
            program: CString::new(format!("/proc/self/fd/{program}"))?,
            arguments: own.into_iter().chain(command.arguments.iter().cloned()).collect(),
            files,
            report: Report(report),
        })
    }
}

/// More than the number of descriptors that a child is given.
const ABOVE: i32 = 64;

/// The end of the pipe at which a failure of a step arrives.
#[derive(Debug)]
pub(super) struct Report(OwnedFd);

impl Report {
    /// Waits until the stage has executed the program; returns the step that failed if it could not. It blocks this thread.
    pub(super) fn wait(self) -> io::Result<Option<StepFailure>> {
        let mut bytes = Vec::with_capacity(StepFailure::LEN);
        File::from(self.0).take(StepFailure::LEN as u64).read_to_end(&mut bytes)?;
        Ok(StepFailure::read(&bytes))
    }

    /// Does the same without blocking a thread.
    pub(super) async fn arrived(self) -> io::Result<Option<StepFailure>> {
        rustix::io::ioctl_fionbio(&self.0, true)?;
        let report = registered(Arc::new(self.0), Interest::READABLE)?;
        loop {
            let mut ready = report.readable().await?;
            let mut bytes = [0; StepFailure::LEN];
            // A pipe takes so few bytes at once or not at all.
            let read = ready.try_io(|report| Ok(rustix::io::read(report.get_ref(), &mut bytes)?));
            if let Ok(read) = read {
                return Ok(StepFailure::read(bytes.get(..read?).unwrap_or_default()));
            }
        }
    }
}
