//! What concerns more than one process: the order of starting, groups that are restarted together, replica sets, and the
//! policies that judge each process.
//!
//! | room | owns |
//! |---|---|
//! | `chains` | changes of policy chains at run time |
//! | `sets` | the replica sets that there are now |
//! | `replicas` | the number of replicas of each set |
//! | `group` | restarts of groups, and what follows when a process is given up |
//! | `dispatch` | orders to runners, and waiting for their results |
//! | `roster` | the mailbox of each process, and what its task shares with others |
//! | `tried` | the last results of the checks of a process |
//! | `lineup` | the specs in force, which change at run time |
//! | `start_order` | dependencies: which process starts first, and what each waits for |

mod chains;
mod dispatch;
mod group;
mod lineup;
mod replicas;
mod roster;
mod sets;
mod start_order;
mod tried;

pub(crate) use chains::Chains;
pub(crate) use dispatch::{Dispatch, Named};
pub(crate) use group::{Groups, given_up};
pub(crate) use lineup::Lineup;
pub use lineup::Listing;
pub use replicas::ReplicaCount;
pub(crate) use replicas::{Replicas, SetChange, not_needed};
pub(crate) use roster::{Record, Roster};
pub(crate) use sets::Sets;
pub(crate) use start_order::{Gate, StartOrder, gate, unmet, wanted};
pub use tried::Tried;
