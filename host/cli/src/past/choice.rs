//! Which records are wanted, by the processes that they are about and by what happened.

use std::str::FromStr;

use provost_api::{Event, EventKind};
use provost_control::event_kind;
use provost_journal::{Entry, Kind, Record};
use provost_state::naming::replica_of;

/// The kinds of records beside commits that a person can ask for.
const RECORD_KINDS: [Kind; 8] = [
    Kind::Gap,
    Kind::Decision,
    Kind::Order,
    Kind::Plugin,
    Kind::Reload,
    Kind::Backend,
    Kind::HostStarted,
    Kind::HostEnded,
];

/// A kind of events: of changes, or of other records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WantedKind {
    /// A kind of changes.
    Event(EventKind),
    /// A kind of other records.
    Record(Kind),
}

/// Returns the kinds of changes that a person can ask for: all but the one that stands for missing changes.
fn event_kinds() -> impl Iterator<Item = &'static EventKind> {
    EventKind::ALL.iter().filter(|kind| **kind != EventKind::Missed)
}

/// Returns the names of all kinds.
fn names() -> Vec<&'static str> {
    event_kinds().map(EventKind::as_str).chain(RECORD_KINDS.iter().map(|kind| kind.as_str())).collect()
}

impl FromStr for WantedKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let event = event_kinds().find(|kind| kind.as_str() == text).cloned().map(Self::Event);
        let record = || RECORD_KINDS.into_iter().find(|kind| kind.as_str() == text).map(Self::Record);
        event.or_else(record).ok_or_else(|| format!("the kinds are {}", names().join(", ")))
    }
}

/// What is wanted of a journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    /// Names, `GROUP:*` or `all`; none mean all.
    pub(crate) targets: Vec<String>,
    /// The kinds; none mean all but decisions, whose inputs are long.
    pub(crate) kinds: Vec<WantedKind>,
}

impl Choice {
    /// Whether a record is wanted.
    pub(crate) fn has(&self, entry: &Entry) -> bool {
        self.has_kind(&entry.record) && self.has_target(entry.record.name(), entry.record.group())
    }

    /// Whether an event of the API about a process of `group` is wanted.
    pub(crate) fn has_event(&self, event: &Event, group: Option<&str>) -> bool {
        event.kind == EventKind::Missed
            || self.has_kind_of(event) && self.has_target(Some(&event.process), group)
    }

    /// Whether an event of the API is of a wanted kind.
    pub(crate) fn has_kind_of(&self, event: &Event) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&WantedKind::Event(event.kind.clone()))
    }

    fn has_kind(&self, record: &Record) -> bool {
        let kind = match record {
            // They are the bookkeeping of the journal.
            Record::Checkpoint { .. } | Record::Standing(_) | Record::InForce { .. } => return false,
            Record::Commit(commit) => WantedKind::Event(event_kind(commit.kind)),
            other => WantedKind::Record(other.kind()),
        };
        match self.kinds.is_empty() {
            true => kind != WantedKind::Record(Kind::Decision),
            false => self.kinds.contains(&kind),
        }
    }

    /// Whether something about this process is wanted. What is about no process is, unless processes are named; a gap always
    /// is.
    fn has_target(&self, name: Option<&str>, group: Option<&str>) -> bool {
        let Some(name) = name else { return true };
        self.targets.is_empty()
            || self.targets.iter().any(|target| match target.strip_suffix(":*") {
                Some(wanted) => group == Some(wanted),
                None => {
                    target == "all"
                        || target == name
                        || replica_of(name).is_some_and(|(base, _)| base == target)
                }
            })
    }
}
