//! Counts the former incarnations of a process whose output is dropped because a process that has left its group holds it open.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use provost_state::Incarnation;

/// The most former incarnations of a process whose output is dropped at the same time.
const LIVES_MAX: usize = 8;

/// The incarnations of a process whose output is dropped, with the numbers of their pipes. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sinks(Arc<Mutex<BTreeMap<Incarnation, usize>>>);

/// The place of one pipe.
#[derive(Debug)]
pub(crate) struct Sink {
    sinks: Sinks,
    incarnation: Incarnation,
}

impl Sinks {
    /// Returns a place for a pipe of this incarnation; `None` if there are too many incarnations already.
    pub(crate) fn enter(&self, incarnation: Incarnation) -> Option<Sink> {
        let mut lives = self.0.lock();
        if lives.len() >= LIVES_MAX && !lives.contains_key(&incarnation) {
            return None;
        }
        *lives.entry(incarnation).or_default() += 1;
        Some(Sink { sinks: self.clone(), incarnation })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut lives = self.sinks.0.lock();
        if let Some(pipes) = lives.get_mut(&self.incarnation) {
            *pipes -= 1;
            if *pipes == 0 {
                lives.remove(&self.incarnation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_incarnations_have_a_place_with_all_their_pipes() {
        let sinks = Sinks::default();
        let places: Vec<_> = (1..=8)
            .flat_map(|life| [life, life])
            .map(|life| sinks.enter(Incarnation(life)).unwrap())
            .collect();
        assert!(sinks.enter(Incarnation(9)).is_none());
        assert!(sinks.enter(Incarnation(8)).is_some());
        drop(places);
        assert!(sinks.0.lock().is_empty());
    }
}
