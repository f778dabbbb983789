//! The keeper as the parent of the children: a separate process, which starts them, tells how they end, and holds what has to
//! outlive the host. Signals are sent by the host itself: the keeper reaps no child before the host says so, so its number
//! is its own until then.
//!
//! | room | owns |
//! |---|---|
//! | `former` | what a keeper holds of a former host, as this host finds it |
//! | `shelf` | descriptors that outlive a host |
//! | `kept` | a child of the keeper, from the order to start it to its reaping |
//! | `connection` | the handle of the connection, and what it can be asked for |
//! | `shelved` | what is on the shelf |
//! | `labels` | what each descriptor on the shelf is |
//! | `names` | which life of which process an id means |
//! | `link` | the task that sends orders and receives reports |
//! | `running` | a keeper that runs already, as others than its host see it |
//! | `greeting` | the first messages and the last one |

mod connection;
mod former;
mod greeting;
mod kept;
mod labels;
mod link;
mod names;
mod running;
mod shelf;
mod shelved;

pub use connection::Keeper;
pub use former::Served;
pub use greeting::{Farewell, Greeting, NotGreeted};
pub(super) use kept::{FormerChild, Kept, NewChild, NotStarted, Start, Starting};
pub use running::RunningKeeper;
pub(super) use shelf::Shelf;
