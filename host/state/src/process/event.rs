//! The events that can happen to a process.

use std::sync::Arc;

use strum::{EnumCount, EnumDiscriminants, VariantArray};

use super::cause::Cause;
use super::exit::Exit;
use super::health::{Failing, Health};
use super::moment::Moment;
use super::ruling::Ruling;
use crate::words::array;

/// Something that happened to a process. Facts and decisions alike enter the registry as events.
#[derive(Clone, Debug, PartialEq, EnumDiscriminants)]
#[strum_discriminants(
    name(EventKind),
    doc = "An event without its data.",
    derive(Hash, EnumCount, VariantArray)
)]
pub enum Event {
    /// The process is requested up. If the cause is the boot, a user or the API (and not, for example, a policy or a
    /// health check), its deaths and failures are forgotten, as by systemd's `reset-failed`.
    Start {
        /// Who requests it.
        cause: Cause,
        /// The reason, in words for people.
        reason: Arc<str>,
    },
    /// The process is requested down; its child, if it has one, is sent its stop signal.
    Stop {
        /// Who requests it.
        cause: Cause,
        /// The reason, in words for people.
        reason: Arc<str>,
        /// When SIGKILL follows if there is a child.
        kill_at: Moment,
    },
    /// The start of the process is held back.
    Wait {
        /// What holds it back: a dependency, a policy or the host itself.
        cause: Cause,
        /// The reason, in words for people.
        reason: Arc<str>,
    },
    /// A child was spawned: a new incarnation.
    Spawned {
        /// The process id of the group's leader.
        pid: u32,
        /// Why it was spawned now, in words for people.
        reason: Arc<str>,
    },
    /// No child could be spawned.
    SpawnFailed {
        /// The error, in words for people.
        error: Arc<str>,
    },
    /// The readiness check fails, with another result than before.
    NotReady {
        /// The failing check.
        failing: Arc<Failing>,
    },
    /// The process has not become ready in time and is sent its stop signal. Its exit is judged like an unasked one.
    Overdue {
        /// The reason, in words for people.
        reason: Arc<str>,
        /// When SIGKILL follows.
        kill_at: Moment,
    },
    /// The readiness check passed.
    Ready {
        /// The reason, in words for people.
        reason: Arc<str>,
    },
    /// The child ended.
    Exited {
        /// How it ended.
        exit: Exit,
        /// Whether the kernel has ended it because memory ran out.
        out_of_memory: bool,
    },
    /// A decision was made about the death of the process.
    Decided {
        /// The decision, with who made it and why.
        ruling: Arc<Ruling>,
    },
    /// The process was given up, because of other processes or because a policy refused its start.
    Refused {
        /// The reason, in words for people.
        reason: Arc<str>,
    },
    /// The result of the health checks has changed.
    Health {
        /// The new health.
        health: Health,
        /// The reason, in words for people.
        reason: Arc<str>,
        /// The last check, if it failed.
        failing: Option<Arc<Failing>>,
    },
    /// The task that owned the process ended unexpectedly, and another task has taken over the process and its child.
    /// Nothing else changes.
    TakenOver {
        /// The reason, in words for people.
        reason: Arc<str>,
    },
}

impl EventKind {
    /// All kinds of events.
    pub const ALL: [Self; Self::COUNT] = array(Self::VARIANTS);
}

impl Event {
    /// Returns the event without its data.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.into()
    }
}
