//! Serves the API. Floor 2 of the house: the server on the host's Unix socket and over TCP, in the types of `provost-api`.
//!
//! | room | owns |
//! |---|---|
//! | `server` | the socket, the connections, the routes and their answers |
//! | `tokens` | the tokens of clients over TCP |
//! | `access` | what a caller may do |
//! | `past` | the port to what happened before the remembered changes |
//! | `fragments` | the JSON of processes, rendered once for each version |
//! | `convert` | conversion of the state to values of the API |
//! | `upgrading` | the port to the place of the host |
//! | `reloading` | the port to the config of the host |
//! | `exact` | whole numbers in JSON that do not fit in 64 bits |
//!
//! What is deliberately absent: wasmtime, spawning, configuration. Every answer about the state of processes
//! comes from one [`Snapshot`](provost_state::Snapshot), read without a lock: a query never waits for a process.

mod access;
mod convert;
mod exact;
mod fragments;
mod past;
mod reloading;
mod server;
mod tokens;
mod upgrading;

pub use access::{Access, NoSuchScope, Scope};
pub use convert::{decision, dependency, event_kind, log_item};
pub use exact::{InexactNumber, exact_numbers};
pub use past::{Past, PastAsked, PastEvents, past_event, past_process, past_sentence};
pub use reloading::{Answer, Awaited, ConfigFile, ConfigRefusal, ConfigReport, LiveConfig, Scaling, Step};
pub use server::{
    ApiContext, ApiRules, BindError, CONNECTIONS_MAX, Caller, CertificateFiles, Guarded, Listening, Mount,
    Mounted, RulesInForce, SocketPlace, TcpError, TcpListening, TcpWanted, TlsError, TokenName,
    openapi_document, routes, serve,
};
pub use tokens::{Secret, Token, TokenError, Tokens};
pub use upgrading::{Place, UpgradeRefusal};
