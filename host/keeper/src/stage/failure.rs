//! The step that failed, and its report through the pipe.

use std::fmt;

use rustix::io::Errno;

use super::limit::Limited;

/// A step of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The stage was not called as it is to be.
    Called,
    /// It enters its cgroup.
    Cgroup,
    /// It sets its score for the OOM killer.
    OomScore,
    /// It sets its nice value.
    Nice,
    /// It sets its priority for disks.
    IoPriority,
    /// It sets this limit.
    Limit(Limited),
    /// It sets its supplementary groups.
    Groups,
    /// It changes its group.
    Group,
    /// It changes its user.
    User,
    /// It limits its capabilities.
    Capabilities,
    /// It gives up gaining privileges by an exec.
    NoNewPrivs,
    /// It executes the program.
    Exec,
}

/// The steps that are not about a limit, by their numbers.
const STEPS: [Step; 11] = [
    Step::Called,
    Step::Cgroup,
    Step::OomScore,
    Step::Nice,
    Step::IoPriority,
    Step::Groups,
    Step::Group,
    Step::User,
    Step::Capabilities,
    Step::NoNewPrivs,
    Step::Exec,
];

/// The first number of a limit.
const LIMITS: u8 = 128;

impl Step {
    /// Returns the key of the config that the step is about; `None` for the exec, and for the call of the stage.
    #[must_use]
    pub fn key(self) -> Option<&'static str> {
        Some(match self {
            Self::Called | Self::Exec => return None,
            Self::Cgroup => "cgroup",
            Self::OomScore => "oom_score_adj",
            Self::Nice => "nice",
            Self::IoPriority => "ioprio",
            Self::Limit(_) => "limits",
            Self::Groups => "groups",
            Self::Group | Self::User => "user",
            Self::Capabilities => "capabilities",
            Self::NoNewPrivs => "no_new_privs",
        })
    }

    fn number(self) -> u8 {
        match self {
            Self::Limit(limited) => LIMITS + limited as u8,
            _ => STEPS.iter().zip(0..).find(|(step, _)| **step == self).map_or(0, |(_, number)| number),
        }
    }

    fn of_number(number: u8) -> Option<Self> {
        match number.checked_sub(LIMITS) {
            Some(limited) => Limited::ALL.get(usize::from(limited)).copied().map(Self::Limit),
            None => STEPS.get(usize::from(number)).copied(),
        }
    }
}

impl fmt::Display for Step {
    /// Writes what cannot be done, such as `the user cannot be changed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Called => f.write_str("the exec stage was not called correctly"),
            Self::Cgroup => f.write_str("its cgroup cannot be entered"),
            Self::OomScore => f.write_str("oom_score_adj cannot be set"),
            Self::Nice => f.write_str("the nice value cannot be set"),
            Self::IoPriority => f.write_str("the priority for disks cannot be set"),
            Self::Limit(limited) => write!(f, "the limit `{}` cannot be set", limited.word()),
            Self::Groups => f.write_str("the supplementary groups cannot be set"),
            Self::Group => f.write_str("the group of the user cannot be changed"),
            Self::User => f.write_str("the user cannot be changed"),
            Self::Capabilities => f.write_str("the capabilities cannot be limited"),
            Self::NoNewPrivs => f.write_str("no_new_privs cannot be set"),
            Self::Exec => f.write_str("the program cannot be executed"),
        }
    }
}

/// A step that failed, and its error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// The step.
    pub step: Step,
    /// The error number.
    pub errno: i32,
}

impl StepFailure {
    /// The length of a report in bytes.
    pub const LEN: usize = 5;

    /// Returns the failure of this step with this error.
    pub(super) fn of(step: Step, error: Errno) -> Self {
        Self { step, errno: error.raw_os_error() }
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let [a, b, c, d] = self.errno.to_le_bytes();
        [self.step.number(), a, b, c, d]
    }

    /// Reads what came through the pipe; `None` if it is the end of the pipe, because the program runs.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let [step, a, b, c, d] = *bytes.first_chunk()?;
        let step = Step::of_number(step).unwrap_or(Step::Called);
        Some(Self { step, errno: i32::from_le_bytes([a, b, c, d]) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let all = STEPS.into_iter().chain(Limited::ALL.map(Step::Limit));
        for step in all {
            let failure = StepFailure { step, errno: -70_000 };
            assert_eq!(StepFailure::read(&failure.to_bytes()), Some(failure));
        }
        assert_eq!(StepFailure::read(&[]), None, "the end of the pipe");
        assert_eq!(StepFailure::read(&[1, 0, 0, 0]), None);
        let unknown = StepFailure::read(&[77, 1, 0, 0, 0]);
        assert_eq!(unknown, Some(StepFailure { step: Step::Called, errno: 1 }));
    }
}
