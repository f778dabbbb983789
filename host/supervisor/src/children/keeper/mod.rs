//! The keeper as the parent of the children: a separate process, which starts them, tells how they end, and holds what has to
//! outlive the host. Signals are sent by the host itself: the keeper reaps no child before the host says so, so its number
//! is its own until then.
//!
//! | room | owns |
//! |---|---|
//! | `kept` | a child of the keeper, from the order to start it to its reaping |
//! | `connection` | the handle of the connection, and what it can be asked for |
//! | `link` | the task that sends orders and receives reports |
//! | `greeting` | the first messages and the last one |

mod connection;
mod greeting;
mod kept;
mod link;

pub use connection::Keeper;
pub use greeting::{Farewell, Greeting, NotGreeted};
pub(super) use kept::{Kept, NewChild, NotStarted, Start, Starting};
