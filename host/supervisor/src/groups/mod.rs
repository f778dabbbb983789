//! What concerns more than one process: the order of starting, groups that are restarted together, replica sets, and the
//! policies that judge each process.
//!
//! | room | owns |
//! |---|---|
//! | `chains` | changes of policy chains at run time |
//! | `replicas` | the number of replicas of each set |
//! | `group` | restarts of groups, and what follows when a process is given up |
//! | `dispatch` | orders to runners, and waiting for their results |
//! | `roster` | the mailbox and the chain of policies of each process |
//! | `start_order` | dependencies: which process starts first, and what each waits for |

mod chains;
mod dispatch;
mod group;
mod replicas;
mod roster;
mod start_order;

pub(crate) use chains::Chains;
pub(crate) use dispatch::{Dispatch, Named};
pub(crate) use group::{Groups, Inbox};
pub use replicas::ReplicaCount;
pub(crate) use replicas::{Replicas, not_needed};
pub(crate) use roster::{Chain, Roster, chain};
pub(crate) use start_order::{Gate, StartOrder, gate, unmet, wanted};
