//! Keys and mouse, as one table of actions. The same table makes the help, the key bar and the command palette.
//!
//! | room | owns |
//! |---|---|
//! | `field` | a line of text that the user edits |
//! | `keys` | the table of keys, and its lookup |
//! | `action` | what the user can do, and the views |

mod action;
mod field;
mod keys;

pub(crate) use action::Action;
pub use action::View;
pub(crate) use field::Field;
pub(crate) use keys::{BINDINGS, Key, bound, named};
