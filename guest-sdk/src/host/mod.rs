//! The services of the host, one file for each interface; in native tests, stand-ins of each thread answer.
//!
//! | room | owns |
//! |---|---|
//! | `http` | HTTP requests of views and consumers that are granted them |
//! | `env` | environment variables of the host that are granted |
//! | `memory` | the memory store of the plugin |
//! | `plugins` | the plugins of the host and their figures |
//! | `usages` | the resources that processes use |
//! | `log` | lines in the log of the host |
//! | `native` | the stand-ins for the host in native tests |

#[cfg(feature = "wasi")]
pub mod env;
#[cfg(feature = "wasi")]
pub mod http;
pub mod log;
pub mod memory;
pub(crate) mod native;
pub mod plugins;
pub mod usages;
