//! `provost plugin build`: builds a plugin of any language into a component beside its source.
//!
//! A toolchain makes a core module or a component (`rust`, `js`, `python`, `c`). What it made is checked against the contract
//! (`surface`) and labelled (`label`). For Rust the digest of the sources is written with it, so that a committed component can be
//! checked against its sources without a wasm toolchain.
//!
//! | room | owns |
//! |---|---|
//! | `build` | the steps of a build, in any language |
//! | `rust` | building a plugin in Rust |
//! | `c` | building a plugin in C |
//! | `js` | building a plugin in JavaScript |
//! | `python` | building a plugin in Python |
//! | `encode` | encoding a core module as a component |
//! | `surface` | checking imports and exports against the contract |
//! | `build_dir` | the folder for what a build makes on its way |
//! | `manifest` | `provost-plugin.toml`, for languages other than Rust |
//! | `made` | what a toolchain has made |
//! | `schema` | the schema of the settings that a component carries |
//! | `annotations` | what a component says about itself, as registries have it |
//! | `label` | what a component says about itself |
//! | `read` | reading the files of a project |
//! | `tool` | finding and running programs |
//! | `error` | the errors of a build |

#[cfg(feature = "registry")]
mod annotations;
mod build;
mod build_dir;
mod c;
mod encode;
mod error;
mod js;
mod label;
mod made;
mod manifest;
mod python;
mod read;
mod rust;
mod schema;
mod surface;
mod tool;

#[cfg(feature = "registry")]
pub(crate) use annotations::annotations;
pub(crate) use build::{Built, Known, build, build_again, component_of, folders_of};
pub use error::BuildError;
pub(crate) use label::Label;
pub use rust::source_digest;
pub(crate) use tool::Progress;

#[cfg(test)]
mod tests;
