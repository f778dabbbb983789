//! The memory of a plugin: a few keys and values that survive its calls, its swaps and the host.
//!
//! A call writes into its own [`Transaction`], which takes effect if the call succeeds. The published values are
//! immutable and replaced as a whole, so that readers never wait. The file is written by another thread than that of
//! the call.
//!
//! | room | owns |
//! |---|---|
//! | `store` | the memory of one plugin: its published values and its file |
//! | `transaction` | what one call sees of a memory, and what it has written |
//! | `keeper` | the thread that writes the files |
//! | `file` | the file of one plugin: its layout, reading it, and putting it aside if it cannot be used |
//! | `values` | keys and values |

mod file;
mod keeper;
mod store;
mod transaction;
mod values;

pub(crate) use keeper::Keeper;
pub(crate) use store::Memory;
pub(crate) use transaction::{Refused, Transaction};
pub(crate) use values::Published;
