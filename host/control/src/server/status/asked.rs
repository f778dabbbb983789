//! What a request for a status asks for.

use std::time::Duration;

use provost_state::{Generation, Snapshot};
use schemars::JsonSchema;
use serde::Deserialize;

use super::parts::{Part, Parts};
use crate::fragments::Fields;
use crate::server::context::AppState;
use crate::server::extract::{Flag, is_on, targets};
use crate::server::refused::Refused;

/// The shortest and the longest time between two messages of a stream, in milliseconds.
const EVERY_MS: std::ops::RangeInclusive<u64> = 50..=60_000;

/// That time if the request does not say it.
const EVERY_MS_DEFAULT: u64 = 1_000;

/// The query of a status.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Asked {
    /// Targets, separated by commas; none mean all processes.
    #[serde(default)]
    select: String,
    /// Fields of processes, separated by commas; none mean all.
    #[serde(default)]
    fields: String,
    /// Parts of the answer, separated by commas; none mean all.
    #[serde(default)]
    parts: String,
    /// Whether the resources that the processes use are a part, too.
    usage: Option<Flag>,
    /// Only what has changed after this generation.
    since: Option<u64>,
    /// The life of the host that counted `since`.
    boot: Option<String>,
    /// For a stream: the shortest time between two messages, in milliseconds.
    #[schemars(range(min = 50, max = 60_000))]
    pub(super) every_ms: Option<u64>,
}

/// The query of a status of the processes alone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct ProcessesQuery {
    /// Targets, separated by commas; none mean all processes.
    #[serde(default)]
    select: String,
    /// Fields of processes, separated by commas; none mean all.
    #[serde(default)]
    fields: String,
    /// Only what has changed after this generation.
    since: Option<u64>,
    /// The life of the host that counted `since`.
    boot: Option<String>,
    /// For a stream: the shortest time between two messages, in milliseconds.
    #[schemars(range(min = 50, max = 60_000))]
    every_ms: Option<u64>,
}

impl From<ProcessesQuery> for Asked {
    fn from(query: ProcessesQuery) -> Self {
        let ProcessesQuery { select, fields, since, boot, every_ms } = query;
        Self { select, fields, parts: Part::Processes.word().to_owned(), since, boot, every_ms, usage: None }
    }
}

impl Asked {
    /// Returns the shortest time between two messages of a stream.
    pub(super) fn every(&self) -> Result<Duration, Refused> {
        let ms = self.every_ms.unwrap_or(EVERY_MS_DEFAULT);
        match EVERY_MS.contains(&ms) {
            true => Ok(Duration::from_millis(ms)),
            false => Err(Refused::bad_request(format!(
                "`every_ms` is {ms}; it must be between {} and {}",
                EVERY_MS.start(),
                EVERY_MS.end()
            ))),
        }
    }
}

/// What a status is to contain.
pub(super) struct Wanted {
    pub(super) parts: Parts,
    pub(super) fields: Option<Fields>,
    pub(super) targets: Vec<String>,
}

impl Wanted {
    pub(super) fn of(asked: &Asked) -> Result<Self, Refused> {
        let names = targets(&asked.fields);
        let fields = match names.is_empty() {
            true => None,
            false => Some(
                Fields::named(names.iter().map(String::as_str))
                    .map_err(|unknown| Refused::bad_request(unknown.to_string()))?,
            ),
        };
        let parts = Parts::named(&targets(&asked.parts))?.with_usage(is_on(asked.usage));
        Ok(Self { parts, fields, targets: targets(&asked.select) })
    }
}

/// The changes that a client asks for with `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// They are not known: it gets everything.
    Unknown,
    /// Those after this generation.
    Known(Generation),
}

impl Since {
    pub(super) fn of(asked: &Asked, app: &AppState, world: &Snapshot) -> Option<Self> {
        let since = Generation(asked.since?);
        let ours = asked.boot.as_ref().is_none_or(|boot| app.answers.is_ours(boot));
        Some(Self::after(ours.then_some(since), world))
    }

    /// Returns the changes after a generation. One that is not reached yet, or that of another host, says nothing about this one.
    pub(super) fn after(since: Option<Generation>, world: &Snapshot) -> Self {
        match since {
            Some(since) if since <= world.generation() && world.removed_since(since).is_some() => {
                Self::Known(since)
            }
            _ => Self::Unknown,
        }
    }
}
