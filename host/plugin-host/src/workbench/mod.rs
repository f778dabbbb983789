//! One component under test, apart from any host: it is admitted and called as in production, by the same code and within
//! the same limits, and everything that a call did is returned. Nothing outlives the workbench: the memory of the plugin is
//! given by the caller, and what a call writes is returned and not published.
//!
//! | room | owns |
//! |---|---|
//! | `asking` | asking a component, and the check that it is pure |
//! | `outcome` | what a call did: [`Outcome`], [`Reply`] |
//! | `setup` | a component with its settings, ready to be asked: [`Bench`] |
//! | `once` | a compiler that compiles each component once |

mod asking;
mod once;
mod outcome;
mod setup;

pub use asking::Impure;
pub use outcome::{Outcome, Reply};
pub use setup::{Bench, Setup, SetupError, Workbench};
