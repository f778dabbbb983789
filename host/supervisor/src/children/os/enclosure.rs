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
    /// The shortage if it would like to have one, and has none.
    without: Option<Without>,
}

#[derive(Debug)]
struct Without {
    degraded: Degraded,
    process: Arc<str>,
    why: Arc<str>,
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
                let without = Without { degraded: degraded.clone(), process: spec.name.clone(), why };
                Ok(Self { open: None, without: Some(without) })
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
        (self.open.take().map(|open| open.cgroup), self.without.take().map(Without::hold))
    }
}

impl Without {
    fn hold(self) -> Shortage {
        let Self { degraded, process, why } = self;
        degraded.hold(&lack(&process), format!("{process} runs without its cgroup: {why}"))
    }
}

impl Drop for Enclosure {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.cgroups.end(&open.cgroup);
        }
    }
}

/// Returns what is held while a process of a former host runs without the cgroup that it would like to have.
pub(super) fn missed(degraded: &Degraded, spec: &ProcessSpec, cgroup: Option<&Cgroup>) -> Option<Shortage> {
    let is_missed = cgroup.is_none() && spec.cgroup.as_ref().is_some_and(|wanted| wanted.is_optional);
    is_missed.then(|| {
        let (degraded, process) = (degraded.clone(), spec.name.clone());
        Without { degraded, process, why: Arc::from("it was started without one") }.hold()
    })
}
