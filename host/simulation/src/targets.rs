//! Which processes something is about.

use std::sync::Arc;

/// Which processes are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Targets {
    /// All.
    #[default]
    All,
    /// Those with these names.
    Named(Vec<Arc<str>>),
}

impl Targets {
    /// Whether the process `name` is meant.
    #[must_use]
    pub fn include(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|one| **one == *name),
        }
    }
}
