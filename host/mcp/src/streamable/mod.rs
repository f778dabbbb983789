//! The service over HTTP: requests of the newer era are served one by one, clients of the older one have a bounded number of
//! sessions.
//!
//! | room | owns |
//! |---|---|
//! | `service` | the service, to be mounted at `/mcp` |
//! | `plain` | calls of tools that read, answered without the library |
//! | `problem` | refusals in the form that the API has for them |
//! | `sessions` | the sessions of clients of the older era |
//! | `seats` | how many sessions each caller has, and which one ends for a new one |

mod plain;
mod problem;
mod seats;
mod service;
mod sessions;

pub use seats::Owner;
pub use service::{HttpService, http_service};
