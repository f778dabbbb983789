//! Starting a child of the host itself, on a thread for spawning, which it blocks for as long as its exec does.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use provost_posix::{self as posix, Launch};
use provost_state::Signal;

use super::extras::{Extras, Sockets};
use super::request::{Failure, SpawnRequest, Started, faults};
use crate::children::command::{Prepared, prepare};
use crate::children::ends::{Ends, pipe};
use crate::children::family::{Family, pid_of};
use crate::children::pidfd::Pidfd;
use crate::children::stage;
use crate::spec::ProcessSpec;

/// The least number of a copy of a descriptor that a child is given: above all numbers that children have.
const ABOVE: i32 = 64;

/// Starts children of the host. Clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    pub(super) family: Arc<Family>,
    /// The soft limit on open files that children get, if the host has raised its own.
    pub(super) open_files: Option<u64>,
    pub(super) sockets: Sockets,
}

impl Direct {
    /// Starts the child. Blocks for as long as its exec does.
    pub(super) fn start(&self, request: &SpawnRequest) -> Result<Started, Failure> {
        let SpawnRequest { line, spec, incarnation, env } = request;
        let extras = incarnation
            .map(|incarnation| Extras::open(spec, incarnation, &self.sockets))
            .transpose()?
            .unwrap_or_default();
        let prepared = prepare(line, spec, *incarnation, env, &extras.variables)?;
        // Reserves a descriptor for the pidfd, which must be available once the child exists.
        let spare = File::open("/dev/null").map_err(Failure::Short)?;
        let ends = Ends::open(spec, incarnation.is_some()).map_err(Failure::Short)?;
        let pid = self.execute(&prepared, spec, &ends, &extras)?;
        self.family.enter(pid);
        drop(spare);
        let pidfd = match pid_of(pid).map(Pidfd::open) {
            Some(Ok(pidfd)) => pidfd,
            Some(Err(error)) => {
                self.undo(pid);
                return Err(Failure::Short(error));
            }
            None => return Err(Failure::Refused(Arc::from("the kernel gave no process id"))),
        };
        let Ends { output, keep, .. } = ends;
        let Prepared { vars, env_files, .. } = prepared;
        let ready = extras.ready;
        Ok(Started { pid, pidfd, output, stdin: keep, ready, vars, env_files })
    }

    fn execute(
        &self,
        prepared: &Prepared,
        spec: &ProcessSpec,
        ends: &Ends,
        extras: &Extras,
    ) -> Result<u32, Failure> {
        faults(spec)?;
        let copies = extras.copies(ABOVE).map_err(Failure::Short)?;
        let files: Vec<BorrowedFd<'_>> = copies.iter().map(AsFd::as_fd).collect();
        let launch = Launch {
            program: &prepared.program,
            arguments: &prepared.arguments,
            environment: &prepared.environment,
            directory: prepared.directory.as_deref(),
            stdio: ends.targets(),
            files: &files,
        };
        let needs_stage = self.open_files.is_some() || extras.has_own_pid();
        let spawned =
            if needs_stage { self.through_stage(&launch, self.open_files) } else { posix::spawn(&launch) };
        spawned.map_err(|error| Failure::of(error, prepared, spec))
    }

    /// Spawns through the exec stage, which restores the limit on open files and fills in process ids.
    fn through_stage(&self, launch: &Launch<'_>, limit: Option<u64>) -> io::Result<u32> {
        let (report, reported) = pipe()?;
        let arguments = stage::arguments(limit, launch)?;
        let reported = rustix::io::fcntl_dupfd_cloexec(reported, ABOVE)?;
        let files: Vec<BorrowedFd<'_>> = launch.files.iter().copied().chain([reported.as_fd()]).collect();
        let staged = Launch {
            program: c"/proc/self/exe",
            arguments: &arguments,
            environment: launch.environment,
            directory: launch.directory,
            stdio: launch.stdio,
            files: &files,
        };
        let pid = posix::spawn(&staged)?;
        drop(reported);
        stage::await_program(report).inspect_err(|_| self.undo(pid))?;
        Ok(pid)
    }

    /// Kills and reaps a child that cannot be used.
    pub(super) fn undo(&self, pid: u32) {
        let _ = posix::signal_group(pid, Signal::KILL.number());
        let _ = rustix::process::waitpid(pid_of(pid), rustix::process::WaitOptions::empty());
        self.family.release(pid);
    }
}
