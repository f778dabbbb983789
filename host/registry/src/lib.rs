//! Fetches components of plugins from registries and servers, and pushes them to registries: `oci://` and `https://` in a
//! config. Floor 1 of the house; it knows nothing of plugins beyond their bytes.
//!
//! | room | owns |
//! |---|---|
//! | `client` | speaking to registries and servers, with the feature `network` |
//! | `store` | the components that were pulled, on disk |
//! | `pulled` | what was pulled, and the check that it is what was meant |
//! | `written` | what is pushed of a component beside its bytes |
//! | `manifest` | the manifest of an artifact |
//! | `reference` | the references |
//! | `digest` | SHA-256 digests |
//!
//! Invariants:
//! - What is kept or returned has the digest of its reference: that of the manifest, which has that of the component, or
//!   that of the file. So it does not matter which server, proxy or cache it came from.
//! - A host reads the store, and never waits for a network for a decision. `client` is meant for a process with limits on
//!   its memory and its time, because the library for registries reads some answers without a bound.
//! - No message has a password, a token, or the query of a URL to which a server has redirected.

#[cfg(feature = "network")]
mod client;
mod digest;
mod manifest;
mod pulled;
mod reference;
mod store;
#[cfg(any(feature = "network", test))]
mod written;

#[cfg(feature = "network")]
pub use client::{About, FetchError, pull, push};
pub use digest::Digest;
pub use manifest::ManifestError;
pub use pulled::{Mismatch, Pulled};
pub use reference::{Artifact, BadReference, Reference, Url};
pub use store::{Kept, Store, StoreError};

/// The largest component that is pulled, in bytes: the largest that a host loads.
pub const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// The largest signature that is pulled, in bytes.
pub const SIGNATURE_BYTES_MAX: usize = 64 << 10;
