//! Why something cannot be tried.

use provost_plugin_host::{PluginLine, SetupError};

use crate::config::Problems;

/// Why something cannot be tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TryError {
    /// A file has problems at known places.
    #[error(transparent)]
    Problems(#[from] Box<Problems>),
    /// A file cannot be read, or is not what it should be.
    #[error("{file}: {what}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A case contradicts itself, or is about something that there is not.
    #[error("{what}")]
    Case {
        /// What is wrong.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// The component does not play the role, or plays several.
    #[error("{what}")]
    Role {
        /// What is wrong.
        what: String,
    },
    /// The component is not admitted.
    #[error("{why}")]
    Setup {
        /// Why not.
        why: String,
        /// The lines that it wrote before.
        lines: Vec<PluginLine>,
    },
}

impl TryError {
    pub(super) fn case(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Case { what: what.into(), hint: hint.into() }
    }

    /// Returns what to do next.
    pub(crate) fn hint(&self) -> &str {
        match self {
            Self::Problems(_) => "",
            Self::File { hint, .. } => hint,
            Self::Case { hint, .. } => hint,
            Self::Role { .. } => "`provost plugin inspect COMPONENT` shows its roles; `--role` chooses one",
            Self::Setup { .. } => "`provost plugin inspect COMPONENT` shows what it is and what it asks for",
        }
    }

    /// Returns the lines that the component wrote before it was refused.
    pub(crate) fn lines(&self) -> &[PluginLine] {
        match self {
            Self::Setup { lines, .. } => lines,
            _ => &[],
        }
    }
}

impl From<SetupError> for TryError {
    fn from(error: SetupError) -> Self {
        let why = error.to_string();
        match error {
            SetupError::Refused { lines, .. } => Self::Setup { why, lines },
            SetupError::Load(_) => Self::Setup { why, lines: Vec::new() },
        }
    }
}
