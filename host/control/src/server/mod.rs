//! The server of the API.
//!
//! | room | owns |
//! |---|---|
//! | `routes` | which request is answered where, and serving until the host ends |
//! | `connections` | all connections: how many there may be, and which give way |
//! | `patient` | the bytes of one connection, and how long it may take |
//! | `status` | everything at one generation |
//! | `host` | the host itself: what it lacks, and its end |
//! | `orders` | start, stop, restart, signal, and waiting for what they bring about |
//! | `explain` | why a process is in its state |
//! | `plugins` | plugins, and changing them |
//! | `state_core` | the backends of the state core, and changing them |
//! | `streams` | events and logs, line by line |
//! | `views` | what plugins render |
//! | `context` | what the API speaks for, and what every route is given |
//! | `extract` | what is taken out of requests |
//! | `select` | targets: names, `group:*` and `all` |
//! | `refused` | errors as people and programs get them |
//! | `socket` | the socket: its mode, and who may connect |
//! | `spare` | descriptors that are kept back |

mod connections;
mod context;
mod explain;
mod extract;
mod host;
mod orders;
mod patient;
mod plugins;
mod refused;
mod routes;
mod select;
mod socket;
mod spare;
mod state_core;
mod status;
mod streams;
mod views;

pub use context::{ApiContext, CONNECTIONS_MAX};
pub use routes::serve;
pub use socket::{BindError, Listening, SocketPlace};
