//! Reads every byte of a journal: what is in it, and whether all of it is intact.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use provost_files::{FileError, read_open};

use super::gaps::Gaps;
use super::listing::{Found, SEGMENT_BYTES_MAX, list, open};
use super::walk::{End, Walk};
use crate::format::{Footer, Head, State};
use crate::record::{Entry, Gap, Kind, Record};

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// The name of its file.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Whether it is complete.
    pub is_sealed: bool,
    /// The number of its first record.
    pub first_seq: u64,
    /// The number of its records.
    pub records: u64,
    /// The number of bytes at its end that are not a whole block yet: it is being written, or its host was killed.
    pub unfinished_bytes: u64,
}

/// What is wrong at a place of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The name of the file.
    pub file: String,
    /// The byte at which it begins; `None` if it is about the whole file.
    pub offset: Option<u64>,
    /// What is wrong, in words for people.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{} at byte {offset}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

/// What is in a journal, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The segments, oldest first.
    pub segments: Vec<SegmentReport>,
    /// The number of records of each kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// The gaps, oldest first, also those that are found and not recorded.
    pub gaps: Vec<Gap>,
    /// The earliest and the latest time of a record, in milliseconds since the Unix epoch.
    pub wall_ms: Option<(u64, u64)>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Reads every byte of the journal in `dir`, once.
///
/// # Errors
/// [`FileError`] if the directory cannot be read. A segment that cannot be read is one of the problems.
pub fn inspect(dir: &Path) -> Result<Inspection, FileError> {
    let segments = list(dir).map_err(|error| FileError { path: dir.to_owned(), problem: error.into() })?;
    let mut inspection = Inspection::default();
    let (mut next_seq, mut gaps) = (None, Gaps::default());
    for (at, segment) in segments.iter().enumerate() {
        let is_last = at + 1 == segments.len();
        if let Some(expected) = next_seq.filter(|expected| *expected != segment.first_seq) {
            let what = format!(
                "it begins with record {}, and the record after the last one before it is {expected}",
                segment.first_seq
            );
            inspection.problem(segment, None, what);
        }
        next_seq = inspection.segment(segment, is_last, &mut gaps);
    }
    inspection.gap(gaps.at_the_end().as_ref());
    Ok(inspection)
}

fn shown(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

impl Inspection {
    /// The bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The number of all records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.segments.iter().map(|segment| segment.records).sum()
    }

    /// Notes an entry, if it is a gap.
    fn gap(&mut self, entry: Option<&Entry>) {
        if let Some(Entry { record: Record::Gap(gap), .. }) = entry {
            self.gaps.push(*gap);
        }
    }

    fn problem(&mut self, segment: &Found, offset: Option<usize>, what: impl Into<String>) {
        let offset = offset.and_then(|offset| u64::try_from(offset).ok());
        self.problems.push(Problem { file: shown(&segment.path), offset, what: what.into() });
    }

    /// Inspects one segment. Returns the number of the record after its last one, if that is known.
    fn segment(&mut self, segment: &Found, is_last: bool, gaps: &mut Gaps) -> Option<u64> {
        let (bytes, footer) = match contents(segment) {
            Ok(Some(read)) => read,
            // It was removed as the oldest one.
            Ok(None) => return None,
            Err(error) => {
                self.problem(segment, None, error.problem.to_string());
                return None;
            }
        };
        let mut report = SegmentReport {
            file: shown(&segment.path),
            bytes: bytes.len() as u64,
            is_sealed: segment.state == State::Sealed,
            first_seq: segment.first_seq,
            records: 0,
            unfinished_bytes: 0,
        };
        let may_be_unfinished = is_last && !report.is_sealed;
        self.gap(gaps.before(segment.first_seq).as_ref());
        let head = Head::of(&bytes);
        if head.is_err() {
            self.gap(gaps.headless(segment.first_seq, may_be_unfinished).as_ref());
        }
        match head {
            Ok(head) if head.first_seq == segment.first_seq => {}
            Ok(head) => {
                let what = format!("its head says that it begins with record {}", head.first_seq);
                self.problem(segment, Some(0), what);
            }
            Err(_) if may_be_unfinished => {
                report.unfinished_bytes = report.bytes;
                self.segments.push(report);
                return None;
            }
            Err(why) => {
                self.problem(segment, Some(0), why.to_string());
                self.segments.push(report);
                return None;
            }
        }
        let mut walk = Walk::new(&bytes, segment.first_seq);
        for entry in walk.by_ref() {
            self.gap(gaps.before_record(&entry).as_ref());
            self.gap(Some(&entry));
            report.records += 1;
            *self.kinds.entry(entry.record.kind()).or_default() += 1;
            let wall_ms = entry.record.at().wall_ms;
            let (first, last) = self.wall_ms.unwrap_or((wall_ms, wall_ms));
            self.wall_ms = Some((first.min(wall_ms), last.max(wall_ms)));
        }
        self.gap(gaps.after(&bytes, &walk, may_be_unfinished).as_ref());
        for (seq, why) in walk.undecoded() {
            self.problem(segment, None, format!("record {seq} cannot be read: {why}"));
        }
        match walk.end() {
            End::Torn(at) if may_be_unfinished => report.unfinished_bytes = (bytes.len() - at) as u64,
            End::Torn(at) => {
                let what =
                    format!("the block is damaged: record {} and those after it are lost", walk.next_seq());
                self.problem(segment, Some(at), what);
            }
            End::Whole if report.is_sealed => self.footer(segment, footer, &walk),
            End::Whole => {}
        }
        self.segments.push(report);
        // The records of a damaged segment are found missing by that problem.
        matches!(walk.end(), End::Whole).then(|| walk.next_seq())
    }

    fn footer(&mut self, segment: &Found, footer: Option<Footer>, walk: &Walk<'_>) {
        let count = walk.next_seq() - segment.first_seq;
        match footer {
            None => self.problem(segment, Some(walk.at()), "the index at its end is damaged"),
            Some(footer) if footer.count != count || footer.last_seq + 1 != walk.next_seq() => {
                let what = format!("its index says {} records, and it has {count}", footer.count);
                self.problem(segment, Some(walk.at()), what);
            }
            Some(_) => {}
        }
    }
}

/// The bytes of a segment and its footer, if it has an intact one.
type Contents = (Vec<u8>, Option<Footer>);

/// Returns what is in a segment; `None` if it was removed.
fn contents(segment: &Found) -> Result<Option<Contents>, FileError> {
    let Some((file, footer)) = open(segment)? else { return Ok(None) };
    Ok(Some((read_open(&segment.path, file, SEGMENT_BYTES_MAX)?, footer)))
}
