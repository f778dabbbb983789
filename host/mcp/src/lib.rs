//! Serves the API to clients of the Model Context Protocol: tools, resources with notifications of changes, and prompts. Floor 2 of
//! the house: a client of the API, which knows nothing of the host but its wire types.
//!
//! | room | owns |
//! |---|---|
//! | `streamable` | the service over HTTP, to be mounted at `/mcp` |
//! | `stdio` | the service on standard input and output |
//! | `server` | the requests of the protocol, in both of its eras |
//! | `watch` | notifications of changes, driven by the commits of the host |
//! | `prompts` | prompts with the data that they are about |
//! | `resources` | processes and logs as resources |
//! | `tools` | the tools: their schemas and what they do |
//! | `reading` | what the others read of the host, within bounds |
//! | `page` | the bounds of results |
//! | `time` | times in arguments |
//! | `fault` | why a request failed |
//! | `caller` | who calls, and what it may do |

#![forbid(unsafe_code)]

mod caller;
mod fault;
mod page;
mod prompts;
mod reading;
mod resources;
mod server;
mod stdio;
mod streamable;
mod time;
mod tools;
mod watch;

pub use caller::{Caller, Grant, Wording};
pub use stdio::{StdioError, serve_stdio};
pub use streamable::{HttpService, Owner, http_service};
