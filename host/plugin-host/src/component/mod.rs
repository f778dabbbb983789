//! From bytes to a component that may run: where it comes from, whether it is one, whose it is, its compiled code, and whether it is
//! let in.
//!
//! | room | owns |
//! |---|---|
//! | `inspect` | what a component is, asks for and would be let in for, for people |
//! | `admission` | whether a component is let in: [`Admitted`] |
//! | `cache` | compiled code on disk and its bounds; the only file with `unsafe` |
//! | `compiler` | the port to whoever compiles |
//! | `keys` | the keys that components are signed with |
//! | `trust` | whose components are let in |
//! | `source` | where a component comes from |
//! | `bundled` | the components inside this binary |
//! | `surface` | the names of what a component imports and exports |
//! | `recognise` | whether some bytes are a component |
//! | `digest` | SHA-256 digests in hex |
//! | `error` | why no component can be had |

pub(crate) mod admission;
mod bundled;
pub(crate) mod cache;
mod compiler;
mod digest;
mod error;
mod inspect;
mod keys;
mod recognise;
mod source;
mod surface;
mod trust;

pub(crate) use admission::Admitted;
pub use bundled::bundled_names;
pub use compiler::{CompileError, Compiler, InProcess};
pub(crate) use digest::digest;
pub use digest::is_sha256;
pub use error::{ComponentError, LoadError};
pub use inspect::{Inspection, inspect};
pub use keys::{keygen, sign, verify};
pub(crate) use recognise::{exports, recognise};
pub use source::Source;
pub(crate) use surface::Surface;
pub use trust::{Trust, TrustError, signature_of};
