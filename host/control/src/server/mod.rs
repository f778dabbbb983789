//! The server of the API.
//!
//! | room | owns |
//! |---|---|
//! | `routes` | the routes, and serving until the host ends |
//! | `connections` | accepting connections, and limits on their number |
//! | `patient` | the bytes of one connection, and its time limits |
//! | `wire` | the socket of one connection |
//! | `processes` | processes and groups alone |
//! | `tcp` | the API over TCP: listening, TLS, and the checks before the routes |
//! | `status` | everything at one generation |
//! | `host` | the host itself: its shortages and its end |
//! | `config` | what differs from the config, reloading it, and scaling |
//! | `orders` | start, stop, restart and signal, and waiting for their effect |
//! | `explain` | why a process is in its state |
//! | `dependencies` | what processes wait for before they are started |
//! | `plugins` | plugins, and changing them |
//! | `state_core` | the backends of the state core, and changing them |
//! | `probes` | whether the host is alive and its processes are ready, and its metrics |
//! | `events` | changes of processes, as a stream |
//! | `logs` | lines of output, as a stream |
//! | `views` | what plugins render |
//! | `table` | a table of routes, and the router made of it |
//! | `usage` | what processes use |
//! | `streaming` | bodies that are sent message by message |
//! | `context` | the parts of the host that the API serves |
//! | `in_process` | the API for services in the same process |
//! | `guarded` | what holds for all routes: scopes checked, errors in JSON, panics caught; services beside the API |
//! | `described` | descriptions of routes, and a document made of them |
//! | `scopes` | the scopes that requests take |
//! | `extract` | bodies and queries of requests |
//! | `framing` | one reply, lines of JSON or server-sent events: what `Accept` chooses |
//! | `rules` | what the config says about requests |
//! | `answers` | what all answers share: the rendered processes, and their tags |
//! | `kept` | the JSON of a part that changes seldom |
//! | `rows` | the JSON of what processes use |
//! | `pieces` | bodies of several pieces |
//! | `select` | targets: names, `group:*` and `all` |
//! | `refused` | the errors of the API |
//! | `socket` | the socket: its mode, and the check of the peer |
//! | `spare` | descriptors that are kept back |

mod answers;
mod config;
mod connections;
mod context;
mod dependencies;
mod described;
mod events;
mod explain;
mod extract;
mod framing;
mod guarded;
mod host;
mod in_process;
mod kept;
mod logs;
mod orders;
mod patient;
mod pieces;
mod plugins;
mod probes;
mod processes;
mod refused;
mod routes;
mod rows;
mod rules;
mod scopes;
mod select;
mod socket;
mod spare;
mod state_core;
mod status;
mod streaming;
mod table;
mod tcp;
mod usage;
mod views;
mod wire;

pub use context::{ApiContext, CONNECTIONS_MAX};
pub use guarded::{Caller, Guarded, Mount, Mounted, TokenName};
pub use routes::{openapi_document, routes, serve};
pub use rules::{ApiRules, RulesInForce};
pub use socket::{BindError, Listening, SocketPlace};
pub use tcp::{CertificateFiles, TcpError, TcpListening, TcpWanted, TlsError};
