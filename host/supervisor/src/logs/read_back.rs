//! Hands out what processes have written before, merged by time, piece by piece.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::disk::{NotOpened, Position};
use super::follower::Queue;
use super::item::LogItem;
use super::piece::Piece;
use super::position::{Mark, Positions};
use super::process::ProcessLog;
use super::read::merged::{Merged, Step};
use super::read::past::{self, COUNTED_BYTES, Counted, Past, Tally};
use super::read::query::LogQuery;
use crate::jobs::{Lane, Lost};

/// The pause of a reader while files are being rotated.
const WHILE_ROTATING: Duration = Duration::from_millis(5);

/// The number of such pauses before the reader gives up.
const ROTATING_TRIES: usize = 1_000;

/// The job of handing out stored lines.
pub(super) struct ReadBack {
    pub(super) reading: Lane,
    pub(super) query: Arc<LogQuery>,
    /// The places from which a stream is resumed, none if it is new; `None` if it cannot be resumed.
    pub(super) after: Option<Positions>,
    pub(super) pieces: mpsc::Sender<Piece>,
}

/// What is known of one log before its lines are handed out.
struct Begun {
    past: Past,
    begins_at: Option<Mark>,
    ends_at: Option<Mark>,
    /// Whether lines after the place from which the stream is resumed may be missing.
    has_gap: bool,
}

impl ReadBack {
    /// Adds `queue` as a follower of each log and hands out the past, piece by piece. Each piece is a separate job, so
    /// that a slow reader occupies no thread.
    pub(super) async fn run(self, logs: Vec<Arc<ProcessLog>>, queue: Option<Arc<Queue>>) {
        let mut pasts = Vec::with_capacity(logs.len());
        let (mut first, mut end) = (Piece::default(), Positions::default());
        let missed = |process: &Arc<str>| LogItem::Missed { process: process.clone(), lines: None };
        let is_resumed = self.after.as_ref().is_some_and(|after| !after.is_empty());
        let names: Vec<_> = logs.iter().map(|log| log.stored.name.clone()).collect();
        for log in logs {
            let name = log.stored.name.clone();
            let has_gap = match self.begin(&log, queue.as_ref()).await {
                Some(Begun { past, begins_at, ends_at, has_gap }) => {
                    ends_at.into_iter().for_each(|at| end.set(&name, at));
                    let counted = self.counted(past).await;
                    let has_gap = has_gap || (counted.is_none() && is_resumed);
                    pasts.extend(counted);
                    begins_at.filter(|_| !has_gap).into_iter().for_each(|at| first.positions.set(&name, at));
                    has_gap
                }
                None => is_resumed,
            };
            if has_gap {
                first.items.push(missed(&name));
            }
            if self.pieces.is_closed() {
                return;
            }
        }
        if self.pieces.send(first).await.is_err() {
            return;
        }
        let last = match self.hand_out(Merged::new(pasts, Box::new(past::cannot_read))).await {
            true => Piece { items: Vec::new(), positions: end },
            false if is_resumed => Piece { items: names.iter().map(missed).collect(), ..Piece::default() },
            false => return,
        };
        // The receiver may be gone.
        let _ = self.pieces.send(last).await;
    }

    /// Adds `queue` as a follower of a log and finds the past before that; `None` if it cannot be read.
    async fn begin(&self, log: &Arc<ProcessLog>, queue: Option<&Arc<Queue>>) -> Option<Begun> {
        let (read, entered) = (log.clone(), queue.cloned());
        // What fails here fails before the queue is entered.
        let end = self.reading.run(move || {
            read.past_end(entered.as_ref()).inspect_err(|_| follow_all_the_same(&read, entered.as_ref()))
        });
        let begun = match end.await {
            Ok(Ok(end)) => self.begin_before(log, end).await,
            Ok(Err(error)) => Ok(Err(error)),
            Err(lost) => {
                follow_all_the_same(log, queue);
                Err(lost)
            }
        };
        let name = &*log.stored.name;
        match begun {
            Ok(Ok(begun)) => return Some(begun),
            Ok(Err(error)) => past::cannot_read(name, &error),
            Err(lost) => tracing::error!(process = name, %lost, "the log files cannot be read back"),
        }
        None
    }

    /// Finds the past before `end`, also while files are being rotated.
    async fn begin_before(&self, log: &ProcessLog, end: Position) -> Result<Result<Begun, NotOpened>, Lost> {
        let is_resumable = self.after.is_some();
        let after = self.after.as_ref().and_then(|after| after.of(&log.stored.name));
        let mut tries = 0;
        loop {
            let (stored, query) = (log.stored.clone(), self.query.clone());
            let begun = self.reading.run(move || {
                let (past, has_gap) = match after {
                    Some(mark) => Past::after(mark, stored, end, query)?,
                    None => (Past::of(stored, end, query)?, false),
                };
                let (mut begins_at, mut ends_at) = (None, None);
                if is_resumable {
                    // A resumed stream keeps the time of the last line.
                    begins_at =
                        past.begins_at()?.map(|at| Mark { at_ms: after.map_or(0, |mark| mark.at_ms), ..at });
                    ends_at = Some(past.ends_at()?);
                }
                Ok(Begun { past, begins_at, ends_at, has_gap })
            });
            match begun.await? {
                Err(NotOpened::Rotating) if tries < ROTATING_TRIES && !self.pieces.is_closed() => {
                    tries += 1;
                    tokio::time::sleep(WHILE_ROTATING).await;
                }
                begun => return Ok(begun),
            }
        }
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

    /// Returns true if everything was handed out.
    async fn hand_out(&self, mut merged: Merged) -> bool {
        let mut tries = 0;
        loop {
            let Ok(step) = self.reading.run(move || merged.step()).await else { return false };
            let (next, lines) = match step {
                Step::Lines(next, lines) => (Some(next), lines),
                Step::End(lines) => (None, lines),
                Step::Later(next) => {
                    tries += 1;
                    if tries > ROTATING_TRIES {
                        return false;
                    }
                    tokio::time::sleep(WHILE_ROTATING).await;
                    (Some(next), Vec::new())
                }
            };
            if !lines.is_empty() {
                tries = 0;
                let items = lines.into_iter().map(LogItem::Line).collect();
                if self.pieces.send(Piece { items, ..Piece::default() }).await.is_err() {
                    return false;
                }
            }
            if self.pieces.is_closed() {
                return false;
            }
            let Some(next) = next else { return true };
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
