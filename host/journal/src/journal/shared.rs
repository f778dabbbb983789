//! What the thread and the handle share: the queue of notes, the plugins that they are about, the bell that wakes the thread, and
//! the figures.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use provost_state::{Moment, Note, Noted, PluginNote};

use super::follow::Trouble;

/// The most notes that wait to be written. A decision about usage has about 2 KiB, so they are at most 32 MiB, and usually
/// 5 MiB.
pub(super) const NOTES_MAX: usize = 16_384;

/// What the journal has done, for people and for tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The number of records that were written.
    pub records: u64,
    /// The number of bytes that were written.
    pub bytes: u64,
    /// The number of notes that were dropped because the queue was full.
    pub dropped: u64,
    /// Since when the thread waits for the disk, in nanoseconds of the monotonic clock; `None` if it does not.
    pub busy_since_ns: Option<u64>,
    /// What is wrong; `None` if everything is written.
    pub trouble: Option<Trouble>,
    /// Whether the thread has ended.
    pub has_ended: bool,
}

#[derive(Debug, Default)]
struct State {
    notes: VecDeque<Note>,
    /// Notes that were dropped since the thread was told.
    dropped: u64,
    /// The last note of each plugin that is in force, also if it was dropped.
    plugins: BTreeMap<Arc<str>, PluginNote>,
    /// Whether something has happened since the thread looked.
    rung: bool,
    ending: bool,
    figures: Figures,
}

/// The queue, the bell and the figures. The lock is held for moments only, and never while anything is written.
#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    bell: Condvar,
    ended: Condvar,
}

/// What the thread has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Something has happened, or the time is over.
    Work,
    /// The host ends.
    End,
}

impl Shared {
    /// Takes a note, or counts it if there are too many.
    pub(super) fn push(&self, note: Note) {
        let mut state = self.state.lock();
        if let Noted::Plugin(plugin) = &note.what {
            match plugin.version {
                Some(_) => _ = state.plugins.insert(plugin.name.clone(), plugin.clone()),
                None => _ = state.plugins.remove(&plugin.name),
            }
        }
        if state.notes.len() < NOTES_MAX {
            state.notes.push_back(note);
        } else {
            state.dropped += 1;
            state.figures.dropped += 1;
        }
        state.rung = true;
        drop(state);
        self.bell.notify_one();
    }

    /// Wakes the thread.
    pub(super) fn ring(&self) {
        self.state.lock().rung = true;
        self.bell.notify_one();
    }

    /// Asks the thread to write everything and to end.
    pub(super) fn end(&self) {
        self.state.lock().ending = true;
        self.bell.notify_one();
    }

    /// Waits until something has happened, or until `most` is over.
    pub(super) fn wait(&self, most: Option<Duration>) -> Call {
        let mut state = self.state.lock();
        while !state.rung && !state.ending {
            match most {
                None => self.bell.wait(&mut state),
                Some(most) => {
                    if self.bell.wait_for(&mut state, most).timed_out() {
                        break;
                    }
                }
            }
        }
        state.rung = false;
        if state.ending { Call::End } else { Call::Work }
    }

    /// Waits for `most`, whatever happens, unless the host ends.
    pub(super) fn pause(&self, most: Duration) -> Call {
        let mut state = self.state.lock();
        self.bell.wait_while_for(&mut state, |state| !state.ending, most);
        if state.ending { Call::End } else { Call::Work }
    }

    /// Returns the last note of each plugin that is in force.
    pub(super) fn plugins(&self) -> Vec<PluginNote> {
        self.state.lock().plugins.values().cloned().collect()
    }

    /// Takes the notes that wait, and the number of those that were dropped.
    pub(super) fn take(&self) -> (VecDeque<Note>, u64) {
        let mut state = self.state.lock();
        (std::mem::take(&mut state.notes), std::mem::take(&mut state.dropped))
    }

    pub(super) fn figures(&self) -> Figures {
        self.state.lock().figures.clone()
    }

    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Figures) -> T) -> T {
        change(&mut self.state.lock().figures)
    }

    /// Notes that the thread waits for the disk from `now` on until `work` returns.
    pub(super) fn busy<T>(&self, now: Moment, work: impl FnOnce() -> T) -> T {
        self.update(|figures| figures.busy_since_ns = Some(now.mono_ns));
        let _rested = Rested(self);
        work()
    }

    /// Notes that the thread has ended.
    pub(super) fn has_ended(&self) {
        self.update(|figures| figures.has_ended = true);
        self.ended.notify_all();
    }

    /// Waits at most this long until the thread has ended, and returns whether it has.
    pub(super) fn wait_for_end(&self, most: Duration) -> bool {
        let mut state = self.state.lock();
        self.ended.wait_while_for(&mut state, |state| !state.figures.has_ended, most);
        state.figures.has_ended
    }
}

/// Notes at its end, also that of a panic, that the thread does not wait for the disk any more.
struct Rested<'a>(&'a Shared);

impl Drop for Rested<'_> {
    fn drop(&mut self) {
        self.0.update(|figures| figures.busy_since_ns = None);
    }
}
