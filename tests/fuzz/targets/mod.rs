//! The targets: each takes any bytes and panics if a promise is broken.
#![expect(clippy::unwrap_used, reason = "a broken promise is told by a panic")]

mod api;
mod component;
mod config;
mod env;
mod logs;
mod memory;

/// A target: any bytes.
type Target = fn(&[u8]);

/// All targets by name.
pub(crate) const ALL: [(&str, Target); 6] = [
    ("api", api::run),
    ("component", component::run),
    ("config", config::run),
    ("env", env::run),
    ("logs", logs::run),
    ("memory", memory::run),
];
