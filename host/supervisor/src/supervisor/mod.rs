//! The supervisor as a whole: boots the runners, passes orders on to them, changes what is supervised, and shuts everything
//! down in order.
//!
//! | room | owns |
//! |---|---|
//! | `census` | what is held, for tests that look for leaks |
//! | `boot` | the boot: what runners share, all processes, their first orders |
//! | `unfinished` | what a former host has decided about several processes, and has not carried out |
//! | `membership` | processes added, removed and reconfigured |
//! | `scaling` | replica sets added, removed and changed, and their numbers |
//! | `policies` | the policies that judge the processes |
//! | `orders` | orders to a process |
//! | `ending` | the end of the host |
//! | `adopting` | what a former host has left, paired with the processes of the config |
//! | `handle` | the handle, and what can be read through it |

mod adopting;
mod boot;
#[cfg(any(test, feature = "scripted"))]
mod census;
mod ending;
mod handle;
mod membership;
mod orders;
mod policies;
mod scaling;
mod unfinished;

pub use boot::Prepared;
#[cfg(any(test, feature = "scripted"))]
pub use census::Census;
pub use handle::Supervisor;
pub use membership::{Changing, NotAdded};
pub use scaling::NotScaled;
