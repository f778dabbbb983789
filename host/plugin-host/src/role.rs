//! The roles that a plugin can play.

use std::fmt;

use provost_state::Judgement;

/// A role that a plugin can play: an interface that it exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Judges restarts.
    RestartPolicy,
    /// Judges starts.
    StartPolicy,
    /// Judges health.
    HealthPolicy,
    /// Judges how many replicas there should be.
    ScalePolicy,
    /// Judges the resources that processes use.
    UsagePolicy,
    /// Renders status.
    StatusView,
    /// Is notified of changes.
    StatusConsumer,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 7] = [
        Self::RestartPolicy,
        Self::StartPolicy,
        Self::HealthPolicy,
        Self::ScalePolicy,
        Self::UsagePolicy,
        Self::StatusView,
        Self::StatusConsumer,
    ];

    /// Returns the name of the interface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RestartPolicy => "restart-policy",
            Self::StartPolicy => "start-policy",
            Self::HealthPolicy => "health-policy",
            Self::ScalePolicy => "scale-policy",
            Self::UsagePolicy => "usage-policy",
            Self::StatusView => "status-view",
            Self::StatusConsumer => "status-consumer",
        }
    }

    /// Returns the name of the only function of the interface.
    #[must_use]
    pub fn function(self) -> &'static str {
        match self {
            Self::RestartPolicy => "on-exit",
            Self::StartPolicy => "before-start",
            Self::HealthPolicy => "on-probe",
            Self::ScalePolicy => "replicas",
            Self::UsagePolicy => "on-sample",
            Self::StatusView => "render",
            Self::StatusConsumer => "on-change",
        }
    }

    /// Returns what it judges, if it is a policy.
    #[must_use]
    pub fn judgement(self) -> Option<Judgement> {
        match self {
            Self::RestartPolicy => Some(Judgement::Restart),
            Self::StartPolicy => Some(Judgement::Start),
            Self::HealthPolicy => Some(Judgement::Health),
            Self::ScalePolicy => Some(Judgement::Scale),
            Self::UsagePolicy => Some(Judgement::Usage),
            Self::StatusView | Self::StatusConsumer => None,
        }
    }

    /// Lists all names for a sentence.
    pub(crate) fn names() -> String {
        let [others @ .., last] = Self::ALL.map(Self::as_str);
        format!("{} and {last}", others.join(", "))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
