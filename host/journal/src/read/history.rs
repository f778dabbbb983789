//! The records of all segments in order, with the gaps between them. What is damaged or missing becomes a gap, and never an
//! error: what can be read is read.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use provost_files::{FileError, read_open};
use provost_state::Moment;

use super::gaps::Gaps;
use super::listing::{Found, SEGMENT_BYTES_MAX, list, open};
use super::walk::Walk;
use crate::format::{Footer, Head, State};
use crate::record::Entry;

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only records at or after this time by the wall clock, in milliseconds since the Unix epoch.
    pub since_ms: Option<u64>,
    /// Only records before this time.
    pub until_ms: Option<u64>,
    /// Only segments that may have a record about this process or replica set, or one that concerns every process, such as a gap
    /// or the start of a host. Their other records are among the wanted ones, and so is the first segment.
    pub name: Option<String>,
}

impl Wanted {
    fn has(&self, wall_ms: u64) -> bool {
        self.since_ms.is_none_or(|since| wall_ms >= since)
            && self.until_ms.is_none_or(|until| wall_ms < until)
    }

    /// Whether a segment with this footer may have something. The first one has the states of all processes that the removed
    /// ones told of.
    fn may_have(&self, footer: &Footer, place: Place) -> bool {
        let (first, last) = footer.wall_ms;
        self.since_ms.is_none_or(|since| last >= since)
            && self.until_ms.is_none_or(|until| first < until)
            && self.name.as_deref().is_none_or(|name| place.is_first || footer.may_concern(name))
    }
}

/// Where a segment is among all of them.
#[derive(Clone, Copy)]
struct Place {
    is_first: bool,
    is_last: bool,
}

/// The journal in a directory, to be read.
#[derive(Clone, Debug)]
pub struct History {
    dir: PathBuf,
}

/// What is wanted, and what is known of the gaps so far.
struct Reading<'a> {
    wanted: &'a Wanted,
    gaps: Gaps,
}

impl History {
    /// Creates a reader of the journal in `dir`, which need not exist.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Returns whether there is anything to read.
    #[must_use]
    pub fn exists(&self) -> bool {
        list(&self.dir).is_ok_and(|segments| !segments.is_empty())
    }

    /// Calls `each` with the wanted records in their order, until it breaks. Gaps are among them: those that were recorded,
    /// those in the reserved place of a segment, and those that are found, whose number is that of the first missing record.
    ///
    /// # Errors
    /// [`FileError`] if the directory or a segment cannot be read; a damaged segment is not an error.
    pub fn read(
        &self,
        wanted: &Wanted,
        mut each: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), FileError> {
        let segments =
            list(&self.dir).map_err(|error| FileError { path: self.dir.clone(), problem: error.into() })?;
        let mut reading = Reading { wanted, gaps: Gaps::default() };
        for (at, segment) in segments.iter().enumerate() {
            let place = Place { is_first: at == 0, is_last: at + 1 == segments.len() };
            if reading.segment(segment, place, &mut each)?.is_break() {
                return Ok(());
            }
        }
        let Reading { gaps, .. } = reading;
        let _ = tell(wanted, gaps.at_the_end(), &mut each);
        Ok(())
    }
}

impl Reading<'_> {
    fn segment(
        &mut self,
        segment: &Found,
        place: Place,
        each: &mut impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, FileError> {
        let Some((file, footer)) = open(segment)? else { return Ok(ControlFlow::Continue(())) };
        if tell(self.wanted, self.gaps.before(segment.first_seq), each).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if let Some(footer) = footer.as_ref().filter(|footer| !self.wanted.may_have(footer, place)) {
            self.gaps.pass_to(footer.last_seq + 1);
            return Ok(ControlFlow::Continue(()));
        }
        let bytes = read_open(&segment.path, file, SEGMENT_BYTES_MAX)?;
        let may_be_unfinished = place.is_last && segment.state == State::Open;
        if Head::of(&bytes).is_err() {
            let gap = self.gaps.headless(segment.first_seq, may_be_unfinished);
            return Ok(tell(self.wanted, gap, each));
        }
        let begin = footer.as_ref().zip(self.wanted.since_ms).and_then(|(it, since)| it.begin_at(since));
        let mut walk = match begin.and_then(|(at, seq)| usize::try_from(at).ok().map(|at| (at, seq))) {
            Some((at, seq)) => Walk::from(&bytes, at, seq),
            None => Walk::new(&bytes, segment.first_seq),
        };
        for entry in walk.by_ref() {
            if self.entry(entry, each).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(tell(self.wanted, self.gaps.after(&bytes, &walk, may_be_unfinished), each))
    }

    fn entry(&mut self, entry: Entry, each: &mut impl FnMut(Entry) -> ControlFlow<()>) -> ControlFlow<()> {
        tell(self.wanted, self.gaps.before_record(&entry), each)?;
        if self.wanted.has(entry.record.at().wall_ms) { each(entry) } else { ControlFlow::Continue(()) }
    }
}

/// Reports a gap if it is wanted. The time of one that was found before any record is not known.
fn tell(
    wanted: &Wanted,
    gap: Option<Entry>,
    each: &mut impl FnMut(Entry) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(gap) = gap else { return ControlFlow::Continue(()) };
    let at = gap.record.at();
    if wanted.has(at.wall_ms) || at == Moment::default() { each(gap) } else { ControlFlow::Continue(()) }
}
