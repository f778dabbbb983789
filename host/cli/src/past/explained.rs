//! The state of a process at an earlier time, and what led to it: its changes, the orders to it, and the decisions about it with
//! their inputs.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use provost_files::FileError;
use provost_journal::{Entry, History, Record, Wanted};
use provost_state::{ChangeKind, Noted, ProcessState};

/// At most this many records are shown: the last ones.
const SHOWN_MAX: usize = 50;

/// What is known of a process at an earlier time.
#[derive(Debug)]
pub(crate) struct ExplainedPast {
    /// Its state; `None` if it did not exist then.
    pub(crate) state: Option<Arc<ProcessState>>,
    /// What led to it, oldest first.
    pub(crate) records: Vec<Entry>,
    /// The number of older records that are left out.
    pub(crate) left_out: u64,
    /// Whether anything about it was recorded until then.
    pub(crate) is_known: bool,
}

/// Reads what is known of the process `name` at `at_ms`, in milliseconds since the Unix epoch.
pub(crate) fn explain(journal: &Path, name: &str, at_ms: u64) -> Result<ExplainedPast, FileError> {
    let wanted =
        Wanted { since_ms: None, until_ms: Some(at_ms.saturating_add(1)), name: Some(name.to_owned()) };
    let mut known = Known { name, state: None, records: VecDeque::new(), left_out: 0, is_known: false };
    History::new(journal).read(&wanted, |entry| {
        known.learn(entry);
        ControlFlow::Continue(())
    })?;
    let Known { state, records, left_out, is_known, .. } = known;
    Ok(ExplainedPast { state, records: records.into(), left_out, is_known })
}

struct Known<'a> {
    name: &'a str,
    state: Option<Arc<ProcessState>>,
    records: VecDeque<Entry>,
    left_out: u64,
    is_known: bool,
}

impl Known<'_> {
    fn learn(&mut self, entry: Entry) {
        let is_about_it = entry.record.name() == Some(self.name);
        match &entry.record {
            Record::Commit(commit) if is_about_it => {
                let state = &commit.state;
                let decision = state.decision.clone().or_else(|| self.decision_of(state));
                let whole = ProcessState { decision, ..(**state).clone() };
                self.state = (commit.kind != ChangeKind::Removed).then(|| Arc::new(whole));
            }
            Record::Standing(state) if is_about_it => {
                self.state = Some(state.clone());
                self.is_known = true;
                // It is no event.
                return;
            }
            // The next host begins without processes.
            Record::Note(note) if matches!(note.what, Noted::HostStarted { .. }) => self.state = None,
            Record::Gap(_) => {}
            _ if !is_about_it => return,
            _ => {}
        }
        self.is_known |= is_about_it;
        self.records.push_back(entry);
        if self.records.len() > SHOWN_MAX {
            self.records.pop_front();
            self.left_out += 1;
        }
    }

    /// Returns the last decision about a process that has not been removed since.
    fn decision_of(&self, state: &ProcessState) -> Option<Arc<provost_state::Ruling>> {
        self.state.as_ref().filter(|former| former.version < state.version)?.decision.clone()
    }
}
