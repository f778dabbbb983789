//! What a host finds at its start of a host that ended without stopping its processes: the children that are held for it,
//! and the state that the former host has written down.
//!
//! | room | owns |
//! |---|---|
//! | `adopted` | everything that was found |
//! | `held` | a held child, and how it ended if it has |

mod adopted;
mod held;

pub use adopted::Adopted;
pub use held::{Held, HeldEnd};
