//! Log files that cannot be written. Each process in trouble is named once in the host's log, when it begins and when it is
//! over, with the number of lines that were lost; meanwhile it is among what the host lacks.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::degraded::Degraded;

/// A process that has lost no line for this long may be well: a success of another one on the same disk is taken for its own.
/// If its file alone is in trouble, its next line says so again.
const QUIET: Duration = Duration::from_secs(5);

/// What the lack is called.
const WHAT: &str = "log files";

/// The processes whose log files cannot be written at the moment, and how many of their lines are lost.
#[derive(Debug)]
pub(crate) struct Losses {
    degraded: Degraded,
    troubled: Mutex<BTreeMap<Arc<str>, Loss>>,
}

/// The trouble of one process.
#[derive(Debug)]
struct Loss {
    lines: u64,
    last: Instant,
    error: String,
}

impl Losses {
    pub(crate) fn new(degraded: Degraded) -> Self {
        Self { degraded, troubled: Mutex::default() }
    }

    fn troubled(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Loss>> {
        self.troubled.lock()
    }

    /// `lines` more lines of a process are lost.
    pub(crate) fn lost(&self, process: &Arc<str>, lines: u64, error: &io::Error) {
        let (first, text) = {
            let mut troubled = self.troubled();
            let before = troubled.len();
            let loss = troubled.entry(process.clone()).or_insert_with(|| Loss {
                lines: 0,
                last: Instant::now(),
                error: String::new(),
            });
            loss.lines += lines;
            (loss.last, loss.error) = (Instant::now(), error.to_string());
            (troubled.len() > before, told(&troubled))
        };
        if first {
            tracing::error!(
                process = &**process, %error,
                "the log file cannot be written; lines are lost until it can, and will be counted"
            );
        }
        self.tell(text);
    }

    /// The log file of a process can be written again, or nothing is written to it any more.
    pub(crate) fn over(&self, process: &Arc<str>) {
        let (ended, text) = {
            let mut troubled = self.troubled();
            if !troubled.contains_key(process) {
                return;
            }
            let is_over = |name: &Arc<str>, loss: &Loss| name == process || loss.last.elapsed() >= QUIET;
            let ended: Vec<_> = troubled.extract_if(.., |name, loss| is_over(name, loss)).collect();
            (ended, told(&troubled))
        };
        for (process, Loss { lines, .. }) in ended {
            match lines {
                0 => tracing::info!(process = &*process, "the log file can be written again"),
                _ => tracing::warn!(process = &*process, "{lines} lines are missing in the log file"),
            }
        }
        self.tell(text);
    }

    fn tell(&self, text: Option<String>) {
        match text {
            Some(text) => self.degraded.set(WHAT, text),
            None => self.degraded.clear(WHAT),
        }
    }
}

/// The processes in trouble, in words for people: the one that lost a line last, and how many others.
fn told(troubled: &BTreeMap<Arc<str>, Loss>) -> Option<String> {
    let (process, Loss { error, .. }) = troubled.iter().max_by_key(|(_, loss)| loss.last)?;
    let more = match troubled.len() - 1 {
        0 => String::new(),
        others => format!(", and {others} more"),
    };
    Some(format!("lines are lost of {process}{more}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_that_writes_nothing_more_is_over_with_the_next_success_of_another() {
        let degraded = Degraded::default();
        let losses = Losses::new(degraded.clone());
        let (quiet, web): (Arc<str>, Arc<str>) = (Arc::from("quiet"), Arc::from("web"));
        losses.lost(&quiet, 1, &io::Error::from_raw_os_error(28));
        tokio::time::advance(QUIET).await;
        losses.lost(&web, 1, &io::Error::from_raw_os_error(28));
        losses.over(&web);
        assert_eq!(degraded.list(), []);
    }

    #[test]
    fn a_disk_is_lacking_until_the_last_process_can_write_again() {
        let degraded = Degraded::default();
        let losses = Losses::new(degraded.clone());
        let (web, db): (Arc<str>, Arc<str>) = (Arc::from("web"), Arc::from("db"));
        let full = io::Error::from_raw_os_error(28);
        losses.lost(&web, 3, &full);
        losses.lost(&web, 4, &full);
        losses.lost(&db, 1, &full);
        let reason = degraded.list()[0].reason.clone();
        assert!(reason.starts_with("lines are lost of db, and 1 more: No space left"), "{reason}");
        losses.over(&web);
        losses.over(&web);
        let reason = degraded.list()[0].reason.clone();
        assert!(reason.starts_with("lines are lost of db: No space left"), "{reason}");
        losses.over(&db);
        assert_eq!(degraded.list(), []);
    }
}
