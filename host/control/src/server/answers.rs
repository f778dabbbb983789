//! What all answers share: the rendered processes and events, the anchor of their times, the life of the host, and their tags.

use std::fmt::{self, Display, Write};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use provost_api as api;
use provost_state::{Generation, Moment, PluginReport};
use provost_supervisor::Listing;

use super::kept::Kept;
use super::rows::Rows;
use crate::convert::{Anchor, Wall};
use crate::fragments::{Fragments, Lines};

/// What all answers share.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) fragments: Fragments,
    pub(super) lines: Lines,
    pub(super) plugins: Kept<(Vec<PluginReport>, Option<Generation>)>,
    pub(super) host: Kept<api::Host>,
    pub(super) order: Kept<Arc<Listing>>,
    /// What the host and all processes use.
    pub(super) usage: Rows,
    pub(super) anchor: Anchor,
    /// The life of the host: a random number in hexadecimal digits. Every host counts generations from the start.
    pub(super) boot: String,
    hashes: ahash::RandomState,
}

/// An entity tag, with its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag(String);

impl Tag {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Answers {
    pub(super) fn new(now: Moment) -> Self {
        // The keys of a hash are the random numbers that the standard library has.
        let boot = format!("{:016x}", RandomState::new().hash_one(now.wall_ms));
        Self {
            fragments: Fragments::default(),
            lines: Lines::default(),
            plugins: Kept::default(),
            host: Kept::default(),
            order: Kept::default(),
            usage: Rows::default(),
            hashes: ahash::RandomState::new(),
            anchor: Anchor::new(now),
            boot,
        }
    }

    /// Whether this is the life of this host.
    pub(super) fn is_ours(&self, boot: &str) -> bool {
        self.boot == boot
    }

    /// Returns the id of a message at one generation, from which a stream can be resumed.
    pub(super) fn id(&self, generation: Generation) -> impl Display {
        fmt::from_fn(move |f| write!(f, "{}.{generation}", self.boot))
    }

    /// Returns the generation in an id; `None` if it is not an id of this host.
    pub(super) fn generation(&self, id: &str) -> Option<Generation> {
        let generation = id.strip_prefix(&self.boot)?.strip_prefix('.')?;
        generation.parse().ok().map(Generation)
    }

    /// Returns a number that other bytes do not have, but for one of 2^64.
    pub(super) fn hash(&self, bytes: &[u8]) -> u64 {
        self.hashes.hash_one(bytes)
    }

    /// Returns the tag of an answer at one generation. `rest` is the part of the answer that changes without a commit.
    pub(super) fn tag(&self, generation: Generation, wall: Wall, rest: &[u8]) -> Tag {
        let mut tag = String::with_capacity(64);
        // Writing to memory does not fail.
        let _ = write!(tag, "\"{}-{generation}-{wall}", self.boot);
        if rest.len() > 1 {
            let _ = write!(tag, "-{:016x}", self.hash(rest));
        }
        tag.push('"');
        Tag(tag)
    }
}
