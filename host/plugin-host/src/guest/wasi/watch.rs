//! The port to whoever counts and logs a plugin's doings outside.

use crate::guest::bindings::log::Level;

/// Who is told of a plugin's doings outside.
pub(crate) trait Watch: Send + Sync {
    /// It tried what it was not granted.
    fn denied(&self, what: &str);

    /// It wrote a line to its standard output or its standard error.
    fn line(&self, level: Level, line: &str);
}
