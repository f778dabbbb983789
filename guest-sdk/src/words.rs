//! The names of the contract's types, for people.

use core::fmt;

use crate::{Exit, Phase, Signal};

impl Phase {
    /// All phases, each at the position by which columns refer to it.
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
            serde::de::Error::custom(format!("there is no phase {name:?}; the phases are {known}"))
        })
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
    }

    #[test]
    fn a_phase_is_at_its_position_in_the_contract() {
        for (position, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, position);
            assert_eq!(Phase::of_name(phase.name()), Some(phase));
        }
    }
}
