//! The handle of a caller that reads or follows the output of processes.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::follower::Queue;
use super::item::{LogItem, LogLine};
use super::piece::Piece;
use super::position::{Mark, Positions};
use super::process::ProcessLog;
use super::read::query::LogQuery;
use crate::jobs::Lane;

/// The number of live lines that are filtered at once.
const PICKED_AT_ONCE: usize = 256;

/// A stream of output: first the requested lines of the past, then, if the caller follows, every new line, without gap
/// or overlap. Dropping it stops following at once.
pub struct LogReader {
    /// The lines of the past, piece by piece.
    past: Option<mpsc::Receiver<Piece>>,
    piece: std::vec::IntoIter<LogItem>,
    live: Option<Live>,
    query: Arc<LogQuery>,
    /// The places that the received items have reached.
    positions: Positions,
    /// The number of logs whose places have to be known to resume the stream; `None` if it cannot be resumed.
    logs: Option<usize>,
    /// The name of the only log, if its lines have other names.
    name: Option<Arc<str>>,
    reading: Lane,
    /// Live lines that are being filtered on a thread for slow work.
    picking: Option<Pin<Box<dyn Future<Output = Vec<LogItem>> + Send>>>,
}

#[derive(Debug)]
struct Live {
    queue: Arc<Queue>,
    logs: Vec<Arc<ProcessLog>>,
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader")
            .field("live", &self.live)
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

impl LogReader {
    pub(super) fn new(
        past: Option<mpsc::Receiver<Piece>>,
        live: Option<(Arc<Queue>, Vec<Arc<ProcessLog>>)>,
        query: Arc<LogQuery>,
        logs: Option<usize>,
        reading: Lane,
    ) -> Self {
        let live = live.map(|(queue, logs)| Live { queue, logs });
        Self {
            past,
            piece: Vec::new().into_iter(),
            live,
            query,
            positions: Positions::default(),
            logs,
            name: None,
            reading,
            picking: None,
        }
    }

    /// Names the only log, whose lines have other names.
    pub(super) fn of_one(mut self, name: Arc<str>) -> Self {
        self.name = Some(name);
        self
    }

    /// Waits for the next item; `None` at the end. It is cancel-safe.
    pub async fn recv(&mut self) -> Option<LogItem> {
        let item = self.next().await?;
        self.reach(&item);
        Some(item)
    }

    async fn next(&mut self) -> Option<LogItem> {
        loop {
            if let Some(item) = self.piece.next() {
                return Some(item);
            }
            if let Some(past) = &mut self.past {
                match past.recv().await {
                    Some(Piece { items, positions }) => {
                        self.piece = items.into_iter();
                        self.positions.update(positions);
                    }
                    None => self.past = None,
                }
            } else if let Some(picking) = &mut self.picking {
                self.piece = picking.await.into_iter();
                self.picking = None;
            } else {
                let item = self.live.as_ref()?.queue.take().await?;
                if self.query.takes_all() {
                    return Some(item);
                }
                self.pick(item);
            }
        }
    }

    /// Filters the live lines that are available.
    fn pick(&mut self, first: LogItem) {
        let mut items = vec![first];
        while items.len() < PICKED_AT_ONCE
            && let Some(item) = self.live.as_ref().and_then(|live| live.queue.try_take())
        {
            items.push(item);
        }
        let (query, reading) = (self.query.clone(), self.reading.clone());
        self.picking = Some(Box::pin(async move {
            let passes = move |item: &LogItem| match item {
                LogItem::Line(line) => query.takes(line),
                LogItem::Missed { .. } | LogItem::Cleared { .. } => true,
            };
            let picked = reading.run(move || items.into_iter().filter(passes).collect());
            // The job is lost if the host ends or the filter panics; its lines are then dropped.
            picked.await.unwrap_or_default()
        }));
    }

    /// Returns the next item if one is available without waiting.
    pub fn try_recv(&mut self) -> Option<LogItem> {
        let item = self.piece.next().or_else(|| match (&self.past, &self.live) {
            (None, Some(live)) if self.query.takes_all() => live.queue.try_take(),
            _ => None,
        })?;
        self.reach(&item);
        Some(item)
    }

    /// Moves the place of a log to that after an item.
    fn reach(&mut self, item: &LogItem) {
        match item {
            LogItem::Line(LogLine { process, mark: Some(mark), .. }) => {
                self.positions.set(self.name.as_ref().unwrap_or(process), *mark);
            }
            LogItem::Cleared { process } => self.positions.set(process, Mark::BEGINNING),
            LogItem::Line(_) | LogItem::Missed { .. } => {}
        }
    }

    /// Returns the places after `item`, which was received last, if the stream can be resumed there without losing or
    /// repeating a line.
    #[must_use]
    pub fn resumable_after(&self, item: &LogItem) -> Option<&Positions> {
        let is_a_place = match item {
            LogItem::Line(line) => line.mark.is_some(),
            LogItem::Cleared { .. } => true,
            LogItem::Missed { .. } => false,
        };
        (is_a_place && self.logs == Some(self.positions.len())).then_some(&self.positions)
    }

    /// Stops following; available items can still be received.
    pub fn close(&mut self) {
        match &self.live {
            Some(live) => live.queue.close(),
            None => self.past = None,
        }
    }
}

impl Drop for LogReader {
    fn drop(&mut self) {
        let Some(live) = &self.live else { return };
        live.queue.close();
        for log in &live.logs {
            log.now().forget(&live.queue);
        }
    }
}
