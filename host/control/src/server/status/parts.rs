//! The parts of a status.

use provost_state::naming::shown;

use crate::server::refused::Refused;

/// A part of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Processes,
    Replicas,
    Plugins,
    Host,
    Usage,
}

impl Part {
    /// The number of parts.
    pub(super) const COUNT: usize = 5;

    const ALL: [Self; Self::COUNT] =
        [Self::Processes, Self::Replicas, Self::Plugins, Self::Host, Self::Usage];

    /// Returns the word of a part.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Processes => "processes",
            Self::Replicas => "replicas",
            Self::Plugins => "plugins",
            Self::Host => "host",
            Self::Usage => "usage",
        }
    }
}

/// Some parts of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts(u8);

impl Parts {
    /// Returns the parts with these names; no names mean all parts except `usage`, which changes all the time.
    ///
    /// # Errors
    /// Refuses a name that is not one of a part, and lists those that are.
    pub(super) fn named(names: &[String]) -> Result<Self, Refused> {
        if names.is_empty() {
            return Ok(Self(!Self::bit(Part::Usage)));
        }
        names.iter().try_fold(Self(0), |parts, name| {
            match Part::ALL.iter().find(|part| part.word() == name) {
                Some(part) => Ok(Self(parts.0 | Self::bit(*part))),
                None => Err(Refused::bad_request(format!(
                    "a status has no part `{}`; it has {}",
                    shown(name),
                    Part::ALL.map(Part::word).join(", ")
                ))),
            }
        })
    }

    /// Returns the parts with `usage`, if that is asked for.
    pub(super) fn with_usage(self, asked: bool) -> Self {
        if asked { Self(self.0 | Self::bit(Part::Usage)) } else { self }
    }

    fn bit(part: Part) -> u8 {
        1 << part as u8
    }

    pub(super) fn has(self, part: Part) -> bool {
        self.0 & Self::bit(part) != 0
    }

    /// Whether this is the only part.
    pub(super) fn are_only(self, part: Part) -> bool {
        self.0 == Self::bit(part)
    }
}
