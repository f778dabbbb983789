//! The queue of a follower of the output of processes, bounded in lines and in bytes. Lines that do not fit are counted
//! as missed; they are in the log files.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::item::{LogItem, LogLine, LogStream};
use super::position::Mark;

/// The most lines that wait for a follower before it misses some.
const LINES_MAX: usize = 4_096;

/// The most bytes of lines that wait for a follower before it misses some; a single line may be longer.
const BYTES_MAX: usize = 1 << 20;

/// The bytes that count for a waiting item in addition to its text.
const LINE_BYTES: usize = 144;

/// The number of items from which on an empty queue gives its memory back.
const ITEMS_KEPT: usize = 256;

/// The queue of one follower.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<LogItem>,
    bytes: usize,
    /// The number of followed logs that have not ended; `None` if logs that are added later are followed, too.
    sources: Option<usize>,
    closed: bool,
}

impl Waiting {
    fn pop(&mut self) -> Option<LogItem> {
        let item = self.items.pop_front()?;
        self.bytes -= weight(&item);
        if self.items.is_empty() && self.items.capacity() > ITEMS_KEPT {
            self.items = VecDeque::new();
        }
        Some(item)
    }

    /// Returns true if this number of items with together `bytes` bytes fits. One line always fits, with what is said before it.
    fn has_room(&self, items: usize, bytes: usize) -> bool {
        let fits = self.items.len() + items <= LINES_MAX && self.bytes + bytes <= BYTES_MAX;
        fits || self.items.is_empty()
    }
}

fn weight(item: &LogItem) -> usize {
    match item {
        LogItem::Line(line) => line.text.len() + LINE_BYTES,
        LogItem::Missed { .. } | LogItem::Cleared { .. } => LINE_BYTES,
    }
}

impl Queue {
    /// Returns a queue that is closed when this number of logs have ended; with `None`, when the host ends.
    pub(super) fn of(sources: Option<usize>) -> Arc<Self> {
        let state = Waiting { sources, closed: sources == Some(0), ..Waiting::default() };
        Arc::new(Self { state: Mutex::new(state), bell: Notify::new() })
    }

    /// Takes the next item without waiting.
    pub(super) fn try_take(&self) -> Option<LogItem> {
        self.state().pop()
    }

    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock()
    }

    /// Closes the queue: it takes no more items, and those in it can still be taken.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.bell.notify_one();
    }

    /// Records that one of the followed logs has ended. With the last one the queue is closed.
    pub(super) fn source_ended(&self) {
        let is_last = {
            let sources = &mut self.state().sources;
            *sources = sources.map(|left| left.saturating_sub(1));
            *sources == Some(0)
        };
        if is_last {
            self.close();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Waits for the next item; `None` at the end. It is cancel-safe.
    pub(super) async fn take(&self) -> Option<LogItem> {
        loop {
            let rung = self.bell.notified();
            {
                let mut state = self.state();
                if let Some(item) = state.pop() {
                    return Some(item);
                }
                if state.closed {
                    // Every later call returns `None` as well: the flag stays set.
                    return None;
                }
            }
            rung.await;
        }
    }
}

/// A line that is sent to followers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) stream: LogStream,
    pub(super) at_ms: u64,
    pub(super) text: &'a [u8],
    /// Whether the line continues in the next item of the stream.
    pub(super) partial: bool,
    /// The place after it, if the stream can be resumed there.
    pub(super) mark: Option<Mark>,
}

/// One follower of one process.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) queue: Arc<Queue>,
    missed: u64,
    /// Whether the log was cleared while the queue had no room for that item.
    cleared: bool,
}

impl Follower {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, missed: 0, cleared: false }
    }

    /// Notifies the follower that earlier lines are deleted; false if the follower is gone.
    pub(super) fn send_cleared(&mut self, process: &Arc<str>) -> bool {
        let mut state = self.queue.state();
        if state.closed {
            return false;
        }
        self.cleared = self.missed > 0 || !state.has_room(1, LINE_BYTES);
        if !self.cleared {
            state.items.push_back(LogItem::Cleared { process: process.clone() });
            state.bytes += LINE_BYTES;
            drop(state);
            self.queue.bell.notify_one();
        }
        true
    }

    /// Sends a line, or counts it as missed; false if the follower is gone.
    pub(super) fn send(&mut self, process: &Arc<str>, outgoing: &Outgoing<'_>) -> bool {
        let Outgoing { stream, at_ms, text, partial, mark } = *outgoing;
        let mut state = self.queue.state();
        if state.closed {
            return false;
        }
        let before = usize::from(self.missed > 0) + usize::from(self.cleared);
        let gap = LINE_BYTES * before;
        if !state.has_room(1 + before, text.len() + LINE_BYTES + gap) {
            self.missed += 1;
            return true;
        }
        if self.missed > 0 {
            state.items.push_back(LogItem::Missed { process: process.clone(), lines: Some(self.missed) });
            self.missed = 0;
        }
        if std::mem::take(&mut self.cleared) {
            state.items.push_back(LogItem::Cleared { process: process.clone() });
        }
        // A copy, because a slice would keep the whole batch in memory.
        let text = Bytes::copy_from_slice(text);
        let weight = text.len() + LINE_BYTES + gap;
        let line = LogLine { process: process.clone(), stream, at_ms, text, partial, mark };
        state.items.push_back(LogItem::Line(line));
        state.bytes += weight;
        drop(state);
        self.queue.bell.notify_one();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(text: &[u8]) -> Outgoing<'_> {
        Outgoing { stream: LogStream::Out, at_ms: 0, text, partial: false, mark: None }
    }

    fn followed() -> (Follower, Arc<Queue>) {
        let queue = Queue::of(Some(1));
        (Follower::new(queue.clone()), queue)
    }

    #[test]
    fn a_follower_that_does_not_read_keeps_no_more_than_its_bytes_and_learns_what_it_missed() {
        let (mut follower, queue) = followed();
        let (name, line) = (Arc::from("web"), vec![b'x'; 300 << 10]);
        for _ in 0..1_000 {
            assert!(follower.send(&name, &out(&line)));
        }
        assert_eq!(queue.state().items.len(), 3);
        while queue.state().pop().is_some() {}
        assert_eq!(queue.state().bytes, 0);
        assert!(follower.send(&name, &out(b"next")));
        assert_eq!(queue.state().pop(), Some(LogItem::Missed { process: name.clone(), lines: Some(997) }));
        assert!(matches!(queue.state().pop(), Some(LogItem::Line(line)) if line.text == "next"));
        assert_eq!(queue.state().bytes, 0);
    }

    #[test]
    fn a_follower_without_room_is_notified_once_of_any_number_of_clearings() {
        let (mut follower, queue) = followed();
        let (name, line) = (Arc::from("web"), vec![b'x'; BYTES_MAX]);
        for _ in 0..2 {
            assert!(follower.send(&name, &out(&line)));
        }
        for _ in 0..1_000 {
            assert!(follower.send_cleared(&name));
        }
        assert_eq!(queue.state().items.len(), 1);
        assert!(queue.try_take().is_some());
        assert!(follower.send(&name, &out(b"next")));
        let rest: Vec<_> = std::iter::from_fn(|| queue.try_take()).collect();
        assert_eq!(rest[0], LogItem::Missed { process: name.clone(), lines: Some(1) });
        assert_eq!(rest[1], LogItem::Cleared { process: name });
        assert_eq!((rest.len(), queue.state().bytes), (3, 0));
    }

    #[test]
    fn a_queue_allocates_for_no_more_items_than_it_may_hold_and_keeps_little_when_it_is_empty() {
        let (mut follower, queue) = followed();
        let name = Arc::from("web");
        for taken in [0, 2, 1] {
            assert_eq!((0..taken).filter_map(|_| queue.try_take()).count(), taken);
            for _ in 0..2 * LINES_MAX {
                assert!(follower.send(&name, &out(b"short")));
            }
            assert!(queue.state().items.len() > LINES_MAX - 2);
        }
        assert_eq!(queue.state().items.capacity(), LINES_MAX);
        while queue.try_take().is_some() {}
        assert!(queue.state().items.capacity() <= ITEMS_KEPT);
    }

    #[test]
    fn a_line_longer_than_the_bound_still_comes_if_it_is_the_only_one() {
        let (mut follower, queue) = followed();
        let (name, line) = (Arc::from("web"), vec![b'x'; 2 * BYTES_MAX]);
        for _ in 0..2 {
            assert!(follower.send(&name, &out(&line)));
        }
        assert_eq!(queue.state().items.len(), 1);
    }

    #[tokio::test]
    async fn a_closed_queue_hands_out_its_items_and_takes_no_more() {
        let (mut follower, queue) = followed();
        let name = Arc::from("web");
        assert!(follower.send(&name, &out(b"last")));
        queue.close();
        assert!(!follower.send(&name, &out(b"too late")));
        assert!(queue.take().await.is_some());
        assert!(queue.take().await.is_none() && queue.take().await.is_none());
    }
}
