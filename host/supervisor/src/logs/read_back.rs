//! Hands out what processes have written before, merged by time, piece by piece.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::follower::Queue;
use super::item::LogLine;
use super::process::ProcessLog;
use super::read::merged::{Merged, Step};
use super::read::past::{self, COUNTED_BYTES, Counted, Past, Tally};
use super::read::query::LogQuery;
use crate::jobs::Lane;

/// The pause of a reader while files are being rotated.
const WHILE_ROTATING: Duration = Duration::from_millis(5);

/// The number of such pauses before the reader gives up.
const ROTATING_TRIES: usize = 1_000;

/// The job of handing out stored lines.
pub(super) struct ReadBack {
    pub(super) reading: Lane,
    pub(super) query: Arc<LogQuery>,
    pub(super) pieces: mpsc::Sender<Vec<LogLine>>,
}

impl ReadBack {
    /// Adds `queue` as a follower of each log and hands out the past, piece by piece. Each piece is a separate job, so
    /// that a slow reader occupies no thread.
    pub(super) async fn run(self, logs: Vec<Arc<ProcessLog>>, queue: Option<Arc<Queue>>) {
        let mut pasts = Vec::with_capacity(logs.len());
        for log in logs {
            let (name, query) = (log.stored.name.clone(), self.query.clone());
            let (read, entered) = (log.clone(), queue.clone());
            let begun = self.reading.run(move || {
                // What fails here fails before the queue is entered.
                let end = read
                    .past_end(entered.as_ref())
                    .inspect_err(|_| follow_all_the_same(&read, entered.as_ref()))?;
                Past::of(read.stored.clone(), end, query)
            });
            match begun.await {
                Ok(Ok(past)) => pasts.extend(self.counted(past).await),
                Ok(Err(error)) => past::cannot_read(&name, &error),
                Err(lost) => {
                    tracing::error!(process = &*name, %lost, "the log files cannot be read back");
                    follow_all_the_same(&log, queue.as_ref());
                }
            }
            if self.pieces.is_closed() {
                return;
            }
        }
        self.hand_out(Merged::new(pasts, Box::new(past::cannot_read))).await;
    }

    /// Returns the past positioned at its first wanted line; `None` if it cannot be read.
    async fn counted(&self, past: Past) -> Option<Past> {
        let name = past.stored.name.clone();
        let (mut counted, mut tries) = (Tally::of(past), 0);
        loop {
            let tally = match counted {
                Counted::Done(past) => return Some(past),
                Counted::More(tally) => tally,
                Counted::Later(_) if tries >= ROTATING_TRIES || self.pieces.is_closed() => return None,
                Counted::Later(tally) => {
                    tries += 1;
                    tokio::time::sleep(WHILE_ROTATING).await;
                    tally
                }
            };
            if self.pieces.is_closed() {
                return None;
            }
            match self.reading.run(move || tally.step(COUNTED_BYTES)).await {
                Ok(Ok(next)) => counted = next,
                Ok(Err(error)) => {
                    past::cannot_read(&name, &error);
                    return None;
                }
                Err(_) => return None,
            }
        }
    }

    async fn hand_out(&self, mut merged: Merged) {
        let mut tries = 0;
        loop {
            let Ok(step) = self.reading.run(move || merged.step()).await else { return };
            let (next, lines) = match step {
                Step::Lines(next, lines) => (Some(next), lines),
                Step::End(lines) => (None, lines),
                Step::Later(next) => {
                    tries += 1;
                    if tries > ROTATING_TRIES {
                        return;
                    }
                    tokio::time::sleep(WHILE_ROTATING).await;
                    (Some(next), Vec::new())
                }
            };
            if !lines.is_empty() {
                tries = 0;
                if self.pieces.send(lines).await.is_err() {
                    return;
                }
            }
            if self.pieces.is_closed() {
                return;
            }
            let Some(next) = next else { return };
            merged = next;
        }
    }
}

/// Adds a follower whose past cannot be read: it is sent the new lines.
fn follow_all_the_same(log: &ProcessLog, queue: Option<&Arc<Queue>>) {
    if let Some(queue) = queue {
        log.now().enter(queue);
    }
}
