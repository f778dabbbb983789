//! Removes the oldest segments.

use std::path::Path;

use super::bounds::{Bounds, SEGMENTS_MAX};
use crate::format::State;
use crate::read::{Found, list};

/// Removes the oldest sealed segments in `dir` while there are too many bytes or segments, and those that are too old. What
/// cannot be removed now is removed later.
pub(super) fn retain(dir: &Path, bounds: &Bounds, now_wall_ms: u64) {
    let Ok(segments) = list(dir) else { return };
    // The segment that is written next has its room, too.
    let bytes_most = bounds.bytes_max.saturating_sub(bounds.segment_bytes());
    for path in surplus(&segments, (bytes_most, bounds.age_ms_max), now_wall_ms) {
        let _ = std::fs::remove_file(path);
    }
}

fn surplus(segments: &[Found], (bytes_most, age_ms_max): (u64, u64), now_wall_ms: u64) -> Vec<&Path> {
    let (mut bytes, mut count) = (segments.iter().map(|it| it.bytes).sum::<u64>(), segments.len());
    let mut surplus = Vec::new();
    for segment in segments.iter().filter(|segment| segment.state == State::Sealed) {
        let is_old = now_wall_ms.saturating_sub(segment.modified_ms) > age_ms_max;
        // Only the oldest go, so that no gap comes between two segments.
        if !(is_old || bytes > bytes_most || count > SEGMENTS_MAX) {
            break;
        }
        surplus.push(&*segment.path);
        (bytes, count) = (bytes - segment.bytes, count - 1);
    }
    surplus
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(first_seq: u64, bytes: u64, modified_ms: u64, state: State) -> Found {
        Found { first_seq, state, path: first_seq.to_string().into(), bytes, modified_ms }
    }

    fn removed(segments: &[Found], bytes_most: u64, age_ms_max: u64) -> Vec<String> {
        let surplus = surplus(segments, (bytes_most, age_ms_max), 10_000);
        surplus.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn the_oldest_go_first_and_the_one_that_is_written_stays() {
        let all = [
            segment(1, 100, 1_000, State::Sealed),
            segment(2, 100, 9_000, State::Sealed),
            segment(3, 100, 2_000, State::Sealed),
            segment(4, 100, 10_000, State::Open),
        ];
        assert_eq!(removed(&all, 400, 20_000), [""; 0]);
        assert_eq!(removed(&all, 399, 20_000), ["1"]);
        assert_eq!(removed(&all, 200, 20_000), ["1", "2"]);
        assert_eq!(removed(&all, 1, 20_000), ["1", "2", "3"]);
        assert_eq!(removed(&all, 400, 5_000), ["1"], "the third is old, but a younger one is before it");
    }

    #[test]
    fn there_are_never_more_segments_than_the_bound() {
        let many: Vec<Found> = (0..5_000).map(|n| segment(n, 1, 10_000, State::Sealed)).collect();
        assert_eq!(removed(&many, u64::MAX, u64::MAX).len(), 5_000 - SEGMENTS_MAX);
    }
}
