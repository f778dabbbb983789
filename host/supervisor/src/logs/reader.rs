//! The handle of a caller that reads or follows the output of processes.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::follower::Queue;
use super::item::{LogItem, LogLine};
use super::process::ProcessLog;
use super::read::query::LogQuery;
use crate::jobs::Lane;

/// The number of live lines that are filtered at once.
const PICKED_AT_ONCE: usize = 256;

/// A stream of output: first the requested lines of the past, then, if the caller follows, every new line, without gap
/// or overlap. Dropping it stops following at once.
pub struct LogReader {
    /// The lines of the past, piece by piece.
    past: Option<mpsc::Receiver<Vec<LogLine>>>,
    piece: std::vec::IntoIter<LogItem>,
    live: Option<Live>,
    query: Arc<LogQuery>,
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
        past: Option<mpsc::Receiver<Vec<LogLine>>>,
        live: Option<(Arc<Queue>, Vec<Arc<ProcessLog>>)>,
        query: Arc<LogQuery>,
        reading: Lane,
    ) -> Self {
        let live = live.map(|(queue, logs)| Live { queue, logs });
        Self { past, piece: Vec::new().into_iter(), live, query, reading, picking: None }
    }

    /// Waits for the next item; `None` at the end. It is cancel-safe.
    pub async fn recv(&mut self) -> Option<LogItem> {
        loop {
            if let Some(item) = self.piece.next() {
                return Some(item);
            }
            if let Some(past) = &mut self.past {
                match past.recv().await {
                    Some(piece) => self.piece = items(piece),
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
        if let Some(item) = self.piece.next() {
            return Some(item);
        }
        match (&self.past, &self.live) {
            (None, Some(live)) if self.query.takes_all() => live.queue.try_take(),
            _ => None,
        }
    }

    /// Stops following; available items can still be received.
    pub fn close(&mut self) {
        match &self.live {
            Some(live) => live.queue.close(),
            None => self.past = None,
        }
    }
}

fn items(lines: Vec<LogLine>) -> std::vec::IntoIter<LogItem> {
    lines.into_iter().map(LogItem::Line).collect::<Vec<_>>().into_iter()
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
