//! A request to start a program, and what became of it.

use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use provost_keeper::stage::{Step, StepFailure};
use provost_state::Incarnation;

use crate::children::cgroups::Cgroup;
use crate::children::command::{Prepared, exec_error};
use crate::children::{LifeEnv, Output};
use crate::degraded::Shortage;
use crate::gave::Given;
use crate::jobs::Lost;
use crate::spec::{CommandLine, ProcessSpec};

/// A request to start a program.
pub(super) struct SpawnRequest {
    pub(super) line: CommandLine,
    pub(super) spec: Arc<ProcessSpec>,
    /// `None` for a check.
    pub(super) incarnation: Option<Incarnation>,
    pub(super) env: LifeEnv,
}

/// A child that has just been started.
pub(super) struct Started {
    pub(super) pid: u32,
    pub(super) pidfd: Arc<OwnedFd>,
    pub(super) output: Option<Output>,
    /// The end that keeps its standard input open.
    pub(super) stdin: Option<Arc<OwnedFd>>,
    /// The end of its readiness descriptor that this host reads.
    pub(super) ready: Option<Arc<OwnedFd>>,
    pub(super) vars: LifeEnv,
    pub(super) given: Given,
    /// Its cgroup, if it has one of its own.
    pub(super) cgroup: Option<Arc<Cgroup>>,
    /// Held while it runs without a cgroup that it would like to have.
    pub(super) without: Option<Shortage>,
}

/// Why there is no child.
pub(super) enum Failure {
    /// The command cannot be run, for this reason.
    Refused(Arc<str>),
    /// The machine is short of something at the moment.
    Short(io::Error),
}

impl From<Arc<str>> for Failure {
    fn from(why: Arc<str>) -> Self {
        Self::Refused(why)
    }
}

impl From<Lost> for Failure {
    fn from(lost: Lost) -> Self {
        Self::Refused(Arc::from(lost.to_string()))
    }
}

impl Failure {
    /// Tells a shortage from an error of the program.
    pub(super) fn of(error: io::Error, prepared: &Prepared, spec: &ProcessSpec) -> Self {
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::ENOSPC | libc::EPIPE) => {
                Self::Short(error)
            }
            _ => Self::Refused(Arc::from(exec_error(prepared, spec, &error))),
        }
    }

    /// Tells what a failed step of the exec stage is. The exec itself fails as one without the stage does.
    pub(super) fn of_step(failure: StepFailure, prepared: &Prepared, spec: &ProcessSpec) -> Self {
        let error = io::Error::from_raw_os_error(failure.errno);
        if failure.step != Step::Exec {
            return Self::Refused(step_error(&failure.step, failure.errno));
        }
        match (Self::of(error, prepared, spec), &spec.setup.user) {
            (Self::Refused(why), Some(user)) if failure.errno == libc::EACCES => {
                Self::Refused(Arc::from(format!("{why}; it runs as the user `{user}`")))
            }
            (other, _) => other,
        }
    }
}

/// Says that a step failed: `the user cannot be changed: EPERM`, and what to do about it where that is known.
fn step_error(step: &dyn Display, errno: i32) -> Arc<str> {
    let why = match errno {
        libc::EPERM => "EPERM (the host is not allowed to: does it run as root?)".to_owned(),
        libc::EINVAL => "EINVAL (the kernel does not take this value)".to_owned(),
        other => io::Error::from_raw_os_error(other).to_string(),
    };
    Arc::from(format!("{step}: {why}"))
}

/// The faults that tests inject between the preparation of a start and its execution.
pub(super) fn faults(spec: &ProcessSpec) -> Result<(), Failure> {
    fail::fail_point!("spawn.fork", |errno| Err(Failure::Short(io::Error::from_raw_os_error(
        errno.and_then(|errno| errno.parse().ok()).unwrap_or(libc::EAGAIN)
    ))));
    fail::fail_point!("spawn.exec", spec.name.starts_with("hang"), |_| Err(Failure::Refused(Arc::from(
        "on purpose"
    ))));
    let _ = spec;
    Ok(())
}
