//! What a record means, in the types of the state core.

use std::sync::Arc;

use provost_state::{ChangeKind, Generation, Moment, Note, Noted, PhaseKind, PluginNote, ProcessState};
use strum::{IntoStaticStr, VariantArray};

/// One record with its place in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number. The numbers of a journal are consecutive, over all lives of the host.
    pub seq: u64,
    /// The record.
    pub record: Record,
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A commit.
    Commit(Commit),
    /// The beginning of a checkpoint: this number of [`Record::Standing`] follows, one for each process, and then one
    /// [`Record::InForce`] for each plugin.
    Checkpoint {
        /// When the last of the states was committed.
        at: Moment,
        /// The generation that the states are of.
        generation: Generation,
        /// The number of processes.
        processes: u32,
    },
    /// The whole state of one process, as a part of a checkpoint. Its id is [`provost_state::ProcessId::NOBODY`].
    Standing(Arc<ProcessState>),
    /// The version of a plugin that is in force, as a part of a checkpoint.
    InForce {
        /// When the checkpoint was written.
        at: Moment,
        /// The last change of the plugin that the journal was notified of.
        plugin: PluginNote,
    },
    /// Records are missing.
    Gap(Gap),
    /// What is not a commit.
    Note(Note),
}

/// A commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// What happened.
    pub kind: ChangeKind,
    /// The phase before it.
    pub from: PhaseKind,
    /// The state that it published. When it was read from a journal, its id is [`provost_state::ProcessId::NOBODY`], it has
    /// no deaths, and it has a decision only if that is what was committed: both are known from the commits before it.
    pub state: Arc<ProcessState>,
}

/// Records that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When the first of them was lost, as far as that is known.
    pub at: Moment,
    /// Why they are missing.
    pub reason: GapReason,
    /// Their number; 0 if it is not known.
    pub count: u64,
}

/// Why records are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
#[repr(u16)]
pub enum GapReason {
    /// Notes came faster than they could be written.
    QueueFull = 1,
    /// Commits came faster than they could be written.
    Lapped = 2,
    /// The disk was full.
    DiskFull = 3,
    /// The disk refused a write for another reason.
    NotWritten = 4,
    /// The disk did not confirm what was written, so it may be missing after a loss of power.
    NotSynced = 5,
    /// The end of a segment was incomplete, and was cut.
    Torn = 6,
    /// The segment was removed while it was written.
    Removed = 7,
    /// A record was larger than a block may be.
    TooLarge = 8,
    /// A segment is damaged. Only readers report this; it is never written.
    Damaged = 9,
    /// A segment is missing between others. Only readers report this; it is never written.
    Missing = 10,
    /// The thread that writes the journal panicked, and was started again.
    Panicked = 11,
}

impl GapReason {
    /// Returns the reason as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the reason in words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::QueueFull => "notes came faster than they could be written",
            Self::Lapped => "commits came faster than they could be written",
            Self::DiskFull => "the disk was full",
            Self::NotWritten => "the disk refused a write",
            Self::NotSynced => "the disk did not confirm what was written",
            Self::Torn => "the end of a segment was incomplete, and was cut",
            Self::Removed => "the segment was removed while it was written",
            Self::TooLarge => "a record was larger than a block may be",
            Self::Damaged => "a segment is damaged",
            Self::Missing => "a segment is missing",
            Self::Panicked => "the thread that writes the journal panicked",
        }
    }

    pub(crate) fn number(self) -> u16 {
        self as u16
    }

    pub(crate) fn of(number: u16) -> Option<Self> {
        Self::VARIANTS.iter().copied().find(|reason| reason.number() == number)
    }
}

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
#[repr(u16)]
pub enum Kind {
    /// A commit.
    Commit = 1,
    /// The beginning of a checkpoint.
    Checkpoint = 2,
    /// A state in a checkpoint.
    Standing = 3,
    /// Missing records.
    Gap = 4,
    /// A decision.
    Decision = 5,
    /// An order.
    Order = 6,
    /// A change of a plugin.
    Plugin = 7,
    /// A reload of the config.
    Reload = 8,
    /// A change of the backend.
    Backend = 9,
    /// The start of a host.
    HostStarted = 10,
    /// The end of a host.
    HostEnded = 11,
    /// A version of a plugin in a checkpoint.
    InForce = 12,
}

impl Kind {
    /// Returns the kind as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    pub(crate) fn number(self) -> u16 {
        self as u16
    }

    pub(crate) fn of(number: u16) -> Option<Self> {
        Self::VARIANTS.iter().copied().find(|kind| kind.number() == number)
    }
}

impl Record {
    /// Returns the kind of the record.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Commit(_) => Kind::Commit,
            Self::Checkpoint { .. } => Kind::Checkpoint,
            Self::Standing(_) => Kind::Standing,
            Self::InForce { .. } => Kind::InForce,
            Self::Gap(_) => Kind::Gap,
            Self::Note(note) => match note.what {
                Noted::Decision(_) => Kind::Decision,
                Noted::Order(_) => Kind::Order,
                Noted::Plugin(_) => Kind::Plugin,
                Noted::Reload { .. } => Kind::Reload,
                Noted::Backend { .. } => Kind::Backend,
                Noted::HostStarted { .. } => Kind::HostStarted,
                Noted::HostEnded { .. } => Kind::HostEnded,
            },
        }
    }

    /// Returns when it happened.
    #[must_use]
    pub fn at(&self) -> Moment {
        match self {
            Self::Commit(commit) => commit.state.changed_at,
            Self::Checkpoint { at, .. } | Self::InForce { at, .. } => *at,
            Self::Standing(state) => state.changed_at,
            Self::Gap(gap) => gap.at,
            Self::Note(note) => note.at,
        }
    }

    /// Returns the name of the process that it is about, if it is about one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Commit(commit) => Some(commit.state.name()),
            Self::Standing(state) => Some(state.name()),
            Self::Note(note) => match &note.what {
                Noted::Decision(judged) => Some(judged.trigger.name()),
                Noted::Order(ordered) => Some(&*ordered.name).filter(|name| !name.is_empty()),
                _ => None,
            },
            Self::Checkpoint { .. } | Self::InForce { .. } | Self::Gap(_) => None,
        }
    }

    /// Returns the group of that process; `None` if it is in none, or if the record does not have it.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        let group = match self {
            Self::Commit(commit) => commit.state.group(),
            Self::Standing(state) => state.group(),
            Self::Note(Note { what: Noted::Decision(judged), .. }) => judged.trigger.group(),
            _ => return None,
        };
        Some(&**group).filter(|group| !group.is_empty())
    }
}
