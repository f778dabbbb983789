//! The cgroups of processes (cgroup v2): one for each life of a process whose spec asks for one. The kernel then limits what all
//! of its descendants use together, says whether it has killed one of them for want of memory, and kills them all at once,
//! whatever group or session they are in.
//!
//! They lie in `ROOT/provost-TAG/`, where `TAG` stands for the runtime directory of the host, and are called `NAME@INCARNATION`.
//! No process has a name with an `@`. So another host with the same runtime directory finds those of the lives that it takes
//! over, and removes all others.
//!
//! | room | owns |
//! |---|---|
//! | `tree` | the cgroups of a host: making, finding and clearing them |
//! | `cgroup` | the cgroup of one life |
//! | `place` | where cgroups can be made, and which controllers there are |

mod cgroup;
mod place;
mod tree;

pub(crate) use cgroup::Cgroup;
pub use place::CgroupPlace;
pub(crate) use tree::{Cgroups, Made};
