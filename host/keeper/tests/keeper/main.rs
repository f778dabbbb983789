//! The keeper as a program, with hosts that these tests play: a process is only the host in name, and lends its end of the
//! protocol to the test; or it plays its role itself, and is killed while it does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod adoption;
mod gaps;
mod hosts;
mod lives;
mod memory;
mod rig;
mod roles;
mod upgrades;
