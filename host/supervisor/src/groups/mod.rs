//! What concerns more than one process: the order of starting, groups that are restarted together, replica sets, and the
//! policies that judge each process.
//!
//! | room | owns |
//! |---|---|
//! | `chains` | changes of the chains of policies while processes run |
//! | `replicas` | how many replicas there are |
//! | `group` | restarts of groups, and what follows when a process is given up |
//! | `dispatch` | orders to runners, and waiting for what comes of them |
//! | `roster` | the mailbox and the chain of policies of each process |
//! | `start_order` | dependencies: which process goes first, and what one waits for |

mod chains;
mod dispatch;
mod group;
mod replicas;
mod roster;
mod start_order;

pub(crate) use chains::Chains;
pub(crate) use dispatch::Dispatch;
pub(crate) use group::{Groups, Inbox};
pub use replicas::ReplicaCount;
pub(crate) use replicas::{Replicas, not_needed};
pub(crate) use roster::{Chain, Roster, chain};
pub(crate) use start_order::{Gate, StartOrder, gate, unmet, wanted};
