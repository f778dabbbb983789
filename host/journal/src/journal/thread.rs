//! The thread that writes the journal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use provost_state::Moment;

use super::follow::Follow;
use super::round::Course;
use super::shared::{Call, Shared};
use crate::write::{Failed, Sync, Writer};

/// The pause before something that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The thread, with what it follows.
pub(super) struct Thread {
    follow: Follow,
    shared: Arc<Shared>,
    course: Course,
    /// `None` until the directory could be opened.
    writer: Option<Writer>,
}

impl Thread {
    pub(super) fn new(follow: Follow, shared: Arc<Shared>) -> Self {
        Self { follow, shared, course: Course::default(), writer: None }
    }

    /// Writes until the host ends. After a panic it begins again with what a killed host would have left.
    pub(super) fn run(mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.write())).is_err() {
            self.writer = None;
            self.trouble(Some("its thread panicked and was started again".to_owned()));
            if self.shared.wait(Some(RETRY)) == Call::End {
                break;
            }
        }
        self.shared.has_ended();
    }

    fn now(&self) -> Moment {
        (self.follow.clock)()
    }

    fn write(&mut self) {
        let mut call = Call::Work;
        loop {
            let (has_more, result) = self.work();
            self.trouble(result.err().map(|error| error.to_string()));
            if has_more {
                continue;
            }
            if call == Call::End {
                break;
            }
            call = self.shared.wait(self.patience());
        }
        let now = self.now();
        if let Some(writer) = &mut self.writer {
            let ended = self.shared.busy(now, || writer.end(now));
            self.trouble(ended.err().map(|error| error.to_string()));
        }
    }

    /// Does one round, and syncs what is due. Returns whether there is more to write; while the disk takes nothing, that is
    /// counted.
    fn work(&mut self) -> (bool, Result<(), Failed>) {
        let now = self.now();
        let Follow { dir, bounds, life, reader, .. } = &self.follow;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => match self.shared.busy(now, || Writer::open(dir.clone(), *bounds, *life, now)) {
                Ok(writer) => none.insert(writer),
                Err(error) => return (false, Err(Failed::new(dir, &error))),
            },
        };
        let (course, shared) = (&mut self.course, &*self.shared);
        let done = shared.busy(now, || course.round(reader, shared, writer, now));
        let is_due = writer.sync_due_ns(now) == Some(0);
        let synced = if is_due || (done.is_grave && bounds.sync == Sync::Decision) {
            shared.busy(now, || writer.sync(now))
        } else {
            Ok(())
        };
        let (records, bytes) = (writer.records, writer.bytes);
        shared.update(|figures| (figures.records, figures.bytes) = (records, bytes));
        (done.has_more, done.result.and(synced))
    }

    /// Returns how long to wait if nothing happens; `None` for ever.
    fn patience(&self) -> Option<Duration> {
        let now = self.now();
        match &self.writer {
            None => Some(RETRY),
            Some(writer) if writer.has_gap() => Some(RETRY),
            Some(writer) => writer.sync_due_ns(now).map(Duration::from_nanos),
        }
    }

    /// Reports what is wrong, or that nothing is.
    fn trouble(&self, trouble: Option<String>) {
        let is_news = self.shared.update(|figures| {
            let is_news = figures.trouble != trouble;
            figures.trouble.clone_from(&trouble);
            is_news
        });
        if is_news {
            (self.follow.on_trouble)(trouble.as_deref());
        }
    }
}
