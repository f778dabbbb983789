//! What a plugin remembers: a few keys and values of its own that survive its calls, its swaps and the host.
//!
//! A call writes into a [`Transaction`] of its own, which takes effect when the call has succeeded. What is published is
//! immutable and replaced whole, so that nobody who reads waits. What was written goes into a file off the path of
//! the call.
//!
//! | room | owns |
//! |---|---|
//! | `store` | the memory of one plugin: what is published, and its file |
//! | `transaction` | what one call sees of a memory, and has written |
//! | `keeper` | the thread that writes the files |
//! | `file` | one file: how it is laid out, read, and put aside if it cannot be used |
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
