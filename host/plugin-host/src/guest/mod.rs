//! One instance of a plugin as the host sees it: what is kept with it, what it may call, and the host's side of each interface of the
//! contract, in a file of the interface's name.
//!
//! | room | owns |
//! |---|---|
//! | `linker` | what a plugin may call |
//! | `snapshots` | the host's side of `snapshots` |
//! | `settings` | the host's side of `settings` |
//! | `log` | the host's side of `log` |
//! | `memory` | the host's side of `memory` |
//! | `plugins` | the host's side of `plugins` |
//! | `instance` | what the host keeps with one instance: [`Guest`] |
//! | `context` | what a running guest needs of its plugin: [`Context`] |
//! | `wasi` | what a plugin with grants reaches of the outside |
//! | `figures` | what a version did so far |
//! | `lines` | the lines of a plugin in the host's log |
//! | `meter` | counts what an instance uses |
//! | `convert` | between the words of the state core and those of the contract |
//! | `bindings` | what `bindgen!` makes of `wit/` |
//! | `lent` | the snapshot of a call, as a plugin holds it |

pub(crate) mod bindings;
mod context;
pub(crate) mod convert;
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
mod wasi;

pub(crate) use context::{Common, Context, Reports};
pub(crate) use figures::{Figures, Used};
pub(crate) use instance::Guest;
pub(crate) use lent::Lent;
pub(crate) use lines::LogLines;
pub(crate) use linker::linker;
pub(crate) use meter::Meter;
pub(crate) use wasi::{Reach, Waiting};
