//! The outputs of the host: a terminal, a pipe or the host's log file. Each [`Output`] has a queue that is bounded in lines and
//! bytes, and a thread that writes. Adding a line never waits, blocks or prints; lines that do not fit are dropped and counted,
//! and their number is written before the next line.
//!
//! A failed write is retried until the output is closed, and the output is shown as degraded meanwhile. A stream whose other end
//! is gone is [`Broken`]: a callback gets the lines that were not written.

mod entry;
mod queue;
mod rotating;
mod sink;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use provost_supervisor::Degraded;

pub(crate) use entry::{Entry, Event, Layout};
pub(crate) use queue::Bounds;
use queue::Queue;
pub(crate) use rotating::{Rotating, open_log};
pub(crate) use sink::{Broken, Sink, Stream};

/// The pause before a failed write is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The callback for a broken stream, with the lines that were not written.
pub(crate) type OnBroken = Box<dyn FnOnce(Broken, Vec<Entry>) + Send>;

/// A queue, and the thread that writes its lines once it is started. Clones share both.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// Its name in `status` when it cannot be written, such as `the host's log`.
    what: &'static str,
    queue: Arc<Queue>,
    started: Arc<AtomicBool>,
}

impl Output {
    /// Creates an output that keeps its lines until it is started.
    pub(crate) fn new(what: &'static str, bounds: Bounds) -> Self {
        Self { what, queue: Arc::new(Queue::new(bounds)), started: Arc::default() }
    }

    /// Starts the thread.
    pub(crate) fn start(
        &self,
        mut sink: Sink,
        layout: Layout,
        degraded: &Degraded,
        on_broken: OnBroken,
    ) -> io::Result<()> {
        let (what, queue, degraded) = (self.what, self.queue.clone(), degraded.clone());
        std::thread::Builder::new().name("provost-output".into()).spawn(move || {
            let mut writer = Writer { what, queue: &queue, degraded: &degraded, failing: false };
            let broken = writer.write_all(&mut sink, &layout);
            if let Some((broken, entry)) = broken {
                let mut unwritten = vec![entry];
                unwritten.extend(queue.close_and_take());
                on_broken(broken, unwritten);
            }
            queue.written();
        })?;
        self.started.store(true, Ordering::Release);
        Ok(())
    }

    /// Adds a line, or returns it if the output is closed or broken.
    pub(crate) fn push(&self, entry: Entry) -> Result<(), Entry> {
        self.queue.push(entry)
    }

    /// Closes the output for new lines; those in the queue are still written.
    pub(crate) fn close(&self) {
        self.queue.close();
    }

    /// Waits until everything has been written, for at most `limit`, and returns whether it has. Must be called after
    /// [`Output::close`].
    pub(crate) fn wait_until_written(&self, limit: Duration) -> bool {
        !self.started.load(Ordering::Acquire) || self.queue.wait_until_written(limit)
    }
}

/// The thread of an output.
struct Writer<'a> {
    what: &'static str,
    queue: &'a Queue,
    degraded: &'a Degraded,
    failing: bool,
}

/// The outcome of writing one line.
enum Put {
    Written,
    Broken(Broken),
    /// The line cannot be written, and the output is closed.
    GivenUp,
}

impl Writer<'_> {
    /// Writes until the output is closed. Returns the line that could not be written if the stream is broken.
    fn write_all(&mut self, sink: &mut Sink, layout: &Layout) -> Option<(Broken, Entry)> {
        while let Some(entry) = self.queue.next() {
            match self.put(sink, &layout.render(&entry)) {
                Put::Written => {}
                Put::Broken(broken) => return Some((broken, entry)),
                Put::GivenUp => return None,
            }
        }
        None
    }

    fn put(&mut self, sink: &mut Sink, line: &[u8]) -> Put {
        let mut rest = line;
        while !rest.is_empty() {
            let begun = rest.len() < line.len();
            match sink.write(rest, begun) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if let Some(broken) = sink.broken(&error) {
                        return Put::Broken(broken);
                    }
                    self.failing = true;
                    self.degraded.set(self.what, format!("cannot be written: {error}; it is tried again"));
                    if self.queue.pause(RETRY) {
                        return Put::GivenUp;
                    }
                }
            }
        }
        self.fails_no_more();
        Put::Written
    }

    fn fails_no_more(&mut self) {
        if std::mem::take(&mut self.failing) {
            self.degraded.clear(self.what);
        }
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.fails_no_more();
    }
}
