//! What can happen to a process.

use std::sync::Arc;

use strum::{EnumCount, EnumDiscriminants, VariantArray};

use super::cause::Cause;
use super::exit::Exit;
use super::health::{Failing, Health};
use super::moment::Moment;
use super::ruling::Ruling;
use crate::words::array;

/// Something that happened to a process. Facts and opinions alike enter the registry as one of these.
#[derive(Clone, Debug, PartialEq, EnumDiscriminants)]
#[strum_discriminants(
    name(EventKind),
    doc = "An event without its data.",
    derive(Hash, EnumCount, VariantArray)
)]
pub enum Event {
    /// It is wanted up. If somebody wants it (and not a policy or a health check), its deaths and failures are
    /// forgotten, as by systemd's `reset-failed`.
    Start {
        /// Who wants it.
        cause: Cause,
        /// In words for people.
        reason: Arc<str>,
    },
    /// It is wanted down; a child, if there is one, was told so.
    Stop {
        /// Who wants it.
        cause: Cause,
        /// In words for people.
        reason: Arc<str>,
        /// When SIGKILL follows if there is a child.
        kill_at: Moment,
    },
    /// It is held back; by what.
    Wait {
        /// Whether by what it depends on, by a policy or by something of the host's own.
        cause: Cause,
        /// In words for people.
        reason: Arc<str>,
    },
    /// A child was spawned: a new incarnation.
    Spawned {
        /// Process id of the group's leader.
        pid: u32,
        /// Why it was spawned now, in words for people.
        reason: Arc<str>,
    },
    /// No child could be spawned.
    SpawnFailed {
        /// In words for people.
        error: Arc<str>,
    },
    /// Its readiness check fails, and finds something else than before.
    NotReady {
        /// What it finds.
        failing: Arc<Failing>,
    },
    /// It has not become ready in time, and was told to end: its end is one that is judged.
    Overdue {
        /// In words for people.
        reason: Arc<str>,
        /// When SIGKILL follows.
        kill_at: Moment,
    },
    /// Its readiness check passed.
    Ready {
        /// In words for people.
        reason: Arc<str>,
    },
    /// Its child ended.
    Exited {
        /// How.
        exit: Exit,
    },
    /// It was decided what to do about its end.
    Decided {
        /// What, by whom and why.
        ruling: Arc<Ruling>,
    },
    /// It was given up, by what befell others or by a policy that refused it a start.
    Refused {
        /// In words for people.
        reason: Arc<str>,
    },
    /// Its health checks say something else than before.
    Health {
        /// What they say.
        health: Health,
        /// In words for people.
        reason: Arc<str>,
        /// What the last check found, if it failed.
        failing: Option<Arc<Failing>>,
    },
    /// The task that owned it ended unexpectedly, and another one has taken it over, with its child. Nothing else changes.
    TakenOver {
        /// In words for people.
        reason: Arc<str>,
    },
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; Self::COUNT] = array(Self::VARIANTS);
}

impl Event {
    /// The event without its data.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.into()
    }
}
