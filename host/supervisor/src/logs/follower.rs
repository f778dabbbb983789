//! What waits for those who follow the output of processes: a queue for each, bounded in lines and in bytes. What does not
//! fit is counted as missed; it is in the log files.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::item::{LogItem, LogLine, LogStream};

/// Lines that a follower may be behind before it misses some.
const LINES_MAX: usize = 4_096;

/// Bytes of lines that a follower may be behind before it misses some; a single line may be longer.
const BYTES_MAX: usize = 1 << 20;

/// What a waiting line takes beside its text.
const LINE_BYTES: usize = 96;

/// What waits for one follower.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<LogItem>,
    bytes: usize,
    closed: bool,
}

impl Waiting {
    fn pop(&mut self) -> Option<LogItem> {
        let item = self.items.pop_front()?;
        self.bytes -= weight(&item);
        Some(item)
    }

    /// Is there room for so many more bytes? There always is for one item.
    fn has_room(&self, bytes: usize) -> bool {
        let fits = self.items.len() < LINES_MAX && self.bytes + bytes <= BYTES_MAX;
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
    /// The next item, if there is one already.
    pub(super) fn try_take(&self) -> Option<LogItem> {
        self.state().pop()
    }

    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock()
    }

    /// No more is taken in.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.bell.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// The next item; `None` at the end. Nothing is lost if it is dropped before it resolves.
    pub(super) async fn take(&self) -> Option<LogItem> {
        loop {
            let rung = self.bell.notified();
            {
                let mut state = self.state();
                if let Some(item) = state.pop() {
                    return Some(item);
                }
                if state.closed {
                    // Whoever asks again is told so again.
                    return None;
                }
            }
            rung.await;
        }
    }
}

/// A line as it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) stream: LogStream,
    pub(super) at_ms: u64,
    pub(super) text: &'a [u8],
    /// Its end has not come: what comes next on the stream belongs to it.
    pub(super) partial: bool,
}

/// One follower of one process.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) queue: Arc<Queue>,
    missed: u64,
    /// The log was cleared, and there was no room to say so.
    cleared: bool,
}

impl Follower {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, missed: 0, cleared: false }
    }

    /// Tells it that what was written before is gone; false if the follower is gone.
    pub(super) fn tell_cleared(&mut self, process: &Arc<str>) -> bool {
        let mut state = self.queue.state();
        if state.closed {
            return false;
        }
        self.cleared = self.missed > 0 || !state.has_room(LINE_BYTES);
        if !self.cleared {
            state.items.push_back(LogItem::Cleared { process: process.clone() });
            state.bytes += LINE_BYTES;
            drop(state);
            self.queue.bell.notify_one();
        }
        true
    }

    /// Hands it a line, or counts it as missed; false if the follower is gone.
    pub(super) fn tell(&mut self, process: &Arc<str>, told: &Told<'_>) -> bool {
        let Told { stream, at_ms, text, partial } = *told;
        let mut state = self.queue.state();
        if state.closed {
            return false;
        }
        let gap = LINE_BYTES * (usize::from(self.missed > 0) + usize::from(self.cleared));
        if !state.has_room(text.len() + LINE_BYTES + gap) {
            self.missed += 1;
            return true;
        }
        if self.missed > 0 {
            state.items.push_back(LogItem::Missed { process: process.clone(), lines: self.missed });
            self.missed = 0;
        }
        if std::mem::take(&mut self.cleared) {
            state.items.push_back(LogItem::Cleared { process: process.clone() });
        }
        // A copy: a slice of what was read would keep all of it.
        let text = Bytes::copy_from_slice(text);
        let weight = text.len() + LINE_BYTES + gap;
        let line = LogLine { process: process.clone(), stream, at_ms, text, partial };
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

    fn out(text: &[u8]) -> Told<'_> {
        Told { stream: LogStream::Out, at_ms: 0, text, partial: false }
    }

    fn followed() -> (Follower, Arc<Queue>) {
        let queue = Arc::<Queue>::default();
        (Follower::new(queue.clone()), queue)
    }

    #[test]
    fn a_follower_that_does_not_read_keeps_no_more_than_its_bytes_and_is_told_what_it_missed() {
        let (mut follower, queue) = followed();
        let (name, line) = (Arc::from("web"), vec![b'x'; 300 << 10]);
        for _ in 0..1_000 {
            assert!(follower.tell(&name, &out(&line)));
        }
        assert_eq!(queue.state().items.len(), 3);
        while queue.state().pop().is_some() {}
        assert_eq!(queue.state().bytes, 0);
        assert!(follower.tell(&name, &out(b"next")));
        assert_eq!(queue.state().pop(), Some(LogItem::Missed { process: name.clone(), lines: 997 }));
        assert!(matches!(queue.state().pop(), Some(LogItem::Line(line)) if line.text == "next"));
        assert_eq!(queue.state().bytes, 0);
    }

    #[test]
    fn a_clearing_is_told_also_to_one_that_has_no_room_and_takes_no_more_however_often() {
        let (mut follower, queue) = followed();
        let (name, line) = (Arc::from("web"), vec![b'x'; BYTES_MAX]);
        for _ in 0..2 {
            assert!(follower.tell(&name, &out(&line)));
        }
        for _ in 0..1_000 {
            assert!(follower.tell_cleared(&name));
        }
        assert_eq!(queue.state().items.len(), 1);
        assert!(queue.try_take().is_some());
        assert!(follower.tell(&name, &out(b"next")));
        let rest: Vec<_> = std::iter::from_fn(|| queue.try_take()).collect();
        assert_eq!(rest[0], LogItem::Missed { process: name.clone(), lines: 1 });
        assert_eq!(rest[1], LogItem::Cleared { process: name });
        assert_eq!((rest.len(), queue.state().bytes), (3, 0));
    }

    #[test]
    fn a_line_longer_than_the_bound_still_comes_if_it_is_the_only_one() {
        let (mut follower, queue) = followed();
        let (name, line) = (Arc::from("web"), vec![b'x'; 2 * BYTES_MAX]);
        for _ in 0..2 {
            assert!(follower.tell(&name, &out(&line)));
        }
        assert_eq!(queue.state().items.len(), 1);
    }

    #[tokio::test]
    async fn what_waits_still_comes_after_the_end_and_nothing_more_is_taken() {
        let (mut follower, queue) = followed();
        let name = Arc::from("web");
        assert!(follower.tell(&name, &out(b"last")));
        queue.close();
        assert!(!follower.tell(&name, &out(b"too late")));
        assert!(queue.take().await.is_some());
        assert!(queue.take().await.is_none() && queue.take().await.is_none());
    }
}
