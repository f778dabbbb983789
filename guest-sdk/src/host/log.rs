//! Lines into the host's log, named after the plugin.
//!
//! In native tests there is no host: there the lines are kept, and [`crate::testing::logged`] hands them
//! over.

pub use crate::bindings::judge::provost::plugin::log::Level;

/// Writes one line. The host cuts a line of over 4096 bytes, and drops what is above 100 lines a second.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::judge::provost::plugin::log::write(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    super::native::keep(level, message);
}

/// A line for people who debug the plugin.
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message.as_ref());
}

/// A line that an operator may want to read.
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message.as_ref());
}

/// A line that an operator should read.
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message.as_ref());
}

/// A line that an operator must read.
pub fn error(message: impl AsRef<str>) {
    write(Level::Error, message.as_ref());
}

/// Has panics say in the log where and why, before they become a trap of which only the place is known.
#[cfg(target_arch = "wasm32")]
pub(crate) fn panics() {
    std::panic::set_hook(Box::new(|panic| error(panic.to_string())));
}
