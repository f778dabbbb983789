//! A child of a former host that somebody held while no host was there.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use provost_state::{Exit, Incarnation, Moment};

/// A child of a former host: it lives, or its end was not acknowledged yet.
#[derive(Debug)]
pub struct Held {
    /// The name of its process.
    pub name: Arc<str>,
    /// Which life of the process it is.
    pub incarnation: Incarnation,
    /// Its process id, which is also that of its group and of its session. It belongs to no other process until the end
    /// is [acknowledged](crate::Supervisor).
    pub pid: u32,
    /// The descriptor of the child itself; `None` if the kernel or a script has none.
    pub pidfd: Option<Arc<OwnedFd>>,
    /// The reading end of its standard output, if that is captured.
    pub stdout: Option<Arc<OwnedFd>>,
    /// The reading end of its standard error; `None` if that goes where standard output goes.
    pub stderr: Option<Arc<OwnedFd>>,
    /// What was read from its pipes while no host was there: framed before anything that is still in the pipes.
    pub gap: Option<OwnedFd>,
    /// The number of bytes in `gap`.
    pub gap_bytes: u64,
    /// When it was spawned, on the clock of [`Clock::of_boot`](crate::Clock::of_boot).
    pub started_at: Moment,
    /// How and when it ended, if it has.
    pub ended: Option<HeldEnd>,
}

/// The end of a held child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldEnd {
    /// How it ended.
    pub exit: Exit,
    /// When it ended, on the clock of [`Clock::of_boot`](crate::Clock::of_boot).
    pub at: Moment,
}
