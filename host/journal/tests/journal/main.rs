//! The journal as a host and its readers use it: what is written is read back, in its order, whatever happens to the file.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cutting;
mod following;
mod harness;
mod keeping;
