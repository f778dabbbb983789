//! Decides when a plugin that keeps failing is no longer called: after too many faults within a span of time, as OTP's
//! supervisors judge their children.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use provost_state::{Fault, Intensity};

/// Counts a fault at `now_ms` among the `recent` ones and drops those that are too old. Returns true if that is too
/// many.
fn counts(recent: &mut VecDeque<u64>, now_ms: u64, intensity: Intensity) -> bool {
    if intensity.faults == 0 {
        return false;
    }
    recent.push_back(now_ms);
    let begin = now_ms.saturating_sub(intensity.per_ms);
    while recent.front().is_some_and(|at| *at < begin) {
        recent.pop_front();
    }
    recent.len() >= intensity.faults as usize
}

/// The recent faults of a plugin, and whether they are too many.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    /// Locked by failed calls, and when a quarantine begins or ends.
    recent: Mutex<VecDeque<u64>>,
    why: ArcSwapOption<String>,
}

impl Quarantine {
    /// Returns why it is quarantined, if it is.
    pub(crate) fn why(&self) -> Option<Arc<String>> {
        self.why.load_full()
    }

    /// Counts a fault. Returns true if this is the fault that starts the quarantine.
    pub(crate) fn failed(&self, fault: &Fault, now_ms: u64, intensity: Intensity) -> bool {
        let mut recent = self.recent.lock();
        if !counts(&mut recent, now_ms, intensity) || self.why.load().is_some() {
            return false;
        }
        self.why.store(Some(Arc::new(format!("{intensity}; the last: {}", fault.message))));
        true
    }

    /// Quarantines it, regardless of its faults.
    pub(crate) fn begin(&self, why: String) {
        let _recent = self.recent.lock();
        self.why.store(Some(Arc::new(why)));
    }

    /// Ends the quarantine and forgets the faults. Returns whether it was quarantined.
    pub(crate) fn end(&self) -> bool {
        let mut recent = self.recent.lock();
        recent.clear();
        self.why.swap(None).is_some()
    }
}

#[cfg(test)]
mod tests {
    use provost_state::FaultKind;

    use super::*;

    const THREE_IN_TEN: Intensity = Intensity { faults: 3, per_ms: 10 };

    #[test]
    fn only_faults_within_the_window_count() {
        let mut recent = VecDeque::new();
        let verdicts = [0, 9, 11, 22, 30, 32].map(|at| counts(&mut recent, at, THREE_IN_TEN));
        assert_eq!(verdicts, [false, false, false, false, false, true]);
        assert!(counts(&mut VecDeque::from([1, 1]), 11, THREE_IN_TEN), "the edge belongs to the window");
        assert!(!counts(&mut VecDeque::from([1, 1]), 12, THREE_IN_TEN));
    }

    #[test]
    fn an_intensity_of_no_faults_never_quarantines() {
        let mut recent = VecDeque::new();
        assert!((0..100).all(|at| !counts(&mut recent, at, Intensity { faults: 0, per_ms: 10 })));
        assert!(recent.is_empty());
    }

    #[test]
    fn a_quarantine_says_why_and_ends_with_a_clean_slate() {
        let quarantine = Quarantine::default();
        let fault = Fault { kind: FaultKind::Trap, message: "trapped: oops".into() };
        let ends: Vec<bool> = (0..4).map(|at| quarantine.failed(&fault, at, THREE_IN_TEN)).collect();
        assert_eq!(ends, [false, false, true, false], "it is news once");
        assert_eq!(*quarantine.why().unwrap(), "3 faults in 1 s; the last: trapped: oops");
        assert!(quarantine.end() && !quarantine.end());
        assert!(!quarantine.failed(&fault, 5, THREE_IN_TEN));
    }
}
