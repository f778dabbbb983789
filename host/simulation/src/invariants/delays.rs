//! How the delays of restarts follow each other.

use provost_state::span::exact;

use super::verdict::{Checked, about};
use crate::course::{Made, Track};

/// Returns the decisions of a process that restart it after a failure, with their delays.
fn failures(track: &Track) -> impl Iterator<Item = (&Made, u64)> {
    track.decisions.iter().filter(|made| made.failures > 0).filter_map(|made| Some((made, made.delay_ms()?)))
}

/// From one failure of a streak to the next, the delay does not become shorter.
pub(super) fn never_shrink(tracks: &[&Track], tolerance: f64, checked: &mut Checked) {
    for track in tracks {
        let mut before: Option<(&Made, u64)> = None;
        for (made, delay_ms) in failures(track) {
            if let Some((former, former_ms)) = before
                && made.failures == former.failures.saturating_add(1)
            {
                if (delay_ms as f64) < former_ms as f64 * (1.0 - tolerance) {
                    checked.broken(made.at_ms, Some(&track.name), || {
                        let (delay, former, failures) = (exact(delay_ms), exact(former_ms), made.failures);
                        format!(
                            "the delay after failure {failures} in a row is {delay}, after {former} before"
                        )
                    });
                } else {
                    checked.held += 1;
                }
            }
            before = Some((made, delay_ms));
        }
    }
}

/// After a life of at least `uptime_ms`, the delay is as short as after the first failure.
pub(super) fn back_to_first(tracks: &[&Track], uptime_ms: u64, tolerance: f64, checked: &mut Checked) {
    for track in tracks {
        let mut all = failures(track);
        let Some((_, first_ms)) = all.next() else { continue };
        for (made, delay_ms) in all.filter(|(made, _)| made.uptime_ms >= uptime_ms) {
            if delay_ms as f64 > first_ms as f64 * (1.0 + tolerance) {
                checked.broken(made.at_ms, Some(&track.name), || {
                    let (delay, first, up) = (exact(delay_ms), exact(first_ms), about(made.uptime_ms));
                    format!("it had run for {up}, and the delay is {delay}; the first one was {first}")
                });
            } else {
                checked.held += 1;
            }
        }
    }
}
