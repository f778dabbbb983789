//! The protocol between the keeper and the host, version 1: datagrams in order over a `SOCK_SEQPACKET` pair.
//!
//! Each message is a [`Head`] of 12 bytes and a body of at most [`BODY_MAX`] bytes, all numbers little-endian, and
//! descriptors beside it. The host sends [`Order`]s, the keeper sends [`Report`]s.
//!
//! **Credit.** Both ends are non-blocking. The keeper answers each order with exactly one report that has the sequence
//! number of the order: `HELLO` with `WELCOME` or `UNSUPPORTED`, `PONG` with nothing, all others with `DONE`. It answers
//! without waiting for an exec or a disk. A host has at most [`CREDIT`] orders unanswered; the keeper stops reading at
//! that number, so a host that reads all the time never waits for ever. All other reports are what a slot has become;
//! they are kept in the slot until they could be sent, so their number is bounded by the number of slots.
//!
//! **Attaching.** The host sends `HELLO` with the versions that it speaks. The keeper answers `WELCOME`, which names the
//! highest common version (in the head), in which all further messages are written, all versions that the keeper speaks (in the
//! flags of the head; 0 if it does not say) and how many `HELD` and `STASHED` follow it: one `HELD` for each slot that is not
//! free, with its descriptors, and one `STASHED` for each key. Nothing else comes before the last of them. Heads, `HELLO`,
//! `WELCOME` up to its version, and `UNSUPPORTED` are the same in all versions.
//!
//! **A spawn.** `SPAWN` is answered by `DONE`: with an error there is no slot and nothing was started. Otherwise the child
//! exists, and one of `SPAWNED` (its program runs) and `REFUSED` (it does not) follows, when the exec has returned. When
//! the main process has ended, `ENDED` follows. `REAP` ends the zombie; `FORGET` frees the slot of a child that has ended
//! (and reaps it if `REAP` has not) or was refused. What was reported is reported again in `HELD` until then.
//!
//! | order | id | descriptors | order | id | descriptors |
//! |---|---|---|---|---|---|
//! | `HELLO` | – | – | `SPAWN` | slot | see [`Spec`] |
//! | `SIGNAL` | slot | – | `REAP`, `FORGET`, `AMEND`, `FRAMED` | slot | – |
//! | `STASH` | key | memfd, or none to drop the key | `PONG`, `SYNC`, `SETTLED` | – | – |
//! | `LEAVE` | – | program of the next host, or none | `ADOPT` | slot | see [`Descriptors`] |
//! | `UPGRADE` (with the versions of tables in the flags of the head) | – | program of the next keeper | | | |
//!
//! | report | id | descriptors | report | id | descriptors |
//! |---|---|---|---|---|---|
//! | `WELCOME`, `UNSUPPORTED` | – | – | `HELD`, `SPAWNED` | slot | see [`Descriptors`] |
//! | `STASHED` | key | memfd | `DONE`, `REFUSED`, `ENDED` | slot | – |
//! | `ORPHANS`, `PING`, `SIGNALLED` | – | – | | | |
//!
//! | room | owns |
//! |---|---|
//! | `order` | what the host sends |
//! | `report` | what the keeper sends |
//! | `spec` | what is to be started |
//! | `values` | the parts that messages share |
//! | `states` | the states of a slot and of the host |
//! | `head` | the head of a message, the kinds, the versions |
//! | `bytes` | writing and reading numbers and strings |

pub(crate) mod bytes;
mod head;
mod order;
mod report;
mod spec;
mod states;
mod values;

#[cfg(test)]
mod tests;

pub use bytes::{Malformed, TooLong};
pub use head::{Head, Kind, VERSION, Versions};
pub use order::{Leave, Order};
pub use report::{HostEnd, HostEnding, Report, Welcome};
pub use spec::{Input, OWN_PID, Output, Spec, Strings};
pub use states::{HOST_EDGES, HostState, SLOT_EDGES, SlotState};
pub use values::{Descriptors, End, Ending, Gap, Held, Id, Refusal, Scope, Stage, Stream, Usage};

/// The size of a head in bytes.
pub const HEAD_LEN: usize = 12;

/// The largest body in bytes. A larger [`Spec`] travels in a sealed memfd.
pub const BODY_MAX: usize = 64 * 1024;

/// The largest message in bytes.
pub const MESSAGE_MAX: usize = HEAD_LEN + BODY_MAX;

/// The largest spec in a memfd, in bytes: the kernel accepts no more arguments and variables.
pub const SPEC_MAX: usize = 8 * 1024 * 1024;

/// The number of orders that may be unanswered.
pub const CREDIT: usize = 32;

/// The number of descriptors that a message may have.
pub const DESCRIPTORS_MAX: usize = 32;

/// The stashes of keys below this number may be read at the socket of the keeper, by its own user.
pub const PUBLIC_KEYS: u32 = 16;

/// The most keys of [`Order::Stash`].
pub const STASHES_MAX: usize = 4_096;
