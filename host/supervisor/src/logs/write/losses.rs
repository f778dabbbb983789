//! Tracks log files that cannot be written. The host's log names each affected process once when its trouble begins and
//! once when it is over, with the number of lost lines; meanwhile the host is reported as degraded.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::degraded::Degraded;

/// The time without a lost line after which the success of another process ends the trouble, because all log files
/// share a directory. If only its own file is affected, the next lost line reports it again.
const QUIET: Duration = Duration::from_secs(5);

/// The name under which the degraded state is reported.
const WHAT: &str = "log files";

/// The processes whose log files cannot be written at present, with the number of their lost lines.
#[derive(Debug)]
pub(crate) struct Losses {
    degraded: Degraded,
    troubled: Mutex<BTreeMap<Arc<str>, Loss>>,
    /// Whether there are any, so that a write that succeeds costs one load.
    any: AtomicBool,
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
        Self { degraded, troubled: Mutex::default(), any: AtomicBool::new(false) }
    }

    fn troubled(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Loss>> {
        self.troubled.lock()
    }

    /// Counts `lines` more lost lines of a process.
    pub(crate) fn lost(&self, process: &Arc<str>, lines: u64, error: &io::Error) {
        let (first, text) = {
            let mut troubled = self.troubled();
            let before = troubled.len();
            let loss = troubled.entry(process.clone()).or_insert_with(|| Loss {
                lines: 0,
                last: Instant::now(),
                error: String::new(),
            });
            self.any.store(true, Ordering::Relaxed);
            loss.lines += lines;
            (loss.last, loss.error) = (Instant::now(), error.to_string());
            (troubled.len() > before, describe(&troubled))
        };
        if first {
            tracing::error!(
                process = &**process, %error,
                "the log file cannot be written; lines are lost until it can, and will be counted"
            );
        }
        self.report(text);
    }

    /// Ends the trouble of a process: its log file can be written again, or nothing more is written to it.
    pub(crate) fn over(&self, process: &Arc<str>) {
        self.end(|name| name == process);
    }

    /// A process that has no trouble has written: the trouble of those that have been quiet for a while is over, too.
    pub(crate) fn succeeded(&self) {
        if self.any.load(Ordering::Relaxed) {
            self.end(|_| false);
        }
    }

    /// Ends the trouble of these processes, and of those that have been quiet for a while.
    fn end(&self, which: impl Fn(&Arc<str>) -> bool) {
        let (ended, text) = {
            let mut troubled = self.troubled();
            let is_over = |name: &Arc<str>, loss: &Loss| which(name) || loss.last.elapsed() >= QUIET;
            let ended: Vec<_> = troubled.extract_if(.., |name, loss| is_over(name, loss)).collect();
            self.any.store(!troubled.is_empty(), Ordering::Relaxed);
            (ended, describe(&troubled))
        };
        if ended.is_empty() {
            return;
        }
        for (process, Loss { lines, .. }) in ended {
            match lines {
                0 => tracing::info!(process = &*process, "the log file can be written again"),
                _ => tracing::warn!(process = &*process, "{lines} lines are missing in the log file"),
            }
        }
        self.report(text);
    }

    fn report(&self, text: Option<String>) {
        match text {
            Some(text) => self.degraded.set(WHAT, text),
            None => self.degraded.clear(WHAT),
        }
    }
}

/// Describes the affected processes for people: the one that lost a line last, and the number of others.
fn describe(troubled: &BTreeMap<Arc<str>, Loss>) -> Option<String> {
    let (process, Loss { error, .. }) = troubled.iter().max_by_key(|(_, loss)| loss.last)?;
    let more = match troubled.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    Some(format!("the log of {process}{more} could not be written at the last attempt: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_trouble_of_a_quiet_process_ends_with_the_next_success_of_another() {
        let degraded = Degraded::default();
        let losses = Losses::new(degraded.clone());
        let (quiet, web): (Arc<str>, Arc<str>) = (Arc::from("quiet"), Arc::from("web"));
        losses.lost(&quiet, 1, &io::Error::from_raw_os_error(28));
        tokio::time::advance(QUIET).await;
        losses.lost(&web, 1, &io::Error::from_raw_os_error(28));
        losses.over(&web);
        assert_eq!(degraded.list(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn the_trouble_of_a_process_that_writes_no_more_ends_with_a_success_of_one_that_had_none() {
        let degraded = Degraded::default();
        let losses = Losses::new(degraded.clone());
        losses.lost(&Arc::from("quiet"), 1, &io::Error::from_raw_os_error(28));
        losses.succeeded();
        assert_eq!(degraded.list().len(), 1, "it may lose the next line as well");
        tokio::time::advance(QUIET).await;
        losses.succeeded();
        assert_eq!(degraded.list(), []);
    }

    #[test]
    fn the_host_is_degraded_until_the_last_process_can_write_again() {
        let degraded = Degraded::default();
        let losses = Losses::new(degraded.clone());
        let (web, db): (Arc<str>, Arc<str>) = (Arc::from("web"), Arc::from("db"));
        let full = io::Error::from_raw_os_error(28);
        losses.lost(&web, 3, &full);
        losses.lost(&web, 4, &full);
        losses.lost(&db, 1, &full);
        let reason = degraded.list()[0].reason.clone();
        assert!(
            reason.starts_with(
                "the log of db and 1 more could not be written at the last attempt: No space left"
            ),
            "{reason}"
        );
        losses.over(&web);
        losses.over(&web);
        let reason = degraded.list()[0].reason.clone();
        assert!(
            reason.starts_with("the log of db could not be written at the last attempt: No space left"),
            "{reason}"
        );
        losses.over(&db);
        assert_eq!(degraded.list(), []);
    }
}
