//! Notes for the recorder: what happens beside commits, with its time and its place among them.

use std::sync::Arc;

use provost_state::{Note, Noted, Reader, Recorder};

use crate::clock::Clock;

/// Passes notes to the recorder, if there is one. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    recorder: Option<Arc<dyn Recorder>>,
    reader: Reader,
    clock: Clock,
}

impl Notes {
    pub(crate) fn new(recorder: Option<Arc<dyn Recorder>>, reader: Reader, clock: Clock) -> Self {
        Self { recorder, reader, clock }
    }

    /// Records what `what` returns, which is asked only if there is a recorder. Must be called before anything that follows
    /// from it is committed, so that the note comes before that.
    pub(crate) fn record(&self, what: impl FnOnce() -> Noted) {
        if let Some(recorder) = &self.recorder {
            recorder.record(Note { at: self.clock.now(), after: self.reader.latest(), what: what() });
        }
    }
}
