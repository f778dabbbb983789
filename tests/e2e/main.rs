//! The end-to-end tests: the built binary with real processes and real components. They are one program, which is linked once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adoption;
mod alone;
mod authors;
mod backends;
mod bad_config;
mod between;
mod checks;
mod children;
mod clearing;
mod clients;
mod commands;
mod compiling;
mod deploy;
mod ending;
mod exits;
mod files;
mod foreign_text;
mod full_disk;
mod gaps;
mod grants;
mod groups;
mod host_log;
mod hostile;
mod instances;
mod jobs;
mod journal;
mod keeper;
mod keeper_steps;
mod limits;
mod logs;
mod lost_keeper;
mod mcp;
mod notify;
mod pictures;
mod plugins;
mod progress;
mod readiness;
mod reload;
mod rights;
mod roles;
mod scale;
mod signals;
mod simulating;
mod sockets;
mod steps;
mod tcp;
mod top;
mod trust;
mod trying;
mod tutorial;
mod upgrade;
mod usage;
mod words;

/// The binary that Cargo built for these tests.
const PROVOST: &str = env!("CARGO_BIN_EXE_provost");
