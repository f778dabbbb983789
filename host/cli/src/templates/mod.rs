//! What the binary carries for authors of plugins: projects to begin with, the SDK, and the contract.
//!
//! | room | owns |
//! |---|---|
//! | `project` | making a project |
//! | `render` | a template with its sections and placeholders |
//! | `sdk` | the copy of the SDK in a project |
//! | `manifest` | the manifest of that copy, which stands alone |
//! | `contract` | the contract as text and as files |
//! | `files` | reading and writing a file of a project |
//! | `error` | the errors of making and refreshing a project |
//! | `language` | the languages in which a plugin may be written |
//! | `embedded` | the files that the binary carries |

pub(crate) mod contract;
mod embedded;
mod error;
mod files;
mod language;
mod manifest;
mod project;
mod render;
mod sdk;

pub(crate) use error::ProjectError;
pub(crate) use language::Language;
pub(crate) use project::{Wanted, make};
pub(crate) use sdk::refresh;

#[cfg(test)]
mod tests;
