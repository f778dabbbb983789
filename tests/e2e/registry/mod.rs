//! Components from registries and servers: with Debian's registry, with a server of TLS, and with servers that misbehave.
//!
//! | room | owns |
//! |---|---|
//! | `flows` | pushing, pulling, and hosts that run what was pulled |
//! | `files` | components on servers, with and without TLS |
//! | `hanging` | servers that hang, and what of a host and of a start they do not block |
//! | `tokens` | registries that demand a token, with and without credentials |
//! | `pushing` | registries that misbehave when they are pushed to |
//! | `broken` | servers that do not speak HTTP well, or not as they say |
//! | `faults` | servers that are slow, endless, wrong or hostile |
//! | `server` | a server that answers as the test says, and one with TLS |
//! | `debian` | the registry of Debian's package `docker-registry` |
//! | `bench` | a directory for such a test, and what it expects of a pull |

mod bench;
mod broken;
mod debian;
mod faults;
mod files;
mod flows;
mod hanging;
mod pushing;
mod server;
mod tokens;
