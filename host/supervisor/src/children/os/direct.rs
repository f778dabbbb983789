//! Starting a child of the host itself, on a thread for spawning, which it blocks for as long as its exec does.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use provost_keeper::stage::{Limit, Limited, Steps};
use provost_posix::{self as posix, Launch};
use provost_state::Signal;

use super::enclosure::Enclosure;
use super::extras::{Extras, Sockets};
use super::request::{Failure, SpawnRequest, Started, faults};
use crate::children::cgroups::Cgroups;
use crate::children::command::{Prepared, prepare};
use crate::children::ends::Ends;
use crate::children::family::{Family, pid_of};
use crate::children::pidfd::Pidfd;
use crate::children::stage::{StageProgram, Staged};
use crate::degraded::Degraded;
use crate::spec::ProcessSpec;

/// The least number of a copy of a descriptor that a child is given: above all numbers that children have.
const ABOVE: i32 = 64;

/// Starts children of the host. Clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    pub(super) family: Arc<Family>,
    /// The soft limit on open files that children get, if the host has raised its own.
    pub(super) open_files: Option<u64>,
    pub(super) stage: StageProgram,
    pub(super) cgroups: Cgroups,
    pub(super) degraded: Degraded,
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
        let enclosure = Enclosure::make(&self.cgroups, &self.degraded, spec, *incarnation)?;
        let pid = self.execute(&prepared, spec, &ends, &extras, &enclosure)?;
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
        let Prepared { vars, given, .. } = prepared;
        let (pidfd, stdin) = (Arc::new(pidfd), keep.map(Arc::new));
        let (cgroup, without) = enclosure.entered();
        let ready = extras.ready;
        Ok(Started { pid, pidfd, output, stdin, ready, vars, given, cgroup, without })
    }

    fn execute(
        &self,
        prepared: &Prepared,
        spec: &ProcessSpec,
        ends: &Ends,
        extras: &Extras,
        enclosure: &Enclosure,
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
        let failed = |error| Failure::of(error, prepared, spec);
        let Some(steps) = self.steps(prepared, extras, enclosure) else {
            return posix::spawn(&launch).map_err(failed);
        };
        let staged = Staged::new(&self.stage, steps, prepared, files.len(), enclosure.procs())
            .map_err(Failure::Short)?;
        let Staged { program, arguments, files: of_stage, report } = staged;
        let given: Vec<BorrowedFd<'_>> =
            files.iter().copied().chain(of_stage.iter().map(AsFd::as_fd)).collect();
        let launch = Launch { program: &program, arguments: &arguments, files: &given, ..launch };
        let pid = posix::spawn(&launch).map_err(failed)?;
        drop(of_stage);
        match report.wait() {
            Ok(None) => Ok(pid),
            Ok(Some(failure)) => {
                self.undo(pid);
                Err(Failure::of_step(failure, prepared, spec))
            }
            Err(error) => {
                self.undo(pid);
                Err(Failure::Short(error))
            }
        }
    }

    /// Returns the steps that the child takes before its program, if there are any.
    fn steps(&self, prepared: &Prepared, extras: &Extras, enclosure: &Enclosure) -> Option<Steps> {
        let own = self.open_files.map(|limit| (Limited::Nofile, Limit::Soft(Some(limit))));
        let is_needed = prepared.steps.is_some()
            || enclosure.procs().is_some()
            || own.is_some()
            // The stage puts the process id into the variables.
            || extras.has_own_pid();
        let mut steps = is_needed.then(|| prepared.steps.clone().unwrap_or_default())?;
        if !steps.limits.iter().any(|(limited, _)| *limited == Limited::Nofile) {
            steps.limits.extend(own);
        }
        Some(steps)
    }

    /// Kills and reaps a child that cannot be used.
    pub(super) fn undo(&self, pid: u32) {
        let _ = posix::signal_group(pid, Signal::KILL.number());
        let _ = rustix::process::waitpid(pid_of(pid), rustix::process::WaitOptions::empty());
        self.family.release(pid);
    }
}
