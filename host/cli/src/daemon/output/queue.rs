//! A queue of lines, bounded in lines and bytes. Lines that do not fit are counted, and equal lines in a row are folded.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::entry::{Entry, Event};

/// The longest time for which repetitions of a line are counted before their number is written.
const REPEATS_EVERY: Duration = Duration::from_secs(5);

/// The cost of a line in addition to its text, in bytes.
const OVERHEAD_BYTES: usize = 64;

/// The bounds of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The largest number of lines.
    pub(crate) lines: usize,
    /// The largest number of bytes; one line always fits.
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(super) struct Queue {
    bounds: Bounds,
    state: Mutex<State>,
    /// Notified when there is something for the writer.
    work: Condvar,
    /// Notified when the writer has ended.
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The number of dropped lines that has not been reported yet.
    dropped: u64,
    /// The event that was added last.
    last: Option<Event>,
    /// The number of its repetitions since.
    repeated: u64,
    closed: bool,
    written: bool,
}

impl Queue {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::default(), work: Condvar::new(), done: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn push(&self, entry: Entry) -> Result<(), Entry> {
        let mut state = self.state();
        if state.closed {
            return Err(entry);
        }
        if let (Entry::Event(event), Some(last)) = (&entry, &mut state.last)
            && event.is_repetition_of(last)
        {
            last.at_ms = event.at_ms;
            state.repeated += 1;
        } else {
            state.add(entry, self.bounds);
        }
        self.work.notify_one();
        Ok(())
    }

    /// Waits for the next line for the writer; `None` when there will be no more.
    pub(super) fn next(&self) -> Option<Entry> {
        let mut state = self.state();
        loop {
            if let Some(entry) = state.pop() {
                return Some(entry);
            }
            if state.dropped > 0 {
                return Some(Entry::Dropped(std::mem::take(&mut state.dropped)));
            }
            if state.closed {
                return state.take_repeats();
            }
            if state.repeated == 0 {
                self.work.wait(&mut state);
                continue;
            }
            let idle = |state: &mut State| state.entries.is_empty() && !state.closed;
            let waited = self.work.wait_while_for(&mut state, idle, REPEATS_EVERY);
            if waited.timed_out()
                && state.entries.is_empty()
                && let Some(repeats) = state.take_repeats()
            {
                return Some(repeats);
            }
        }
    }

    /// Waits for at most `limit` before the writer tries again. Returns whether the queue is closed.
    pub(super) fn pause(&self, limit: Duration) -> bool {
        let mut state = self.state();
        self.work.wait_while_for(&mut state, |state| !state.closed, limit);
        state.closed
    }

    pub(super) fn close(&self) {
        self.state().closed = true;
        self.work.notify_all();
    }

    /// Closes the queue, and takes all of its entries.
    pub(super) fn close_and_take(&self) -> Vec<Entry> {
        let mut state = self.state();
        state.closed = true;
        let mut left = Vec::new();
        while let Some(entry) = state.pop() {
            left.push(entry);
        }
        if state.dropped > 0 {
            left.push(Entry::Dropped(std::mem::take(&mut state.dropped)));
        }
        left.extend(state.take_repeats());
        left
    }

    /// Marks that the writer has ended.
    pub(super) fn written(&self) {
        self.state().written = true;
        self.done.notify_all();
    }

    pub(super) fn wait_until_written(&self, limit: Duration) -> bool {
        let mut state = self.state();
        self.done.wait_while_for(&mut state, |state| !state.written, limit);
        state.written
    }
}

impl State {
    fn add(&mut self, entry: Entry, bounds: Bounds) {
        if let Some(repeats) = self.take_repeats() {
            self.enqueue(repeats);
        }
        let full = self.entries.len() >= bounds.lines || self.bytes + cost(&entry) > bounds.bytes;
        if full && !self.entries.is_empty() {
            self.dropped += 1;
            self.last = None;
            return;
        }
        if self.dropped > 0 {
            let dropped = Entry::Dropped(std::mem::take(&mut self.dropped));
            self.enqueue(dropped);
        }
        self.last = match &entry {
            Entry::Event(event) => Some(event.clone()),
            _ => None,
        };
        self.enqueue(entry);
    }

    fn enqueue(&mut self, entry: Entry) {
        self.bytes += cost(&entry);
        self.entries.push_back(entry);
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes = self.bytes.saturating_sub(cost(&entry));
        Some(entry)
    }

    /// Takes the number of repetitions of the last line, if there are any.
    fn take_repeats(&mut self) -> Option<Entry> {
        let times = std::mem::take(&mut self.repeated);
        let at_ms = self.last.as_ref().map_or(0, |last| last.at_ms);
        (times > 0).then_some(Entry::Repeated { times, at_ms })
    }
}

fn cost(entry: &Entry) -> usize {
    OVERHEAD_BYTES + entry.text_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Entry {
        Entry::Event(Event { at_ms: 7, level: tracing::Level::INFO, name: None, text: text.into() })
    }

    fn raw(text: &str) -> Entry {
        Entry::Raw(text.as_bytes().into())
    }

    /// Returns what the writer gets, as texts.
    fn written(queue: &Queue) -> Vec<String> {
        queue.close();
        std::iter::from_fn(|| queue.next())
            .map(|entry| match entry {
                Entry::Event(event) => event.text,
                Entry::Raw(bytes) => String::from_utf8(bytes.into()).unwrap(),
                Entry::Dropped(count) => format!("dropped {count}"),
                Entry::Repeated { times, .. } => format!("repeated {times}"),
            })
            .collect()
    }

    #[test]
    fn equal_events_in_a_row_are_folded_and_raw_lines_are_not() {
        let queue = Queue::new(Bounds { lines: 100, bytes: 100_000 });
        for text in ["a", "a", "a", "b", "a", "c", "c"] {
            queue.push(event(text)).unwrap();
        }
        queue.push(raw("c")).unwrap();
        queue.push(raw("c")).unwrap();
        assert_eq!(written(&queue), ["a", "repeated 2", "b", "a", "c", "repeated 1", "c", "c"]);
    }

    #[test]
    fn a_storm_of_one_line_takes_no_room() {
        let queue = Queue::new(Bounds { lines: 2, bytes: 1_000 });
        for _ in 0..88_000 {
            queue.push(event("cannot write")).unwrap();
        }
        assert_eq!(written(&queue), ["cannot write", "repeated 87999"]);
    }

    #[test]
    fn lines_beyond_the_bound_are_counted_and_their_number_is_written_before_the_next_that_fits() {
        let queue = Queue::new(Bounds { lines: 2, bytes: 100_000 });
        for text in ["a", "b", "c", "d"] {
            queue.push(event(text)).unwrap();
        }
        assert!(matches!(queue.next(), Some(Entry::Event(event)) if event.text == "a"));
        queue.push(event("e")).unwrap();
        queue.push(event("f")).unwrap();
        assert_eq!(written(&queue), ["b", "dropped 2", "e", "dropped 1"]);
    }

    #[test]
    fn bytes_are_bounded_and_one_line_always_fits() {
        let queue = Queue::new(Bounds { lines: 100, bytes: 1_000 });
        let long = "x".repeat(5_000);
        for _ in 0..3 {
            queue.push(raw(&long)).unwrap();
        }
        assert_eq!(written(&queue), [long.as_str(), "dropped 2"]);
    }

    #[test]
    fn an_entry_that_is_pushed_into_a_closed_queue_is_returned() {
        let queue = Queue::new(Bounds { lines: 2, bytes: 1_000 });
        queue.push(event("a")).unwrap();
        assert_eq!(queue.close_and_take().len(), 1);
        assert!(queue.push(event("b")).is_err());
        assert!(queue.next().is_none());
    }
}
