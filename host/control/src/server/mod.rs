//! The server of the API.
//!
//! | room | owns |
//! |---|---|
//! | `routes` | the routes, and serving until the host ends |
//! | `connections` | accepting connections, and limits on their number |
//! | `patient` | the bytes of one connection, and its time limits |
//! | `wire` | the socket of one connection |
//! | `tcp` | the API over TCP: listening, TLS, and the checks before the routes |
//! | `guarded` | what holds for all routes: errors in JSON, panics caught |
//! | `status` | everything at one generation |
//! | `host` | the host itself: its shortages and its end |
//! | `config` | what differs from the config, reloading it, and scaling |
//! | `orders` | start, stop, restart and signal, and waiting for their effect |
//! | `explain` | why a process is in its state |
//! | `plugins` | plugins, and changing them |
//! | `state_core` | the backends of the state core, and changing them |
//! | `streams` | events and logs, line by line |
//! | `probes` | whether the host is alive and its processes are ready, and its metrics |
//! | `views` | what plugins render |
//! | `context` | the parts of the host that the API serves |
//! | `extract` | bodies and queries of requests |
//! | `answers` | what all answers share: the rendered processes, and their tags |
//! | `kept` | the JSON of a part that changes seldom |
//! | `pieces` | bodies of several pieces |
//! | `parts` | the parts of a status |
//! | `select` | targets: names, `group:*` and `all` |
//! | `refused` | the errors of the API |
//! | `socket` | the socket: its mode, and the check of the peer |
//! | `spare` | descriptors that are kept back |

mod answers;
mod config;
mod connections;
mod context;
mod explain;
mod extract;
mod guarded;
mod host;
mod kept;
mod orders;
mod parts;
mod patient;
mod pieces;
mod plugins;
mod probes;
mod refused;
mod routes;
mod select;
mod socket;
mod spare;
mod state_core;
mod status;
mod streams;
mod tcp;
mod views;
mod wire;

pub use context::{ApiContext, CONNECTIONS_MAX};
pub use guarded::Guarded;
pub use routes::{routes, serve};
pub use socket::{BindError, Listening, SocketPlace};
pub use tcp::{ApiRules, CertificateFiles, RulesInForce, TcpError, TcpListening, TcpWanted, TlsError};
