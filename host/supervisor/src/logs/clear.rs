//! Clears a log while its process runs and others read or follow it. The clearing takes its turn among the writes of
//! that log, so that no line is torn and no later line is lost.

use std::io;
use std::time::Duration;

use provost_state::ProcessId;

use super::all::Logs;

/// The time that a clearing waits for earlier writes.
const PATIENCE: Duration = if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(10) };

/// The reason that a log could not be cleared.
#[derive(Debug, thiserror::Error)]
pub enum NotCleared {
    /// There is no such process.
    #[error("the process is gone")]
    Gone,
    /// Earlier lines could not be written within the time limit. Nothing was deleted.
    #[error("the log's disk hangs: earlier lines have not been written for {} s; nothing was deleted", PATIENCE.as_secs())]
    Hangs,
    /// A file cannot be deleted. Older ones may have been deleted.
    #[error("a log file cannot be deleted: {0}")]
    Disk(#[from] io::Error),
    /// The job did not complete: the host is shutting down, or has a defect.
    #[error("the host is shutting down or has a defect: its log says which")]
    Lost,
}

impl Logs {
    /// Deletes everything that a process has written so far: the current file and all older ones. A reader finds no
    /// more of it, and a follower receives [`LogItem::Cleared`](super::LogItem::Cleared). Output that is still in the
    /// pipe goes to the new file.
    ///
    /// # Errors
    /// [`NotCleared`].
    pub async fn clear(&self, id: ProcessId) -> Result<(), NotCleared> {
        let log = self.of(id).ok_or(NotCleared::Gone)?;
        let turn = tokio::time::timeout(PATIENCE, log.turn()).await.map_err(|_| NotCleared::Hangs)?;
        let cleared = self.writing.run(move || (log.clear(), drop(turn)).0).await;
        cleared.map_err(|_| NotCleared::Lost)?.map_err(NotCleared::Disk)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::degraded::Degraded;
    use crate::logs::disk::Reserve;
    use crate::logs::follower::Queue;
    use crate::logs::item::{LogItem, LogStream};
    use crate::logs::process::ProcessLog;
    use crate::logs::read::merged::{Merged, Step};
    use crate::logs::read::past::Past;
    use crate::logs::read::query::LogQuery;
    use crate::logs::write::batch::{Batch, End};
    use crate::logs::write::losses::Losses;
    use crate::spec::LogLimits;

    fn log(dir: &tempfile::TempDir) -> ProcessLog {
        let path = dir.path().join("web.log");
        let (reserve, losses) = (Arc::new(Reserve::new()), Arc::new(Losses::new(Degraded::default())));
        ProcessLog::new(
            Arc::from("web"),
            path,
            LogLimits { file_bytes_max: 100, files_max: 3 },
            reserve,
            losses,
            Vec::new(),
        )
    }

    fn write(log: &ProcessLog, text: &[u8], end: End) {
        log.write(Batch { stream: LogStream::Out, at_ms: 0, bytes: text.to_vec(), end, claim: None });
    }

    fn past(log: &ProcessLog, queue: Option<&Arc<Queue>>) -> Past {
        let end = log.past_end(queue).unwrap();
        Past::of(log.stored.clone(), end, Arc::new(LogQuery::last(100))).unwrap()
    }

    fn texts(past: Past) -> Vec<String> {
        let mut merged = Merged::new(vec![past], Box::new(|name, error| panic!("{name}: {error}")));
        let mut texts = Vec::new();
        loop {
            let (next, lines) = match merged.step() {
                Step::Lines(next, lines) => (Some(next), lines),
                Step::Later(next) => (Some(next), Vec::new()),
                Step::End(lines) => (None, lines),
            };
            texts.extend(lines.into_iter().map(|line| String::from_utf8(line.text.to_vec()).unwrap()));
            let Some(next) = next else { return texts };
            merged = next;
        }
    }

    #[test]
    fn a_clearing_deletes_every_earlier_line_and_no_later_one() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(&dir);
        (0..20).for_each(|number| write(&log, format!("line {number}\n").as_bytes(), End::Whole));
        // More files than are kept, with a gap, as after a change of the limits and a deletion by hand.
        for name in ["web.log.7", "web.log.01", "web.log.x", "webs.log"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        log.clear().unwrap();
        let mut left: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["web.log.01", "web.log.x", "webs.log"], "others are left alone");
        assert_eq!(texts(past(&log, None)), [""; 0]);
        write(&log, b"after\n", End::Whole);
        assert_eq!(texts(past(&log, None)), ["after"]);
        log.clear().unwrap();
        log.clear().unwrap();
        write(&log, b"again\n", End::Whole);
        assert_eq!(texts(past(&log, None)), ["again"]);
    }

    #[test]
    fn a_log_of_a_former_host_is_cleared_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        write(&log(&dir), b"begun by a former host ", End::Shown);
        let log = log(&dir);
        log.clear().unwrap();
        assert_eq!(texts(past(&log, None)), [""; 0]);
        write(&log, b"whole\n", End::Whole);
        assert_eq!(texts(past(&log, None)), ["whole"]);
    }

    #[test]
    fn the_rest_of_a_line_that_was_begun_before_is_a_line_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(&dir);
        write(&log, b"PIN: ", End::Shown);
        log.clear().unwrap();
        write(&log, b"1234\nnext\n", End::Whole);
        assert_eq!(texts(past(&log, None)), ["1234", "next"]);
    }

    #[test]
    fn after_a_clearing_a_reader_ends_and_a_follower_is_notified_and_misses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(&dir);
        (0..20).for_each(|number| write(&log, format!("line {number}\n").as_bytes(), End::Whole));
        let queue = Queue::of(Some(1));
        let reader = past(&log, Some(&queue));
        write(&log, b"before\n", End::Whole);
        log.clear().unwrap();
        // The new files have the same names as the deleted ones.
        (0..20).for_each(|number| write(&log, format!("new {number}\n").as_bytes(), End::Whole));
        assert_eq!(texts(reader), [""; 0]);
        let received = std::iter::from_fn(|| queue.try_take()).map(|item| match item {
            LogItem::Line(line) => String::from_utf8(line.text.to_vec()).unwrap(),
            other => format!("{other:?}"),
        });
        let received: Vec<_> = received.take(3).collect();
        assert_eq!(received, ["before", "Cleared { process: \"web\" }", "new 0"]);
    }

    #[test]
    fn what_cannot_be_deleted_is_an_error_and_the_lines_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(&dir);
        write(&log, b"one\n", End::Whole);
        std::fs::create_dir(dir.path().join("web.log.2")).unwrap();
        let error = log.clear().unwrap_err().to_string();
        assert!(error.ends_with("web.log.2 is not a regular file"), "{error}");
        write(&log, b"two\n", End::Whole);
        assert_eq!(texts(past(&log, None)), ["one", "two"]);
    }
}
