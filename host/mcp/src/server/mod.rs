//! The requests of the protocol, in both of its eras: with `initialize` and a session (until 2025-11-25), and without (2026-07-28).
//!
//! | room | owns |
//! |---|---|
//! | `handler` | the requests |
//! | `session` | the subscriptions of a client of the older era |
//! | `listening` | clients as receivers of notifications |

mod handler;
mod listening;
mod session;

pub(crate) use handler::Server;
