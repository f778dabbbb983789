//! How incarnations end.

use std::fmt;
use std::sync::Arc;

use super::ids::Incarnation;
use super::moment::Moment;
use super::signal::signal_name;

/// A life that lasted at least this long ends a streak of failures: its failure counts as the first again.
pub const STREAK_FORGOTTEN_AFTER_MS: u64 = 60_000;

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal.
    Signal(i32),
    /// It could not be started at all, for this reason.
    NotSpawned(Arc<str>),
    /// It did not become ready in time, and the host ended it. The text says which check failed last and why.
    /// This is a failure, whatever the exit code was.
    NotReady(Arc<str>),
    /// It ended, and its exit status could not be observed.
    Unobserved,
}

impl Exit {
    /// Whether it exited with code 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Code(0))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(number) => write!(f, "killed by {}", signal_name(*number)),
            Self::NotSpawned(why) => write!(f, "could not be started: {why}"),
            Self::NotReady(why) => write!(f, "did not become ready in time: {why}"),
            Self::Unobserved => write!(f, "ended unobserved"),
        }
    }
}

/// One unasked end, as it is kept in the tally (s6's death tally).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Which life ended.
    pub incarnation: Incarnation,
    /// How it ended.
    pub exit: Exit,
    /// When it ended.
    pub at: Moment,
    /// How long it had lived, in milliseconds; 0 if it was never spawned.
    pub uptime_ms: u64,
}

impl Death {
    /// Whether the life lasted at least [`STREAK_FORGOTTEN_AFTER_MS`], so that its failure counts as the first again.
    #[must_use]
    pub fn ends_streak(&self) -> bool {
        self.uptime_ms >= STREAK_FORGOTTEN_AFTER_MS
    }
}
