//! The states of a slot and of the host, each with the one table of what may follow what.

use super::bytes::{Malformed, Reader, Writer, numbered};

numbered! {
    /// What has become of a slot.
    SlotState, "state", {
        /// Nothing is held under this id.
        Free = 0,
        /// The child exists, its exec has not returned. It may hang there.
        Starting = 1,
        /// The program runs.
        Running = 2,
        /// The program could not be run; the child is reaped.
        Refused = 3,
        /// The main process has ended. Its zombie keeps its number, and that of its group, from being used again.
        Ended = 4,
        /// The main process has ended and is reaped: its number may be another's.
        Reaped = 5,
    }
}

/// The edges of a slot, and what takes each of them.
pub const SLOT_EDGES: &[(SlotState, SlotState)] = &[
    // `SPAWN`: the child was forked.
    (SlotState::Free, SlotState::Starting),
    // `ADOPT`: another keeper has started it; it lives, or has ended unseen.
    (SlotState::Free, SlotState::Running),
    (SlotState::Free, SlotState::Reaped),
    // The exec was successful.
    (SlotState::Starting, SlotState::Running),
    // A step before it, or the exec, was not.
    (SlotState::Starting, SlotState::Refused),
    // The main process has ended.
    (SlotState::Running, SlotState::Ended),
    // One that this keeper is not the parent of: whoever is has reaped it.
    (SlotState::Running, SlotState::Reaped),
    // `REAP`; or without a host: the group is empty, or `kill_at` has passed.
    (SlotState::Ended, SlotState::Reaped),
    // `FORGET`.
    (SlotState::Ended, SlotState::Free),
    (SlotState::Reaped, SlotState::Free),
    (SlotState::Refused, SlotState::Free),
];

impl SlotState {
    /// Whether this state may be followed by that one.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        SLOT_EDGES.contains(&(self, next))
    }

    /// Whether the number of its main process is its own, so that it can be signalled.
    pub(crate) fn has_process(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Ended)
    }
}

numbered! {
    /// What the host is to the keeper.
    HostState, "host", {
        /// There is none; one is started when its time comes.
        Absent = 0,
        /// It was started and has not sent `HELLO`.
        Greeting = 1,
        /// It has sent `HELLO`.
        Attached = 2,
        /// It said that it ends, and has not ended yet.
        Leaving = 3,
        /// It was sent SIGKILL, and has not ended yet.
        Killed = 4,
        /// There is none, and none is started until somebody asks for it.
        Down = 5,
    }
}

/// The edges of the host, and what takes each of them.
pub const HOST_EDGES: &[(HostState, HostState)] = &[
    // Its time has come.
    (HostState::Absent, HostState::Greeting),
    // It could not be started, or has ended, too often; or the keeper ends and starts no more.
    (HostState::Absent, HostState::Down),
    // `HELLO`.
    (HostState::Greeting, HostState::Attached),
    // `HELLO`, and no version in common.
    (HostState::Greeting, HostState::Leaving),
    // It has ended before it attached.
    (HostState::Greeting, HostState::Absent),
    // It has not attached in time, or broke the protocol.
    (HostState::Greeting, HostState::Killed),
    // It has ended.
    (HostState::Attached, HostState::Absent),
    // `LEAVE`.
    (HostState::Attached, HostState::Leaving),
    // It did not answer a `PING` in time, or broke the protocol.
    (HostState::Attached, HostState::Killed),
    // It has ended as it said, and the keeper starts the next one, or ends, too.
    (HostState::Leaving, HostState::Absent),
    // It has not ended in time.
    (HostState::Leaving, HostState::Killed),
    // SIGKILL was effective.
    (HostState::Killed, HostState::Absent),
    // Somebody asked for a host.
    (HostState::Down, HostState::Absent),
];

impl HostState {
    /// Whether this state may be followed by that one.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        HOST_EDGES.contains(&(self, next))
    }
}
