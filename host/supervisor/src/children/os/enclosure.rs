//! The cgroup of a child that is being started. Without the child it is removed again.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use provost_state::Incarnation;

use super::request::Failure;
use crate::children::cgroups::{Cgroup, Cgroups, Made};
use crate::degraded::{Degraded, Shortage};
use crate::spec::ProcessSpec;

/// Returns the entry in [`Degraded`] while a process runs without the cgroup that it would like to have.
fn lack(process: &str) -> String {
    format!("the cgroup of {process}")
}

/// The cgroup of a start, if it has one.
#[derive(Debug, Default)]
pub(super) struct Enclosure {
    open: Option<Open>,
    /// Held if it would like to have one, and has none.
    without: Option<Shortage>,
}

#[derive(Debug)]
struct Open {
    cgroups: Cgroups,
    cgroup: Arc<Cgroup>,
    procs: OwnedFd,
}

impl Enclosure {
    /// Makes the cgroup that the spec asks for. A check has none.
    pub(super) fn make(
        cgroups: &Cgroups,
        degraded: &Degraded,
        spec: &ProcessSpec,
        incarnation: Option<Incarnation>,
    ) -> Result<Self, Failure> {
        let (Some(wanted), Some(incarnation)) = (&spec.cgroup, incarnation) else {
            return Ok(Self::default());
        };
        match cgroups.make(wanted, &spec.name, incarnation) {
            Ok(Made { cgroup, procs }) => {
                let open = Open { cgroups: cgroups.clone(), cgroup, procs };
                Ok(Self { open: Some(open), without: None })
            }
            Err(why) if wanted.is_optional => {
                let reason = format!("{} runs without its cgroup: {why}", spec.name);
                Ok(Self { open: None, without: Some(degraded.hold(&lack(&spec.name), reason)) })
            }
            Err(why) => Err(Failure::Refused(Arc::from(format!("it cannot have its cgroup: {why}")))),
        }
    }

    /// Returns the file by which the child enters it.
    pub(super) fn procs(&self) -> Option<BorrowedFd<'_>> {
        self.open.as_ref().map(|open| open.procs.as_fd())
    }

    /// Returns the cgroup, which a child is in now, and what is held while it runs without the one that it would like to have.
    pub(super) fn entered(mut self) -> (Option<Arc<Cgroup>>, Option<Shortage>) {
        (self.open.take().map(|open| open.cgroup), self.without.take())
    }
}

impl Drop for Enclosure {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.cgroups.end(&open.cgroup);
        }
    }
}
