//! Lines in the host's log, marked with the name of the plugin.
//!
//! In native tests there is no host: the lines are recorded, and [`crate::testing::logged`] returns them.
//!
//! ```
//! use provost_guest::{log, testing};
//!
//! log::debug("1 of 3 processes is down");
//! log::info("web is back");
//! log::warn("the store is nearly full");
//! log::error("settings: tries: must not be 0");
//! log::write(log::Level::Info, "done");
//! let lines = testing::logged();
//! assert_eq!(lines.len(), 5);
//! assert_eq!(lines[1], (log::Level::Info, "web is back".to_owned()));
//! ```

/// The severity of a line, from `Trace` to `Error`.
///
/// ```
/// use provost_guest::{log, testing};
///
/// /// Writes a line about failed checks, of which an operator reads only the ones that matter.
/// fn tell(failed: u32) {
///     let level = match failed {
///         0 => log::Level::Trace,
///         1..3 => log::Level::Info,
///         _ => log::Level::Warn,
///     };
///     log::write(level, &format!("{failed} checks have failed"));
/// }
///
/// for failed in 0..=3 {
///     tell(failed);
/// }
/// let urgent: Vec<_> = testing::logged().into_iter().filter(|(level, _)| *level >= log::Level::Warn).collect();
/// assert_eq!(urgent, [(log::Level::Warn, "3 checks have failed".to_owned())]);
/// ```
pub use crate::bindings::judge::provost::plugin::log::Level;

/// Writes one line. The host cuts a line at 4096 bytes, and drops and counts lines beyond 100 a second.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::judge::provost::plugin::log::write(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    super::native::keep(level, message);
}

/// Writes a line for people who debug the plugin.
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message.as_ref());
}

/// Writes a line that an operator may want to read.
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message.as_ref());
}

/// Writes a line that an operator should read.
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message.as_ref());
}

/// Writes a line that an operator must read.
pub fn error(message: impl AsRef<str>) {
    write(Level::Error, message.as_ref());
}

/// Makes panics log their message and place before they become a trap, which has no message.
#[cfg(target_arch = "wasm32")]
pub(crate) fn panics() {
    std::panic::set_hook(Box::new(|panic| error(panic.to_string())));
}
