//! The port for counting and logging what a plugin does outside.

use crate::guest::bindings::log::Level;

/// Is notified of what a plugin does outside.
pub(crate) trait Watch: Send + Sync {
    /// Reports an attempt at something that was not granted.
    fn denied(&self, what: &str);

    /// Reports a line on its standard output or standard error.
    fn line(&self, level: Level, line: &str);
}
