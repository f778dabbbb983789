//! From bytes to a component that may run: its source, whether it is a component, its signer, its compiled code, and
//! whether it is admitted.
//!
//! | room | owns |
//! |---|---|
//! | `inspect` | inspects a component for people |
//! | `admission` | decides whether a component is admitted: [`Admitted`] |
//! | `cache` | compiled code on disk and its bounds; the only file with `unsafe` |
//! | `compiler` | the port for compiling |
//! | `keys` | the keys that components are signed with |
//! | `trust` | decides by signatures whose components are admitted |
//! | `together` | components elsewhere that are needed together |
//! | `source` | where a component comes from |
//! | `bundled` | the components inside this binary |
//! | `surface` | the names of what a component imports and exports |
//! | `recognise` | decides whether some bytes are a component |
//! | `digest` | SHA-256 digests in hex, and the number of an engine |
//! | `error` | why a component cannot be loaded |
//! | `remote` | the port for components that are elsewhere |

pub(crate) mod admission;
mod bundled;
pub(crate) mod cache;
mod compiler;
mod digest;
mod error;
mod inspect;
mod keys;
mod recognise;
mod remote;
mod source;
mod surface;
mod together;
mod trust;

pub(crate) use admission::Admitted;
pub use bundled::bundled_names;
pub use compiler::{CompileError, Compiler, InProcess};
pub(crate) use digest::{digest, engine_number, sha256};
pub use digest::{hex, is_sha256};
pub use error::{ComponentError, LoadError};
pub use inspect::{Inspection, inspect, survey};
pub use keys::{keygen, sign, verify};
pub(crate) use recognise::exports;
pub use recognise::recognise;
pub use remote::{FetchLease, Fetched, Fetching, Nowhere, Remote, RemoteError};
pub(crate) use source::Obtained;
pub use source::Source;
pub(crate) use surface::{Surface, roles_of};
pub use together::FetchedTogether;
pub use trust::{Trust, TrustError, signature_of};
