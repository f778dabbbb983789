//! What one call of a plugin did.

use std::fmt;
use std::sync::Arc;

use provost_state::{
    Decision, Demand, Ended, Fault, HealthAction, JudgedAction, MemoryWrite, Observation, Plan, Sample,
    StartAction, UsageAction, ViewRequest, ViewResponse,
};

use crate::guest::PluginLine;
use crate::plugin::{Question, Telling};

/// The answer of a plugin in any of its roles.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A policy's decision, before a host bounds it.
    Decision {
        /// The requested action; `None` if it passed the question on.
        action: Option<JudgedAction>,
        /// Why, in words for people.
        reason: Arc<str>,
    },
    /// What a view rendered.
    View(ViewResponse),
    /// A consumer has taken the changes.
    Taken,
}

/// What one call of a plugin did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its answer.
    pub reply: Result<Reply, Fault>,
    /// How long the call took with the instantiation, in nanoseconds.
    pub ns: u64,
    /// The fuel that it used.
    pub fuel: u64,
    /// The most memory that its instance had, in bytes.
    pub memory_bytes: u64,
    /// The lines that it wrote.
    pub lines: Vec<PluginLine>,
    /// The number of lines that were dropped because there were too many.
    pub lines_dropped: u64,
    /// What it wrote into its memory. A host discards it if the call fails.
    pub written: Vec<MemoryWrite>,
}

impl Outcome {
    /// Returns in what another call with the same input differs from this one, as a word; `None` if it does not.
    pub(super) fn differs_from(&self, other: &Self) -> Option<&'static str> {
        if self.reply != other.reply {
            Some("answer")
        } else if self.written != other.written {
            Some("memory")
        } else if (&self.lines, self.lines_dropped) != (&other.lines, other.lines_dropped) {
            Some("log lines")
        } else {
            None
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decision { action: Some(action), reason } => write!(f, "{action}: {reason}"),
            Self::Decision { action: None, reason } => write!(f, "pass: {reason}"),
            Self::View(ViewResponse { status, content_type, body }) => {
                write!(f, "{} bytes of {content_type} with the status {status}", body.len())
            }
            Self::Taken => f.write_str("taken"),
        }
    }
}

/// A question whose answer becomes a [`Reply`].
pub(super) trait Replied: Question {
    fn reply(answer: Self::Answer) -> Reply;
}

fn decided<A>(decision: Decision<A>, action: impl FnOnce(A) -> JudgedAction) -> Reply {
    Reply::Decision { action: decision.action.map(action), reason: decision.reason }
}

impl Replied for Ended {
    fn reply(answer: Decision) -> Reply {
        decided(answer, JudgedAction::Exit)
    }
}

impl Replied for Plan {
    fn reply(answer: Decision<StartAction>) -> Reply {
        decided(answer, JudgedAction::Start)
    }
}

impl Replied for Observation {
    fn reply(answer: Decision<HealthAction>) -> Reply {
        decided(answer, JudgedAction::Probe)
    }
}

impl Replied for Demand {
    fn reply(answer: Decision<u32>) -> Reply {
        decided(answer, JudgedAction::Scale)
    }
}

impl Replied for Sample {
    fn reply(answer: Decision<UsageAction>) -> Reply {
        decided(answer, JudgedAction::Usage)
    }
}

impl Replied for ViewRequest {
    fn reply(answer: ViewResponse) -> Reply {
        Reply::View(answer)
    }
}

impl Replied for Telling {
    fn reply((): ()) -> Reply {
        Reply::Taken
    }
}
