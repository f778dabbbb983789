//! `provost mcp`, spoken to as clients of both eras of the protocol do.

mod client;
mod http;
mod outage;
mod resources;
mod tools;
