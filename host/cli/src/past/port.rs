//! The past for the API, read from the journal.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::PathBuf;

use provost_control::{Past, PastAsked, PastEvents};
use provost_journal::{Commit, Entry, History, Record, Wanted};
use provost_state::changes::CHANGES_KEPT;
use provost_state::{Noted, ProcessState};

/// The journal in a directory.
#[derive(Debug)]
pub(crate) struct Recorded {
    dir: PathBuf,
}

impl Recorded {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }
}

impl PastEvents for Recorded {
    fn events(
        &self,
        asked: &PastAsked<'_>,
        wanted: &dyn Fn(&ProcessState) -> bool,
    ) -> Result<Vec<Past>, String> {
        let name = asked.name.map(str::to_owned);
        let range = Wanted { since_ms: Some(asked.from_ms), until_ms: None, name };
        let mut found = Found { asked, left_out: 0, earlier: VecDeque::new(), present: VecDeque::new() };
        let read = History::new(&self.dir).read(&range, |entry| {
            if asked.is_abandoned() {
                return ControlFlow::Break(());
            }
            found.learn(entry, wanted);
            ControlFlow::Continue(())
        });
        read.map_err(|error| error.to_string())?;
        Ok(found.list())
    }
}

/// What was found so far.
struct Found<'a> {
    asked: &'a PastAsked<'a>,
    left_out: u64,
    /// Of earlier hosts.
    earlier: VecDeque<Past>,
    /// Of the host whose start was found last.
    present: VecDeque<Past>,
}

impl Found<'_> {
    fn learn(&mut self, entry: Entry, wanted: &dyn Fn(&ProcessState) -> bool) {
        match entry.record {
            Record::Note(note) if matches!(note.what, Noted::HostStarted { .. }) => {
                self.earlier.append(&mut self.present);
            }
            Record::Commit(Commit { kind, from, state }) if wanted(&state) => {
                self.present.push_back(Past::Event { kind, from, state });
            }
            Record::Gap(gap) => self.present.push_back(Past::Missed((gap.count > 0).then_some(gap.count))),
            _ => {}
        }
        // The remembered changes may be among them, and are left out at the end.
        self.shorten(self.asked.most.saturating_add(CHANGES_KEPT));
    }

    fn shorten(&mut self, most: usize) {
        while self.earlier.len() + self.present.len() > most {
            let oldest = self.earlier.pop_front().or_else(|| self.present.pop_front());
            self.left_out += u64::from(matches!(oldest, Some(Past::Event { .. })));
        }
    }

    fn list(mut self) -> Vec<Past> {
        let before = self.asked.before;
        self.present.retain(|past| !matches!(past, Past::Event { state, .. } if state.generation >= before));
        self.shorten(self.asked.most);
        let left_out = (self.left_out > 0).then_some(Past::Missed(Some(self.left_out)));
        left_out.into_iter().chain(self.earlier).chain(self.present).collect()
    }
}
