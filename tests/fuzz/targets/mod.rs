//! The fuzz targets: each takes any bytes and panics if a promise is broken.
#![expect(clippy::unwrap_used, reason = "a target reports a broken promise by panicking")]

mod api;
mod component;
mod config;
mod env;
mod logs;
mod memory;

/// A function that takes any bytes and panics if a promise is broken.
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
