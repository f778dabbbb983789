//! `provost plugin build DIR`: from the source of a Rust guest to a component beside it.
//!
//! Cargo makes a core module with whatever toolchain there is (`toolchain`), wit-component wraps and checks
//! it, and the digest of the sources (`sources`) is written with it, so that anybody can tell without a
//! wasm toolchain whether a committed component is the one that its sources make.
//!
//! | room | owns |
//! |---|---|
//! | `build` | the steps of a build, and what cargo is given |
//! | `encode` | a core module becomes a component |
//! | `sources` | the digest of all that a component is made of |
//! | `package` | the crate of a plugin as cargo sees it |
//! | `toolchain` | a way to compile for wasm |
//! | `error` | why a guest could not be built |
//! | `target` | the target and the profile of guests |

mod build;
mod encode;
mod error;
mod package;
mod sources;
mod target;
mod toolchain;

pub use build::{Built, build, build_into};
pub use error::BuildError;
pub use sources::source_digest;

#[cfg(test)]
mod tests;
