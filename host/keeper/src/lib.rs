//! Floor 0: the keeper, a separate small program that is the parent of the host and of every process, and holds what has to
//! outlive a host: pids, pidfds, pipes, exits, and the host's own state as sealed memory. The host does everything else.
//!
//! The program is started as
//! `provost-keeper [--socket PATH] [--stubborn] [--detached] -- PROGRAM NAME [ARGUMENT…]`. It runs the host as its child: `PROGRAM`, which
//! is opened once, so that a replaced file changes nothing, with `NAME` and the arguments, in its own group and terminal, with its own environment and [`HOST_VARIABLE`], and with [`HOST_DESCRIPTOR`] as the host's end of the
//! [protocol]. Signals that ask something of the host (SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2) reach it
//! as [`Report::Signalled`](protocol::Report::Signalled); those that a terminal sends to the whole group reach the host as well,
//! which is started with SIGINT and SIGQUIT ignored.
//! After five deaths within a minute the host stays down; with `--stubborn` it is started again all the same.
//! With `--detached` the keeper goes on without its standard streams once the first host has them, because the starter may
//! wait for their end.
//!
//! At `PATH` the keeper listens (mode 0600, its own user alone) and answers, whatever the host does: a client that connects
//! (`SOCK_SEQPACKET`) receives `WELCOME`, then `HELD` for each slot that is not free, without descriptors, and the end of the
//! connection. A client that sends [`Order::Sync`](protocol::Order::Sync) asks, besides, for a host if there is none.
//!
//! | room | owns |
//! |---|---|
//! | `stage` | the exec stage, which the same program is when it is called by that name |
//! | `program` | the program: its threads, and what it asks of the operating system |
//! | `machine` | the state machine |
//! | `socket` | messages with descriptors over a socket |
//! | `protocol` | the messages between the keeper and the host |

#![forbid(unsafe_code)]

mod machine;
mod program;
pub mod protocol;
pub mod socket;
pub mod stage;

pub use program::run;

/// The number of the descriptor by which the host reaches the keeper.
pub const HOST_DESCRIPTOR: i32 = 3;

/// The environment variable that tells a program that it is the host of a keeper. Its value is the number of the descriptor.
pub const HOST_VARIABLE: &str = "PROVOST_KEEPER";
