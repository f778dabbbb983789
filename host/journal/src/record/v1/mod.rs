//! The bytes of version 1 of each kind of records. They never change: a field that is added, removed or given another type
//! makes a version 2 of that kind beside it. `record/golden.rs` compares them with committed bytes.
//!
//! | room | owns |
//! |---|---|
//! | `note` | decisions and the other notes |
//! | `trigger` | the triggers and actions of decisions |
//! | `state` | commits and states |
//! | `words` | the enumerations without data |

mod note;
mod state;
mod trigger;
mod words;

use provost_state::{Generation, Moment, Note, Noted};
use serde::{Deserialize, Serialize};

use super::entry::{Gap, GapReason, Kind, Record};
use note::{BackendV1, DecisionV1, HostEndedV1, HostStartedV1, OrderV1, PluginV1, ReloadV1};
use state::{CommitV1, MomentV1, StandingV1};

#[derive(Serialize, Deserialize)]
struct CheckpointV1 {
    at: MomentV1,
    generation: u64,
    processes: u32,
}

#[derive(Serialize, Deserialize)]
struct GapV1 {
    at: MomentV1,
    reason: u16,
    count: u64,
}

/// Appends a body, or the length of one.
pub(super) fn put(body: &impl Serialize, into: &mut Vec<u8>) {
    // A vector takes everything, and no body contains what the format has no bytes for (a sequence of unknown length).
    if let Ok(bytes) = postcard::to_extend(body, std::mem::take(into)) {
        *into = bytes;
    }
}

/// Appends the body of a record.
pub(super) fn encode(record: &Record, into: &mut Vec<u8>) {
    match record {
        Record::Commit(commit) => put(&CommitV1::of(commit), into),
        Record::Checkpoint { at, generation, processes } => {
            put(&CheckpointV1 { at: (*at).into(), generation: generation.0, processes: *processes }, into);
        }
        Record::Standing(state) => put(&StandingV1::of(state), into),
        Record::InForce { at, plugin } => put(&(MomentV1::from(*at), PluginV1::of(plugin)), into),
        Record::Gap(Gap { at, reason, count }) => {
            put(&GapV1 { at: (*at).into(), reason: reason.number(), count: *count }, into);
        }
        Record::Note(Note { at, after, what }) => {
            let (at, after) = (MomentV1::from(*at), after.0);
            match what {
                Noted::Decision(judged) => put(&(at, after, DecisionV1::of(judged)), into),
                Noted::Order(ordered) => put(&(at, after, OrderV1::of(ordered)), into),
                Noted::Plugin(plugin) => put(&(at, after, PluginV1::of(plugin)), into),
                Noted::Reload { outcome } => put(&(at, after, ReloadV1 { outcome }), into),
                Noted::Backend { before, now } => put(&(at, after, BackendV1::of(*before, *now)), into),
                Noted::HostStarted { pid, version } => {
                    put(&(at, after, HostStartedV1 { pid: *pid, version }), into);
                }
                Noted::HostEnded { code } => put(&(at, after, HostEndedV1 { code: *code }), into),
            }
        }
    }
}

/// Returns the record with this body; `None` if it is malformed.
pub(super) fn decode(kind: Kind, body: &[u8]) -> Option<Record> {
    match kind {
        Kind::Commit => Some(Record::Commit(get::<CommitV1<'_>>(body)?.into_commit())),
        Kind::Checkpoint => {
            let CheckpointV1 { at, generation, processes } = get(body)?;
            Some(Record::Checkpoint { at: at.into(), generation: Generation(generation), processes })
        }
        Kind::Standing => Some(Record::Standing(get::<StandingV1<'_>>(body)?.into_state().into())),
        Kind::Gap => {
            let GapV1 { at, reason, count } = get(body)?;
            Some(Record::Gap(Gap { at: at.into(), reason: GapReason::of(reason)?, count }))
        }
        Kind::Decision => {
            note::<DecisionV1<'_>>(body, |it| Some(Noted::Decision(Box::new(it.into_judged()))))
        }
        Kind::Order => note::<OrderV1<'_>>(body, |it| Some(Noted::Order(it.into_ordered()))),
        Kind::Plugin => note::<PluginV1<'_>>(body, |it| Some(Noted::Plugin(it.into_plugin()))),
        Kind::Reload => note::<ReloadV1<'_>>(body, |it| Some(Noted::Reload { outcome: it.outcome.into() })),
        Kind::Backend => note::<BackendV1>(body, BackendV1::into_noted),
        Kind::HostStarted => note::<HostStartedV1<'_>>(body, |it| {
            Some(Noted::HostStarted { pid: it.pid, version: it.version.into() })
        }),
        Kind::HostEnded => note::<HostEndedV1>(body, |it| Some(Noted::HostEnded { code: it.code })),
        Kind::InForce => {
            let (at, plugin) = get::<(MomentV1, PluginV1<'_>)>(body)?;
            Some(Record::InForce { at: at.into(), plugin: plugin.into_plugin() })
        }
    }
}

fn get<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    postcard::take_from_bytes(body).ok().filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}

fn note<'a, T: Deserialize<'a>>(body: &'a [u8], what: impl FnOnce(T) -> Option<Noted>) -> Option<Record> {
    let (at, after, body) = get::<(MomentV1, u64, T)>(body)?;
    Some(Record::Note(Note { at: Moment::from(at), after: Generation(after), what: what(body)? }))
}
