//! What somebody who follows the output of processes holds.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::follower::Queue;
use super::process::ProcessLog;
use super::{LogItem, LogLine};

/// Output as it comes: first what was asked for of the past, then, if it was asked to follow, every line from then on,
/// without gap or overlap. Dropping it ends the following at once.
#[derive(Debug)]
pub struct LogReader {
    /// The lines of the past, piece by piece.
    past: Option<mpsc::Receiver<Vec<LogLine>>>,
    piece: std::vec::IntoIter<LogLine>,
    live: Option<Live>,
}

#[derive(Debug)]
struct Live {
    queue: Arc<Queue>,
    logs: Vec<Arc<ProcessLog>>,
}

impl LogReader {
    pub(super) fn new(
        past: Option<mpsc::Receiver<Vec<LogLine>>>,
        live: Option<(Arc<Queue>, Vec<Arc<ProcessLog>>)>,
    ) -> Self {
        let live = live.map(|(queue, logs)| Live { queue, logs });
        Self { past, piece: Vec::new().into_iter(), live }
    }

    /// The next item; `None` at the end. Nothing is lost if it is dropped before it resolves.
    pub async fn recv(&mut self) -> Option<LogItem> {
        loop {
            if let Some(line) = self.piece.next() {
                return Some(LogItem::Line(line));
            }
            let Some(past) = &mut self.past else { break };
            match past.recv().await {
                Some(piece) => self.piece = piece.into_iter(),
                None => self.past = None,
            }
        }
        match &self.live {
            Some(live) => live.queue.take().await,
            None => None,
        }
    }

    /// The next item, if there is one already.
    pub fn try_recv(&mut self) -> Option<LogItem> {
        if let Some(line) = self.piece.next() {
            return Some(LogItem::Line(line));
        }
        match (&self.past, &self.live) {
            (None, Some(live)) => live.queue.try_take(),
            _ => None,
        }
    }

    /// Follows no longer; what is there already still comes.
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
