//! A program that is to take the place of this one: what each says of itself, and asking it.
//!
//! | room | owns |
//! |---|---|
//! | `asking` | running a program to ask what it says of itself, within limits |
//! | `about` | what a program says of itself |

mod about;
mod asking;

pub(crate) use about::About;
pub(crate) use asking::{Candidate, NotFit};
