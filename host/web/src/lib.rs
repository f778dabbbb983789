//! The web view: the files of its page, and the answers to requests for them. Floor 2 of the house: the page is a client of the
//! API in the browser, and this crate knows nothing of the host.
//!
//! The sources are in `page/`, and `build.mjs` makes the files in `dist/` from them. They are committed, so that a build of the
//! host needs no Node.js. `dist.sources` is the digest of the sources that they were made from.
//!
//! | room | owns |
//! |---|---|
//! | `answer` | the answer to a request, with its headers |
//! | `files` | the list of the files, which `build.mjs` writes |
//! | `asset` | a file of the page |

#![forbid(unsafe_code)]

mod answer;
mod asset;
mod files;

pub use answer::{CONTENT_SECURITY_POLICY, answer};
