//! The keeper of the host: the process of `provost up` becomes it, and it starts this binary again as the host.
//!
//! | room | owns |
//! |---|---|
//! | `successor` | another keeper in the place of one that has ended |
//! | `recovering` | the files by which a host goes on whose predecessor was killed together with its keeper |
//! | `parent` | the keeper as the host that it has started sees it |
//! | `becoming` | whether there is a keeper, and how this process becomes it |
//! | `settling` | telling the keeper that this host is in service |
//! | `leaving` | how a host leaves so that the keeper starts the next one |
//! | `course` | how far the end of a host has come |
//! | `program` | the program of the keeper |
//! | `end` | how a host ends: with everything that it runs, or without it |

mod becoming;
mod course;
mod end;
mod leaving;
mod parent;
mod program;
mod recovering;
mod settling;
mod successor;

pub(super) use becoming::become_keeper;
pub(crate) use becoming::{held_beside, keeper_of};
pub(super) use course::{Course, Stage};
pub(super) use end::End;
pub(super) use leaving::{Leaving, NotLeft};
pub(super) use parent::Parent;
pub(crate) use program::keeper_program;
pub(super) use program::{program, stage};
pub(super) use recovering::Copies;
pub(super) use settling::settle;
pub(super) use successor::{Means, SeenOff, Successor};
