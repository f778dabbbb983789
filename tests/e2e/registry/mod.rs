//! Components from registries and servers: with Debian's registry, with a server of TLS, and with servers that misbehave.
//!
//! | room | owns |
//! |---|---|
//! | `flows` | pushing, pulling, and hosts that run what was pulled |
//! | `files` | components on servers, with and without TLS |
//! | `faults` | servers that are slow, endless, wrong or hostile |
//! | `server` | a server that answers as the test says, and one with TLS |
//! | `debian` | the registry of Debian's package `docker-registry` |
//! | `bench` | a directory for such a test, and what it expects of a pull |

mod bench;
mod debian;
mod faults;
mod files;
mod flows;
mod server;
