//! The keeper of the host: the process of `provost up` becomes it, and it starts this binary again as the host.
//!
//! | room | owns |
//! |---|---|
//! | `parent` | the keeper as the host that it has started sees it |
//! | `becoming` | whether there is a keeper, and how this process becomes it |
//! | `settling` | telling the keeper that this host is in service |
//! | `leaving` | how a host leaves so that the keeper starts the next one |
//! | `program` | the program of the keeper |
//! | `end` | how a host ends: with everything that it runs, or without it |

mod becoming;
mod end;
mod leaving;
mod parent;
mod program;
mod settling;

pub(super) use becoming::become_keeper;
pub(crate) use becoming::{held_beside, keeper_of};
pub(super) use end::End;
pub(super) use leaving::{Leaving, NotLeft};
pub(super) use parent::Parent;
pub(super) use program::program;
pub(super) use settling::settle;
