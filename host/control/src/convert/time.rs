//! Converts times, corrected for a wall clock that was set since they were noted.

use std::sync::atomic::{AtomicI64, Ordering};

use provost_state::Moment;
use provost_supervisor::Stamp as Text;
use serde::{Serialize, Serializer};

/// If the wall clock and the monotonic clock have diverged by more than this since a moment, the wall clock was set. A
/// smaller difference is its ordinary correction.
const CLOCK_SET_MS: u64 = 2_000;

/// The anchor is replaced when the wall clock is further than this from it.
const ANCHOR_MS: u64 = 500;

/// The distance of the wall clock from the monotonic clock, in milliseconds. What is rendered depends on this anchor and not on
/// the time of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wall(i64);

impl Wall {
    /// Returns the distance at a moment.
    pub(crate) fn at(moment: Moment) -> Self {
        let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        Self(ms(moment.wall_ms).saturating_sub(ms(moment.mono_ns / 1_000_000)))
    }
}

impl std::fmt::Display for Wall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// The anchor of all answers. It stays the same until the wall clock has been set, or corrected by as much as half a second.
#[derive(Debug)]
pub(crate) struct Anchor(AtomicI64);

impl Anchor {
    pub(crate) fn new(now: Moment) -> Self {
        Self(AtomicI64::new(Wall::at(now).0))
    }

    /// Returns the anchor, after replacing it if the wall clock was set.
    pub(crate) fn at(&self, now: Moment) -> Wall {
        let (known, seen) = (self.0.load(Ordering::Relaxed), Wall::at(now).0);
        if known.abs_diff(seen) <= ANCHOR_MS {
            return Wall(known);
        }
        self.0.store(seen, Ordering::Relaxed);
        Wall(seen)
    }
}

/// A time in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Text);

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

/// Returns the time of a moment. If the wall clock was set since, the time is computed from the monotonic clock.
pub(crate) fn time_at(moment: Moment, wall: Wall) -> Stamp {
    let mono_ms = i64::try_from(moment.mono_ns / 1_000_000).unwrap_or(i64::MAX);
    let seen = u64::try_from(mono_ms.saturating_add(wall.0)).unwrap_or(0);
    let was_set = seen.abs_diff(moment.wall_ms) > CLOCK_SET_MS;
    Stamp(Text::of(if was_set { seen } else { moment.wall_ms }))
}
