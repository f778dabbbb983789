//! The keeper of the host: the process of `provost up` becomes it, and it starts this binary again as the host.
//!
//! | room | owns |
//! |---|---|
//! | `successor` | another keeper in the place of one that has ended |
//! | `recovering` | the files by which a host goes on whose predecessor was killed together with its keeper |
//! | `parent` | the keeper as the host that it has started sees it |
//! | `becoming` | whether there is a keeper, and how this process becomes it |
//! | `program` | the program of the keeper |

mod becoming;
mod parent;
mod program;
mod recovering;
mod successor;

pub(super) use becoming::become_keeper;
pub(crate) use becoming::keeper_of;
pub(super) use parent::Parent;
pub(super) use recovering::Copies;
pub(super) use successor::{Means, Successor};
