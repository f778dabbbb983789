//! `provost plugin build DIR`: builds a Rust guest into a component beside its source.
//!
//! Cargo compiles a core module with any suitable toolchain (`toolchain`), wit-component wraps and checks it, and
//! the digest of the sources (`sources`) is written with it, so that a committed component can be checked against
//! its sources without a wasm toolchain.
//!
//! | room | owns |
//! |---|---|
//! | `build` | the steps of a build, and the options of cargo |
//! | `encode` | encoding a core module as a component |
//! | `sources` | the digest of all sources of a component |
//! | `package` | the crate of a plugin as cargo sees it |
//! | `toolchain` | a way to compile for wasm |
//! | `error` | the errors of building a guest |
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
