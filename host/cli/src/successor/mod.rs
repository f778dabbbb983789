//! A program that is to take the place of this one: what each says of itself, and asking it.
//!
//! | room | owns |
//! |---|---|
//! | `asking` | running a program to ask what it says of itself, within limits |
//! | `carried` | the keeper that a program carries |
//! | `about` | what a program says of itself |

mod about;
mod asking;
mod carried;

pub(crate) use about::{About, Keeper as KeeperAbout, Spoken};
pub(crate) use asking::{Candidate, NotFit};
pub(crate) use carried::{CarriedKeeper, KEEPER_NAME, file_in_memory, seal};
