//! What a plugin can ask of the host, one file for each interface; natively, a stand-in of each thread answers.
//!
//! | room | owns |
//! |---|---|
//! | `http` | requests of views and consumers that are granted them |
//! | `env` | variables of the host's environment that are granted |
//! | `memory` | the memory store of the plugin |
//! | `plugins` | the plugins of the host and what they have done |
//! | `log` | lines into the log of the host |
//! | `native` | what stands in for the host in native tests |

#[cfg(feature = "wasi")]
pub mod env;
#[cfg(feature = "wasi")]
pub mod http;
pub mod log;
pub mod memory;
pub(crate) mod native;
pub mod plugins;
