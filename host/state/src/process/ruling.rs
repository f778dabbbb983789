//! Decisions after the host has bounded them, and the possible decisions about a death.

use std::fmt;
use std::sync::Arc;

/// The name under which the decisions of the policy of last resort are recorded.
pub(crate) const FAILSAFE: &str = "failsafe";

/// A decision after the host has bounded it: what will be done, who decided it, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<A> {
    /// What will be done.
    pub action: A,
    /// The policy that decided, or `failsafe`.
    pub by: Arc<str>,
    /// Why, in words for people.
    pub reason: Arc<str>,
    /// What went wrong before it: the policies that failed, were overruled or clamped, in words for people.
    pub overruled: Option<Arc<str>>,
}

/// The verdict on a death.
pub type Ruling = Verdict<RulingAction>;

impl<A> Verdict<A> {
    /// Returns the reason, with who gave it and what went wrong before, for the state of a process.
    #[must_use]
    pub fn told(&self) -> String {
        let by = if *self.by == *FAILSAFE { String::new() } else { format!(" (policy {})", self.by) };
        match &self.overruled {
            Some(overruled) => format!("{overruled}; {}{by}", self.reason),
            None => format!("{}{by}", self.reason),
        }
    }
}

impl Ruling {
    /// Whether other processes are started again, too.
    #[must_use]
    pub fn restarts_others(&self) -> bool {
        matches!(self.action, RulingAction::Restart { scope: Scope::Group | Scope::Rest, .. })
    }
}

/// Which processes are started again: the strategies of OTP's supervisors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The process alone: one-for-one.
    #[default]
    Itself,
    /// All processes of its group: one-for-all.
    Group,
    /// The process and those that come after it in its group: rest-for-one.
    Rest,
}

/// What else happens when a process is given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Escalation {
    /// Nothing.
    #[default]
    Nothing,
    /// The processes that depend on it, directly or not, are stopped.
    StopDependents,
    /// All processes of its group are stopped and given up.
    GiveUpGroup,
    /// The host stops everything in order, and exits with this code.
    ShutDown {
        /// The exit code of the host.
        code: u8,
    },
}

/// What will be done about a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulingAction {
    /// Start the process again.
    Restart {
        /// The delay before it, in milliseconds.
        delay_ms: u64,
        /// Which processes are started again.
        scope: Scope,
    },
    /// Leave the process down: it is done.
    StayDown,
    /// Give up the process.
    GiveUp(Escalation),
}

impl RulingAction {
    /// Returns the action that restarts the process alone after `delay_ms` milliseconds.
    #[must_use]
    pub fn restart(delay_ms: u64) -> Self {
        Self::Restart { delay_ms, scope: Scope::Itself }
    }
}

impl fmt::Display for Scope {
    /// Writes the words that follow `restart`: none for the process alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Itself => "",
            Self::Group => " with its whole group",
            Self::Rest => " with the rest of its group",
        })
    }
}

impl fmt::Display for Escalation {
    /// Writes the words that follow `give up`: none if nothing else happens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::StopDependents => write!(f, " and stop its dependents"),
            Self::GiveUpGroup => write!(f, " with its whole group"),
            Self::ShutDown { code } => write!(f, " and shut the host down with code {code}"),
        }
    }
}

impl fmt::Display for RulingAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restart { delay_ms: 0, scope } => write!(f, "restart{scope} now"),
            Self::Restart { delay_ms, scope } => write!(f, "restart{scope} in {delay_ms} ms"),
            Self::StayDown => write!(f, "stay down"),
            Self::GiveUp(escalation) => write!(f, "give up{escalation}"),
        }
    }
}
