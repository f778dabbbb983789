//! How many restarts there may be in how long.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use provost_state::span::exact;

use super::verdict::Checked;
use crate::course::Track;

const MINUTE_MS: u64 = 60_000;

fn restarts(track: &Track) -> impl Iterator<Item = u64> {
    track.lives.iter().filter(|life| life.is_restart()).map(|life| life.started_ms)
}

/// Within any minute, no process is restarted more often than `most` times.
pub(super) fn per_minute(tracks: &[&Track], most: u32, checked: &mut Checked) {
    per(tracks, most, (MINUTE_MS, "a minute"), checked);
}

/// Within any hour, no process is restarted more often than `most` times.
pub(super) fn per_hour(tracks: &[&Track], most: u32, checked: &mut Checked) {
    per(tracks, most, (60 * MINUTE_MS, "an hour"), checked);
}

/// Within any period of this many milliseconds, which has this name, no process is restarted more often than `most` times.
fn per(tracks: &[&Track], most: u32, (period_ms, period): (u64, &str), checked: &mut Checked) {
    for track in tracks {
        let mut last: VecDeque<u64> = VecDeque::new();
        // One breach for each period, not one for each restart in it.
        let mut told_ms = None;
        for at_ms in restarts(track) {
            last.push_back(at_ms);
            while last.front().is_some_and(|first| at_ms - first >= period_ms) {
                last.pop_front();
            }
            if last.len() <= most as usize {
                checked.held += 1;
            } else if told_ms.is_none_or(|told_ms| at_ms - told_ms >= period_ms) {
                told_ms = Some(at_ms);
                let what =
                    || format!("it was restarted {} times within {period}, more than {most}", last.len());
                checked.broken(at_ms, Some(&track.name), what);
            }
        }
    }
}

/// Within any `within_ms`, at most `most` processes are restarted.
pub(super) fn herd(tracks: &[&Track], most: u32, within_ms: u64, checked: &mut Checked) {
    let mut all: Vec<(u64, &Arc<str>)> =
        tracks.iter().flat_map(|track| restarts(track).map(|at_ms| (at_ms, &track.name))).collect();
    all.sort();
    let mut last: VecDeque<(u64, &Arc<str>)> = VecDeque::new();
    let mut counts: HashMap<&str, u32> = HashMap::new();
    let mut told_ms = None;
    for (at_ms, name) in all {
        last.push_back((at_ms, name));
        *counts.entry(name).or_default() += 1;
        while let Some((_, first)) = last.pop_front_if(|(first_ms, _)| at_ms - *first_ms >= within_ms) {
            if let Some(count) = counts.get_mut(&**first) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&**first);
                }
            }
        }
        if counts.len() <= most as usize {
            checked.held += 1;
        } else if told_ms.is_none_or(|told_ms| at_ms - told_ms >= within_ms.max(1)) {
            told_ms = Some(at_ms);
            let within = exact(within_ms);
            let what =
                || format!("{} processes were restarted within {within}, more than {most}", counts.len());
            checked.broken(at_ms, None, what);
        }
    }
}
