//! What another host needs to go on where this one was, written down as it changes: the stash.
//!
//! | room | owns |
//! |---|---|
//! | `following` | the task that writes what was not written ahead, and replaces the file |
//! | `log` | the stash of a host: what is written ahead, and what happens when it cannot be |
//! | `copying` | the thread that copies the file to a disk |
//! | `kept` | the last of everything that is no state |
//! | `file` | one file, to which records are appended |
//! | `gate` | ending a host at one of its steps, for tests |
//! | `keeper` | the port by which the files outlive the host |
//! | `found` | the files of a former host, which are read once |
//! | `former` | what the files of a former host say, taken together |
//! | `records` | the records, and the frames that they are in |
//! | `at_spawn` | what takes effect with a spawn, as bytes |
//! | `setups` | sockets, a setup and a cgroup as bytes |
//! | `counted` | what health checks have counted, as bytes |
//! | `states` | the state of a process as bytes |
//! | `frames` | lengths, kinds, versions and checksums |
//! | `wire` | numbers, texts and lists as bytes |

mod at_spawn;
mod copying;
mod counted;
mod file;
mod following;
mod former;
mod found;
mod frames;
#[cfg(any(test, feature = "scripted"))]
mod gate;
mod keeper;
mod kept;
mod log;
mod records;
#[cfg(test)]
mod second;
mod setups;
mod states;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use at_spawn::AtSpawn;
pub(crate) use counted::Counted;
pub(crate) use following::Following;
pub(crate) use former::{Former, FormerProcess};
pub use found::FormerStash;
#[cfg(any(test, feature = "scripted"))]
pub use gate::Gate;
pub use keeper::{StashKeeper, StashKept};
pub(crate) use kept::Spawn;
pub use log::Stash;
pub(crate) use log::{With, Written, is_written_ahead};
pub(crate) use records::{Aside, Beside, Life};

/// The lowest and the highest version of what a host reads that a former one has written down. A record of a kind or version
/// that it does not know is passed over, so this is raised only when an older host must not go on from newer records. Otherwise a new version of a
/// record is written beside the one that older hosts read.
pub const STASH_VERSIONS: (u8, u8) = (1, 1);
