//! The names of the contract's types, for people.

use core::fmt;

use crate::{Cause, EventKind, Exit, Phase, Signal};

impl Phase {
    /// All phases, each at the position by which columns refer to it.
    ///
    /// ```
    /// use provost_guest::Phase;
    ///
    /// assert_eq!(Phase::ALL[3], Phase::Running);
    /// ```
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Waiting,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Backoff,
        Self::Exited,
        Self::Fatal,
    ];

    /// Returns the name in the contract and in `provost status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Backoff => "backoff",
            Self::Exited => "exited",
            Self::Fatal => "fatal",
        }
    }

    /// Returns the phase with this name.
    ///
    /// ```
    /// use provost_guest::Phase;
    ///
    /// assert_eq!(Phase::of_name("backoff"), Some(Phase::Backoff));
    /// assert_eq!(Phase::Backoff.name(), "backoff");
    /// ```
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }
}

impl<'de> serde::Deserialize<'de> for Phase {
    /// Reads the name of a phase from settings.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::of_name(&name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            serde::de::Error::custom(format!("there is no phase \"{name}\"; the phases are {known}"))
        })
    }
}

impl Cause {
    /// Returns the word in the contract and in `provost status -o json`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Boot => "boot",
            Self::User => "user",
            Self::Api => "api",
            Self::Policy => "policy",
            Self::Crash => "crash",
            Self::Dependency => "dependency",
            Self::Health => "health",
            Self::Schedule => "schedule",
            Self::Watch => "watch",
            Self::Reload => "reload",
            Self::Oom => "oom",
            Self::Shutdown => "shutdown",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl EventKind {
    /// Returns the word in `provost events -o json`: that of the contract, with `_` for `-`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Waiting => "waiting",
            Self::Spawned => "spawned",
            Self::SpawnFailed => "spawn_failed",
            Self::NotReady => "not_ready",
            Self::Overdue => "overdue",
            Self::Ready => "ready",
            Self::Exited => "exited",
            Self::Decided => "decided",
            Self::Refused => "refused",
            Self::Health => "health",
            Self::TakenOver => "taken_over",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Shows the end in words: `exited with code 3`, `killed by SIGKILL`, `could not be started: no such file`,
/// `did not become ready in time: …`.
impl fmt::Display for Exit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(out, "exited with code {code}"),
            Self::Signal(number) => match Signal::new(*number) {
                Some(signal) => write!(out, "killed by {signal}"),
                None => write!(out, "killed by signal {number}"),
            },
            Self::NotSpawned(why) => write!(out, "could not be started: {why}"),
            Self::NotReady(why) => write!(out, "did not become ready in time: {why}"),
            Self::Unobserved => out.write_str("ended unobserved"),
            Self::Other(how) => out.write_str(how),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_shown_in_words() {
        assert_eq!(Exit::Code(3).to_string(), "exited with code 3");
        assert_eq!(Exit::Signal(9).to_string(), "killed by SIGKILL");
        assert_eq!(Exit::Signal(31).to_string(), "killed by SIGSYS");
        assert_eq!(Exit::Signal(34).to_string(), "killed by SIGRTMIN");
        assert_eq!(Exit::Signal(37).to_string(), "killed by SIGRTMIN+3");
        assert_eq!(Exit::Signal(0).to_string(), "killed by signal 0");
        assert_eq!(Exit::NotSpawned("no".into()).to_string(), "could not be started: no");
        assert_eq!(Exit::Unobserved.to_string(), "ended unobserved");
        assert_eq!(Exit::NotReady("no answer".into()).to_string(), "did not become ready in time: no answer");
        assert_eq!(Exit::Other("was frozen".into()).to_string(), "was frozen");
    }

    /// `types.wit` has the words; each case is named as it is there, and a later one as the host says.
    #[test]
    fn causes_and_kinds_have_the_words_of_the_contract() {
        let contract = include_str!("../wit/types.wit");
        let cases = |variant: &str| {
            let (_, rest) = contract.split_once(&format!("variant {variant} {{")).expect("it is there");
            let (cases, _) = rest.split_once("    }").expect("it ends");
            let cases =
                cases.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.is_empty());
            cases.map(|case| case.trim_end_matches(',').replace('-', "_")).collect::<Vec<_>>()
        };
        let causes = [
            Cause::Boot,
            Cause::User,
            Cause::Api,
            Cause::Policy,
            Cause::Crash,
            Cause::Dependency,
            Cause::Health,
            Cause::Schedule,
            Cause::Watch,
            Cause::Reload,
            Cause::Oom,
            Cause::Shutdown,
            Cause::Other("other(string)".into()),
        ];
        assert_eq!(causes.map(|cause| cause.to_string()).to_vec(), cases("cause"));
        let kinds = [
            EventKind::Added,
            EventKind::Removed,
            EventKind::Start,
            EventKind::Stop,
            EventKind::Waiting,
            EventKind::Spawned,
            EventKind::SpawnFailed,
            EventKind::NotReady,
            EventKind::Overdue,
            EventKind::Ready,
            EventKind::Exited,
            EventKind::Decided,
            EventKind::Refused,
            EventKind::Health,
            EventKind::TakenOver,
            EventKind::Other("other(string)".into()),
        ];
        assert_eq!(kinds.map(|kind| kind.to_string()).to_vec(), cases("event-kind"));
    }

    #[test]
    fn a_phase_is_at_its_position_in_the_contract() {
        for (position, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, position);
            assert_eq!(Phase::of_name(phase.name()), Some(phase));
        }
    }
}
