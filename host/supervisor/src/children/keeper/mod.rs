//! The keeper as the parent of the children: a separate process, which starts them, tells how they end, and holds what has to
//! outlive the host. Signals are sent by the host itself: the keeper reaps no child before the host says so, so its number
//! is its own until then.
//!
//! | room | owns |
//! |---|---|
//! | `running` | a keeper that runs already, as others than its host see it |
//! | `former` | what a keeper holds of a former host, as this host finds it |
//! | `shelf` | descriptors that outlive a host |
//! | `kept` | a child of the keeper, from the order to start it to its reaping |
//! | `adopting` | giving the keeper what was found of another one |
//! | `recovery` | finding what is left of a keeper and a host that were killed together |
//! | `handover` | giving everything to another keeper |
//! | `last_end` | how the host before this one has ended, in words |
//! | `output` | the outputs of children, their gap files and the ledger, and holding a slot until they are read |
//! | `connection` | the handle of the connection, and what it can be asked for |
//! | `shelved` | what is on the shelf |
//! | `labels` | what each descriptor on the shelf is |
//! | `unborn` | children whose start a keeper did not answer |
//! | `link` | the task that receives reports |
//! | `outbox` | sending orders, within the credit |
//! | `tabling` | the thread that keeps the table on a disk |
//! | `slots` | what is known of each life |
//! | `table` | the table of living processes as text |
//! | `keys` | the keys of what the keeper keeps |
//! | `names` | which life of which process an id means |
//! | `greeting` | the first messages and the last one |
//! | `last_words` | the file into which a host writes why it fails |

mod adopting;
mod connection;
mod former;
mod greeting;
mod handover;
mod kept;
mod keys;
mod labels;
mod last_end;
mod last_words;
mod link;
mod names;
mod outbox;
mod output;
mod recovery;
mod running;
mod shelf;
mod shelved;
mod slots;
mod table;
mod tabling;
mod unborn;

pub use connection::Keeper;
pub use former::Served;
pub use greeting::{Farewell, Greeting, NotGreeted};
pub use handover::{HandedOver, NotHandedOver};
pub(super) use kept::{FormerChild, Kept, NewChild, NotStarted, Start, Starting};
pub use last_end::LastEnd;
pub use last_words::LastWords;
pub(crate) use output::{HeldGap, KeptOutput, KeptStream};
pub use provost_keeper::protocol::HostEnding;
pub use recovery::{Recovered, Unfit};
pub use running::{Holding, RunningKeeper};
pub(super) use shelf::Shelf;

/// The lowest and the highest version of the protocol that this host speaks with its keeper.
pub const PROTOCOL_VERSIONS: (u8, u8) = {
    let versions = provost_keeper::protocol::Versions::OURS;
    (versions.lowest, versions.highest)
};

/// The lowest and the highest version of the table that a keeper of this version reads of the one whose place it takes.
pub const TABLE_VERSIONS: (u8, u8) =
    (provost_keeper::TABLE_VERSIONS.lowest, provost_keeper::TABLE_VERSIONS.highest);
