//! Serves requests. Floor 2 of the house: the API over the host's Unix socket, in the types of `provost-api`.
//!
//! | room | owns |
//! |---|---|
//! | `server` | the socket, the connections, the routes and their answers |
//! | `convert` | the state as values of the API |
//! | `exact` | whole numbers in JSON that would be changed by being read |
//!
//! What is deliberately absent: wasmtime, spawning, configuration. Whatever is answered about the state of
//! processes comes from one [`Snapshot`](provost_state::Snapshot), read without a lock: asking never waits
//! for anything that a process does.

#![forbid(unsafe_code)]

mod convert;
mod exact;
mod server;

pub use convert::{decision, log_item};
pub use exact::{InexactNumber, exact_numbers};
pub use server::{ApiContext, BindError, CONNECTIONS_MAX, Listening, SocketPlace, serve};
