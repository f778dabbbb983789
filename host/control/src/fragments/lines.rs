//! The lines of events, rendered once for each change and shared by all followers. An event has no whole process, so its line is
//! rendered separately.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use provost_state::{Change, Generation};

use crate::convert::{self, Wall};

/// The number of lines that are kept. Followers that keep up are within the last few changes of each other.
const KEPT: usize = 256;

/// The line of one change.
#[derive(Debug)]
struct Line {
    generation: Generation,
    wall: Wall,
    bytes: Bytes,
}

/// The lines of the last changes, each at its generation modulo their number.
#[derive(Debug)]
pub(crate) struct Lines([ArcSwapOption<Line>; KEPT]);

impl Default for Lines {
    fn default() -> Self {
        Self(std::array::from_fn(|_| ArcSwapOption::empty()))
    }
}

impl Lines {
    /// Appends the line of a change, without a line break.
    pub(crate) fn push(&self, change: &Change, wall: Wall, to: &mut Vec<u8>) {
        let generation = change.generation;
        let place = usize::try_from(generation.0 % KEPT as u64).ok().and_then(|at| self.0.get(at));
        let guard = place.map(|place| place.load());
        let kept = guard.as_deref().and_then(Option::as_deref);
        if let Some(kept) = kept.filter(|kept| (kept.generation, kept.wall) == (generation, wall)) {
            to.extend_from_slice(&kept.bytes);
            return;
        }
        let Ok(line) = serde_json::to_vec(&convert::event(change, wall)) else { return };
        to.extend_from_slice(&line);
        // One who reads old changes does not displace the lines that the others need.
        if let Some(place) = place.filter(|_| kept.is_none_or(|kept| kept.generation <= generation)) {
            place.store(Some(Arc::new(Line { generation, wall, bytes: line.into() })));
        }
    }
}
