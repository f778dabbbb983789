//! Lets people ask. Floor 2 of the house: the API over the host's Unix socket, and the client of it.
//!
//! | file | owns |
//! |---|---|
//! | [`wire`] | the documented, stable JSON schema |
//! | `convert` | state to wire, and nothing the other way |
//! | `exact` | whole numbers in JSON that would be changed by being read |
//! | `select` | targets: names, `group:*` and `all` |
//! | `peer` | the socket: its mode, and who may connect |
//! | `spare` | descriptors that are kept back |
//! | `server` | the routes; below it all connections and their time limits, and what is taken out of requests |
//! | `orders` | start, stop, restart, signal, and waiting for what they bring about |
//! | `streams` | events and logs, line by line |
//! | `state_core` | which backend of the state is in force, and changing it |
//! | `history` | why a process is in its state |
//! | `refused` | errors as people and programs get them |
//! | [`client`] | the other end |
//! | `reach` | why the socket cannot be connected to, and a host that answers nothing |
//!
//! What is deliberately absent: wasmtime, spawning, configuration. Whatever is answered about the state of
//! processes comes from one [`Snapshot`](provost_state::Snapshot), read without a lock: asking never waits
//! for anything that a process does.

#![forbid(unsafe_code)]

pub mod client;
mod convert;
mod exact;
mod history;
mod orders;
mod peer;
mod plugins;
mod reach;
mod refused;
mod select;
mod server;
mod spare;
mod state_core;
mod streams;
pub mod wire;

pub use convert::log_item;
pub use exact::{InexactNumber, exact_numbers};
pub use peer::{BindError, Listening, SocketPlace};
pub use reach::{SOCKET_PATH_BYTES_MAX, Silent, Unconnected};
pub use server::{CONNECTIONS_MAX, Desk, serve};
