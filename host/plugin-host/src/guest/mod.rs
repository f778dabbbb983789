//! One instance of a plugin as the host sees it: the host's data for it, the functions that it may call, and the host's
//! side of each interface of the contract, in a file of the interface's name.
//!
//! | room | owns |
//! |---|---|
//! | `linker` | links what a plugin may call |
//! | `snapshots` | the host's side of `snapshots` |
//! | `settings` | the host's side of `settings` |
//! | `log` | the host's side of `log` |
//! | `memory` | the host's side of `memory` |
//! | `plugins` | the host's side of `plugins` |
//! | `usages` | the host's side of `usages` |
//! | `instance` | the host's data for one instance: [`Guest`] |
//! | `context` | the data of a plugin that a running guest needs: [`Context`] |
//! | `wasi` | the access to the outside of a plugin with grants |
//! | `figures` | the figures of a version so far |
//! | `lines` | the lines of a plugin in the host's log |
//! | `meter` | measures what an instance uses |
//! | `encoded` | the columns of the registry, encoded once and shared by all calls: [`Encoded`] |
//! | `convert` | converts between the types of the state core and those of the contract |
//! | `bindings` | the code that `bindgen!` makes of `wit/` |
//! | `lent` | the snapshot of a call, as a plugin holds it |

pub(crate) mod bindings;
mod context;
pub(crate) mod convert;
mod encoded;
mod figures;
mod instance;
mod lent;
mod lines;
mod linker;
mod log;
mod memory;
mod meter;
mod plugins;
mod settings;
mod snapshots;
mod usages;
mod wasi;

pub(crate) use context::{Common, Context, Reports};
pub(crate) use encoded::Encoded;
pub(crate) use figures::{Figures, Used};
pub(crate) use instance::Guest;
pub(crate) use lent::Lent;
pub(crate) use lines::LogLines;
pub use lines::PluginLine;
pub(crate) use linker::linker;
pub(crate) use meter::Meter;
pub(crate) use wasi::{Reach, Waiting};
