//! The enumerations without data. Their variants have the numbers of their order, so a new one is added at the end; a program
//! that does not know it passes over the record.

use provost_state::{Backend, Cause, ChangeKind, Desired, EventKind, FaultKind, Health, PhaseKind, Scope};
use serde::{Deserialize, Serialize};

macro_rules! mirror {
    ($name:ident of $of:ident { $($variant:ident),* $(,)? }) => {
        #[derive(Clone, Copy, Serialize, Deserialize)]
        pub(super) enum $name { $($variant),* }

        impl From<$of> for $name {
            fn from(from: $of) -> Self {
                match from { $($of::$variant => Self::$variant),* }
            }
        }

        impl From<$name> for $of {
            fn from(from: $name) -> Self {
                match from { $($name::$variant => Self::$variant),* }
            }
        }
    };
}

mirror!(CauseV1 of Cause {
    Boot, User, Api, Policy, Crash, Dependency, Health, Schedule, Watch, Reload, Oom, Shutdown,
});
mirror!(DesiredV1 of Desired { Up, Down });
mirror!(HealthV1 of Health { Unknown, Healthy, Degraded, Unhealthy });
mirror!(PhaseKindV1 of PhaseKind { Stopped, Waiting, Starting, Running, Stopping, Backoff, Exited, Fatal });
mirror!(ScopeV1 of Scope { Itself, Group, Rest });
mirror!(BackendWordV1 of Backend { Atomic, Locked, Dual });
mirror!(FaultKindV1 of FaultKind {
    Refused, Compiling, Quarantined, Unloaded, Trap, Deadline, Memory, Fuel, Answer, Busy,
});
mirror!(EventKindV1 of EventKind {
    Start, Stop, Wait, Spawned, SpawnFailed, NotReady, Overdue, Ready, Exited, Decided, Refused, Health, TakenOver,
});

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum ChangeKindV1 {
    Added,
    Removed,
    Event(EventKindV1),
}

impl From<ChangeKind> for ChangeKindV1 {
    fn from(from: ChangeKind) -> Self {
        match from {
            ChangeKind::Added => Self::Added,
            ChangeKind::Removed => Self::Removed,
            ChangeKind::Event(kind) => Self::Event(kind.into()),
        }
    }
}

impl From<ChangeKindV1> for ChangeKind {
    fn from(from: ChangeKindV1) -> Self {
        match from {
            ChangeKindV1::Added => Self::Added,
            ChangeKindV1::Removed => Self::Removed,
            ChangeKindV1::Event(kind) => Self::Event(kind.into()),
        }
    }
}
