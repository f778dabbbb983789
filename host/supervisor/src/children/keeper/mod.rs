//! The keeper as the parent of the children: a separate process, which starts them, tells how they end, and holds what has to
//! outlive the host. Signals are sent by the host itself: the keeper reaps no child before the host says so, so its number
//! is its own until then.
//!
//! | room | owns |
//! |---|---|
//! | `former` | what a keeper holds of a former host, as this host finds it |
//! | `kept` | a child of the keeper, from the order to start it to its reaping |
//! | `adopting` | giving the keeper what was found of another one |
//! | `recovery` | finding what is left of a keeper and a host that were killed together |
//! | `handover` | giving everything to another keeper |
//! | `connection` | the handle of the connection, and what it can be asked for |
//! | `unborn` | children whose start a keeper did not answer |
//! | `link` | the task that sends orders and receives reports |
//! | `tabling` | the thread that keeps the table on a disk |
//! | `slots` | what is known of each life |
//! | `table` | the table of living processes as text |
//! | `names` | which life of which process an id means |
//! | `running` | a keeper that runs already, as others than its host see it |
//! | `greeting` | the first messages and the last one |

mod adopting;
mod connection;
mod former;
mod greeting;
mod handover;
mod kept;
mod link;
mod names;
mod recovery;
mod running;
mod slots;
mod table;
mod tabling;
mod unborn;

pub use connection::Keeper;
pub use former::Served;
pub use greeting::{Farewell, Greeting, NotGreeted};
pub use handover::{HandedOver, NotHandedOver};
pub(super) use kept::{FormerChild, Kept, NewChild, NotStarted, Start, Starting};
pub use recovery::{Recovered, Unfit};
pub use running::RunningKeeper;
