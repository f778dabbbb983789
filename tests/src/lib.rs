//! The harness of the end-to-end tests: it runs the built binary in a fresh directory, queries it through its
//! command line, and waits for conditions.
//!
//! | room | owns |
//! |---|---|
//! | `runs` | what the long random runs share |
//! | `terminal` | a terminal for programs that draw on its screen |
//! | `dev` | a session of `plugin dev` |
//! | `host` | a host that a test has started, and its directory |
//! | `hostile` | components that no toolchain would make |
//! | `components` | components written as text |
//! | `ends` | a program that ends with its test |
//! | `eventually` | waiting for a condition |
//! | `bench` | the harness of the benchmarks |
//! | `instructions` | the guard of instruction counts |
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

pub mod bench;
pub mod components;
mod dev;
mod ends;
mod eventually;
mod host;
pub mod hostile;
pub mod instructions;
pub mod runs;
mod terminal;

pub use dev::DevSession;
pub use ends::Ends;
pub use eventually::{clean_away, eventually};
pub use host::{Host, Ran, Setup, children, guest, is_alive, parent};
pub use terminal::Terminal;
