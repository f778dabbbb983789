//! The keeper of the host: the process of `provost up` becomes it, and it starts this binary again as the host.
//!
//! | room | owns |
//! |---|---|
//! | `parent` | the keeper as the host that it has started sees it |
//! | `becoming` | whether there is a keeper, and how this process becomes it |
//! | `program` | the program of the keeper |

mod becoming;
mod parent;
mod program;

pub(super) use becoming::become_keeper;
pub(crate) use becoming::keeper_of;
pub(super) use parent::Parent;
pub(super) use program::stage;
