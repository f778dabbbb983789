//! One limit of a plugin: its name, the unit of its figure, and the possible figures.

use crate::text::size;

use super::ceilings::{
    CORE_INSTANCES_CEILING, MEMORIES_CEILING, MEMORY_BYTES_CEILING, STACK_BYTES_CEILING, STACK_BYTES_FLOOR,
    TABLES_CEILING,
};

/// A limit of [`Limits`](super::Limits) for which an operator can set a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// [`Limits::memory_bytes_max`](super::Limits::memory_bytes_max).
    Memory,
    /// [`Limits::call_ms_max`](super::Limits::call_ms_max).
    CallTime,
    /// [`Limits::fuel_max`](super::Limits::fuel_max).
    Fuel,
    /// [`Limits::stack_bytes_max`](super::Limits::stack_bytes_max).
    Stack,
    /// [`Limits::instances_max`](super::Limits::instances_max).
    Instances,
    /// [`Limits::memories_max`](super::Limits::memories_max).
    Memories,
    /// [`Limits::tables_max`](super::Limits::tables_max).
    Tables,
    /// [`Limits::handles_max`](super::Limits::handles_max).
    Handles,
    /// [`Limits::handed_bytes_max`](super::Limits::handed_bytes_max).
    Handed,
    /// [`Limits::answer_bytes_max`](super::Limits::answer_bytes_max).
    Answer,
    /// [`Limits::stored_bytes_max`](super::Limits::stored_bytes_max).
    Store,
    /// [`Limits::key_bytes_max`](super::Limits::key_bytes_max).
    Key,
    /// [`Limits::settings_bytes_max`](super::Limits::settings_bytes_max).
    Settings,
    /// [`Limits::lines_per_second`](super::Limits::lines_per_second).
    LogLines,
    /// [`Limits::files_bytes_max`](super::Limits::files_bytes_max).
    Files,
}

/// The unit of a limit's figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
    /// A number of things.
    Count,
}

/// A limit is outside of what the host can give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`limits.{}` of {wanted} is not possible: {possible}", .limit.name())]
pub struct LimitError {
    /// The limit.
    pub limit: Limit,
    /// The figure that the operator set, with its unit.
    pub wanted: String,
    /// The nearest possible figure.
    pub possible: String,
}

/// There is no limit of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no limit `{0}`; there are {known}", known = Limit::ALL.map(Limit::name).join(", "))]
pub struct NoSuchLimit(pub String);

impl Limit {
    /// All limits, in the order of the documentation.
    pub const ALL: [Self; 15] = [
        Self::Memory,
        Self::CallTime,
        Self::Fuel,
        Self::Stack,
        Self::Instances,
        Self::Memories,
        Self::Tables,
        Self::Handles,
        Self::Handed,
        Self::Answer,
        Self::Store,
        Self::Key,
        Self::Settings,
        Self::LogLines,
        Self::Files,
    ];

    /// Returns the limit of this name.
    ///
    /// # Errors
    /// [`NoSuchLimit`], which lists the limits that there are.
    pub fn named(name: &str) -> Result<Self, NoSuchLimit> {
        Self::ALL.into_iter().find(|limit| limit.name() == name).ok_or_else(|| NoSuchLimit(name.to_owned()))
    }

    /// Checks that this figure is within what the host can give.
    ///
    /// # Errors
    /// [`LimitError`] with both figures.
    pub fn check(self, figure: u64) -> Result<(), LimitError> {
        let (least, most) = self.range();
        let possible = match figure {
            _ if figure < least => format!("at least {}", self.figure(least)),
            _ if figure > most => format!("at most {}", self.figure(most)),
            _ => return Ok(()),
        };
        Err(LimitError { limit: self, wanted: self.figure(figure), possible })
    }

    /// Returns its key in `limits` in the config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::CallTime => "call_time",
            Self::Fuel => "fuel",
            Self::Stack => "stack",
            Self::Instances => "instances",
            Self::Memories => "memories",
            Self::Tables => "tables",
            Self::Handles => "handles",
            Self::Handed => "handed",
            Self::Answer => "answer",
            Self::Store => "store",
            Self::Key => "key",
            Self::Settings => "settings",
            Self::LogLines => "log_lines",
            Self::Files => "files",
        }
    }

    /// Returns the unit of its figure.
    #[must_use]
    pub fn measure(self) -> Measure {
        match self {
            Self::Memory
            | Self::Stack
            | Self::Handed
            | Self::Answer
            | Self::Store
            | Self::Key
            | Self::Settings
            | Self::Files => Measure::Bytes,
            Self::CallTime => Measure::Milliseconds,
            Self::Fuel | Self::Instances | Self::Memories | Self::Tables | Self::Handles | Self::LogLines => {
                Measure::Count
            }
        }
    }

    /// Returns the least and the most that is possible.
    fn range(self) -> (u64, u64) {
        match self {
            Self::Memory => (1, MEMORY_BYTES_CEILING as u64),
            Self::CallTime => (1, 600_000),
            Self::Fuel => (1, u64::MAX >> 1),
            Self::Stack => (STACK_BYTES_FLOOR, STACK_BYTES_CEILING),
            Self::Instances => (0, u64::from(CORE_INSTANCES_CEILING)),
            Self::Memories => (0, u64::from(MEMORIES_CEILING)),
            Self::Tables => (0, u64::from(TABLES_CEILING)),
            Self::Handles => (1, 65_536),
            Self::Handed => (1, 64 << 20),
            Self::Answer => (1, 128 << 20),
            Self::Store => (0, 16 << 20),
            Self::Key => (1, 4096),
            Self::Settings => (2, 8 << 20),
            Self::LogLines => (1, 10_000),
            Self::Files => (0, 1 << 40),
        }
    }

    /// Formats a figure of this limit with its unit.
    fn figure(self, figure: u64) -> String {
        match self.measure() {
            Measure::Bytes => size(whole(figure)),
            Measure::Milliseconds => format!("{figure} ms"),
            Measure::Count => figure.to_string(),
        }
    }
}

/// Converts a figure into a machine word; a larger one becomes the largest word.
pub(super) fn whole(figure: u64) -> usize {
    usize::try_from(figure).unwrap_or(usize::MAX)
}
