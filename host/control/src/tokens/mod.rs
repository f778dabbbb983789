//! The tokens with which clients speak to the host over TCP. Each is a file in one directory, which holds the digest of the secret
//! and never the secret itself. `provost token` writes these files, and a running host reads them.
//!
//! | room | owns |
//! |---|---|
//! | `keyring` | the tokens that a running host accepts |
//! | `leases` | the leases of tokens, which answers that last hold |
//! | `store` | making, listing and revoking tokens |
//! | `file` | the file of one token |
//! | `secret` | secrets and their digests |

mod file;
mod keyring;
mod leases;
mod secret;
mod store;

pub use file::Token;
pub(crate) use keyring::{Keyring, Unaccepted};
pub(crate) use leases::Lease;
pub use secret::Secret;
pub use store::{TokenError, Tokens};
