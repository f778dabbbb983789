//! The harness of the end-to-end tests: it runs the built binary in a fresh directory, queries it through its
//! command line, and waits for conditions.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

pub mod bench;
pub mod components;
mod eventually;
mod host;
pub mod hostile;

pub use eventually::eventually;
pub use host::{Host, Ran, Setup, guest, is_alive};
