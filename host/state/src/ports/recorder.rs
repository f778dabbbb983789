//! The port of the recorder, which keeps what happens for later readers: decisions with their inputs, orders, and changes of
//! plugins, of the config and of the backend. Commits are not passed to it, because it reads them from the ring of changes.

use std::fmt;
use std::sync::Arc;

use super::fault::FaultKind;
use super::plugins::PluginReport;
use super::policy::{Basis, HealthAction, StartAction, UsageAction};
use super::trigger::Trigger;
use crate::process::{Generation, Moment, RulingAction};
use crate::registry::Routing;

/// A recorder. It is called by the tasks that supervise, so it must neither wait nor do any I/O: it keeps the note in a
/// bounded queue, and counts those that it drops.
pub trait Recorder: Send + Sync + fmt::Debug {
    /// Records a note.
    fn record(&self, note: Note);
}

/// Something that happened and is not a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// When it happened.
    pub at: Moment,
    /// The last generation when it happened: it belongs after this commit and before the next one.
    pub after: Generation,
    /// What happened.
    pub what: Noted,
}

/// What a note is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Noted {
    /// A question was decided.
    Decision(Box<Judged>),
    /// Somebody gave an order to a process or to the host.
    Order(Ordered),
    /// A plugin was changed.
    Plugin(PluginNote),
    /// The config was reloaded.
    Reload {
        /// The result, in words for people.
        outcome: Arc<str>,
    },
    /// Another backend of the state was activated.
    Backend {
        /// The routing before.
        before: Routing,
        /// The routing now.
        now: Routing,
    },
    /// A host began. Its generations count from 0 again.
    HostStarted {
        /// Its process id.
        pid: u32,
        /// Its version.
        version: Arc<str>,
    },
    /// A host ended.
    HostEnded {
        /// Its exit code.
        code: u8,
    },
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// What was ordered, as a word such as `restart`.
    pub order: Arc<str>,
    /// The process that it is for; empty for the host.
    pub name: Arc<str>,
    /// Who gave it and how, in words for people.
    pub detail: Arc<str>,
}

/// A change of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginNote {
    /// The name of the plugin.
    pub name: Arc<str>,
    /// What was done, as a word such as `swap`.
    pub action: Arc<str>,
    /// The number of the version that is in force now; `None` if there is none.
    pub version: Option<u64>,
    /// The digest of its component, as hexadecimal SHA-256; empty if there is none.
    pub digest: Arc<str>,
}

/// A question that was decided: all of its inputs, who was asked, and the verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The generation of the snapshot that the policies were given.
    pub world: Generation,
    /// The trigger.
    pub trigger: Trigger,
    /// The policies that were asked, in their order.
    pub asked: Vec<Asked>,
    /// What will be done.
    pub action: JudgedAction,
    /// The policy that decided, or `failsafe`.
    pub by: Arc<str>,
    /// Why, in words for people.
    pub reason: Arc<str>,
    /// What went wrong before it, in words for people.
    pub overruled: Option<Arc<str>>,
}

/// A policy that was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Its name.
    pub name: Arc<str>,
    /// The number of the version in force when it was asked.
    pub version: u64,
    /// What its answer was computed from; `None` if it gave none, and for a policy that is not a component.
    pub basis: Option<Basis>,
    /// Its answer.
    pub answer: Answer,
}

/// The answer of a policy.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It asked for this action; the verdict says what was done.
    Wanted(JudgedAction),
    /// It left the decision to the next one.
    Passed,
    /// It failed. The kind is `None` if it was not called or its answer did not come in time.
    Failed {
        /// The kind of the fault.
        kind: Option<FaultKind>,
        /// What happened, in words for people.
        why: Arc<str>,
    },
}

/// The action of one of the kinds of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JudgedAction {
    /// About a death.
    Exit(RulingAction),
    /// About a start.
    Start(StartAction),
    /// About the health.
    Probe(HealthAction),
    /// The number of replicas.
    Scale(u32),
    /// About the usage.
    Usage(UsageAction),
}

impl PluginNote {
    /// Returns the note that `action` was done to the plugin `name`, which `after` describes if it still exists.
    #[must_use]
    pub fn new(name: &str, action: &str, after: Option<&PluginReport>) -> Self {
        let active = after.map(|report| &report.active);
        Self {
            name: name.into(),
            action: action.into(),
            version: active.map(|version| version.number),
            digest: active.map_or_else(|| "".into(), |version| version.digest.clone()),
        }
    }
}

impl fmt::Display for JudgedAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(action) => action.fmt(f),
            Self::Start(StartAction::Allow { .. }) => f.write_str("allow the start"),
            Self::Start(StartAction::Wait { delay_ms }) => write!(f, "wait {delay_ms} ms"),
            Self::Start(StartAction::Refuse) => f.write_str("refuse the start"),
            Self::Probe(HealthAction::Hold(health)) => write!(f, "hold it {}", health.as_str()),
            Self::Probe(HealthAction::Restart) => f.write_str("restart"),
            Self::Scale(1) => f.write_str("1 replica"),
            Self::Scale(count) => write!(f, "{count} replicas"),
            Self::Usage(UsageAction::Keep) => f.write_str("keep it running"),
            Self::Usage(UsageAction::Restart { drain_ms: None }) => f.write_str("restart"),
            Self::Usage(UsageAction::Restart { drain_ms: Some(ms) }) => write!(f, "restart within {ms} ms"),
        }
    }
}
