//! Log files that cannot be written. Each process in trouble is named once in the host's log, when it begins and when it is
//! over, with the number of lines that were lost; meanwhile it is among what the host lacks.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::degraded::Degraded;

/// What the lack is called.
const WHAT: &str = "log files";

/// The processes whose log files cannot be written at the moment, and how many of their lines are lost.
#[derive(Debug)]
pub(super) struct Losses {
    degraded: Degraded,
    troubled: Mutex<BTreeMap<Arc<str>, u64>>,
}

impl Losses {
    pub(super) fn new(degraded: Degraded) -> Self {
        Self { degraded, troubled: Mutex::default() }
    }

    fn troubled(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, u64>> {
        self.troubled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `lines` more lines of a process are lost.
    pub(super) fn lost(&self, process: &Arc<str>, lines: u64, error: &io::Error) {
        let (first, others) = {
            let mut troubled = self.troubled();
            let before = troubled.len();
            *troubled.entry(process.clone()).or_default() += lines;
            (troubled.len() > before, troubled.len() - 1)
        };
        if first {
            tracing::error!(
                process = &**process, %error,
                "the log file cannot be written; lines are lost until it can, and will be counted"
            );
        }
        let more = if others == 0 { String::new() } else { format!(", and {others} more") };
        self.degraded.set(WHAT, format!("lines are lost of {process}{more}: {error}"));
    }

    /// The log file of a process can be written again, or nothing is written to it any more.
    pub(super) fn over(&self, process: &Arc<str>) {
        let (lines, none_left) = {
            let mut troubled = self.troubled();
            let Some(lines) = troubled.remove(process) else { return };
            (lines, troubled.is_empty())
        };
        match lines {
            0 => tracing::info!(process = &**process, "the log file can be written again"),
            _ => tracing::warn!(process = &**process, "{lines} lines are missing in the log file"),
        }
        if none_left {
            self.degraded.clear(WHAT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(degraded.list().len(), 1);
        losses.over(&db);
        assert_eq!(degraded.list(), []);
    }
}
