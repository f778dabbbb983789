//! The calls of the C library that have no safe form: `posix_spawn` and `fork` with all that a child needs, signals by number, the
//! end of a child, the sender of a datagram and the
//! peer of a socket. This is the ground below floor 0, beside `provost-hazard`: small enough to be reviewed at one sitting, so that the
//! crates above it start and signal processes without unsafe code.
//!
//! | room | owns |
//! |---|---|
//! | `spawn` | `posix_spawn`, for a large program |
//! | `exec` | another program in the place of this one, what it finds open and keeps |
//! | `birth` | `fork`, for a small one that must not wait |
//! | `datagram` | a datagram with its sender |
//! | `ended` | how a child has ended |
//! | `reaped` | how a process has ended that somebody else has reaped |
//! | `signals` | signals by number, which are ignored, and how SIGHUP was set at the start |
//! | `own_pid` | variables whose value is the process id of the child |
//! | `heap` | the heaps of the C library |
//! | `peer` | the process and the user at the other end of a socket |
//! | `target` | what a descriptor of a child is open on |

mod birth;
mod datagram;
mod ended;
mod exec;
mod heap;
mod own_pid;
mod peer;
mod reaped;
mod signals;
mod spawn;
mod target;

pub use birth::{Birth, DESCRIPTORS_MAX, Failure, List, Program, fork};
pub use datagram::{DATAGRAM_DESCRIPTORS_MAX, Datagram, DatagramSender, drop_datagram, peek_datagram};
pub use ended::{Ended, ended};
pub use exec::{Inherited, exec, execute, keep_over_exec, set_io_priority};
pub use heap::{bound_heaps, trim_heaps};
pub use own_pid::PidVariable;
pub use peer::{Peer, peer_of};
pub use reaped::reaped;
pub use signals::{
    Ignored, hangup_is_ignored, next_signal, signal_group, signal_pidfd, signal_process, signals,
};
pub use spawn::{Launch, spawn};
pub use target::Target;
