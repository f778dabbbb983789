//! The errors of reading a config.

use std::io;
use std::path::{Path, PathBuf};

use super::report::Problems;

/// The reason why a config cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("error: {}\nhint: name the config with `-c FILE`", unread(path, source))]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file exists, but it is not a config.
    #[error("error: {} {what}\nhint: {hint}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// The file can be read, but has errors.
    #[error(transparent)]
    Problems(#[from] Problems),
}

impl ConfigError {
    /// Returns the report without the lines of the file, for readers who may not read it.
    #[must_use]
    pub fn without_lines(&self) -> String {
        match self {
            Self::Problems(problems) => problems.without_lines(),
            Self::Read { .. } | Self::Unfit { .. } => self.to_string(),
        }
    }
}

fn unread(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no config {}", path.display()),
        _ => format!("cannot read {}: {error}", path.display()),
    }
}
