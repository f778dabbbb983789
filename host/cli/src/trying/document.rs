//! Reads a file with a snapshot or with an input: the JSON that `status`, `plugin blame` and the API print.

use std::path::Path;
use std::sync::Arc;

use provost_api as api;
use provost_plugin_host::{Grant, Limit, Limits, Role, Setup};
use provost_state::{
    Batch, Demand, Ended, Incarnation, Observation, Plan, PluginInput, Sample, Trigger, ViewRequest,
    ViewUsage,
};
use serde_json::Value;

use super::case::Case;
use super::error::TryError;
use super::{memory, restoring, words, world};

/// The largest file, in bytes. The status of ten thousand processes has about 10 MB.
const BYTES_MAX: u64 = 256 << 20;

/// What a file of JSON has.
#[derive(Clone, Debug)]
pub(crate) enum Document {
    /// A snapshot: the status of a host, or the snapshot of a reproduction.
    Snapshot(Box<api::PluginSnapshot>),
    /// All that a call of a plugin was given.
    Reproduction(Box<api::Reproduction>),
}

/// Reads a file. What it has is told by its keys: `snapshot` those of a reproduction, `reproduction` that of the answer of `plugin
/// blame`, and `processes` that of a status.
///
/// # Errors
/// [`TryError::File`] if it cannot be read, or has none of them.
pub(crate) fn read_document(path: &Path) -> Result<Document, TryError> {
    const HINT: &str =
        "`provost status -o json` prints a snapshot, and `provost plugin blame NAME -o json` an input";
    let wrong = |what: String| TryError::File { file: path.display().to_string(), what, hint: HINT };
    let bytes = provost_files::read_named(path, BYTES_MAX).map_err(|error| TryError::File {
        file: path.display().to_string(),
        what: format!("it cannot be read: {}", error.problem),
        hint: "name a file, or correct the path",
    })?;
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is not JSON: {error}")))?;
    let has = |key: &str| value.get(key).is_some_and(|value| !value.is_null());
    let read = |value: Value| {
        serde_json::from_value::<api::Reproduction>(value).map_err(|error| wrong(error.to_string()))
    };
    let reproduction = match () {
        () if has("reproduction") => read(value.get("reproduction").cloned().unwrap_or_default())?,
        () if has("snapshot") => read(value)?,
        () if has("processes") => {
            let snapshot = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
            return Ok(Document::Snapshot(Box::new(snapshot)));
        }
        () => return Err(wrong("it is neither a status nor an input of a plugin".to_owned())),
    };
    if reproduction.version != api::Reproduction::VERSION {
        let (found, known) = (reproduction.version, api::Reproduction::VERSION);
        return Err(wrong(format!(
            "it is an input of version {found}, but this program knows only version {known}"
        )));
    }
    Ok(Document::Reproduction(Box::new(reproduction)))
}

impl Document {
    /// Returns the snapshot that it has.
    pub(crate) fn snapshot(&self) -> &api::PluginSnapshot {
        match self {
            Self::Snapshot(snapshot) => snapshot,
            Self::Reproduction(reproduction) => &reproduction.snapshot,
        }
    }
}

/// Returns what a plugin had been given before it was called.
///
/// # Errors
/// [`TryError::Case`] if the document has been damaged.
pub(crate) fn setup(from: &api::Reproduction) -> Result<Setup, TryError> {
    let wrong =
        |what: String| TryError::case(what, "the input may have been edited, or be of a newer version");
    let mut limits = Limits::default();
    for (name, figure) in &from.limits {
        limits.set(Limit::named(name).map_err(|error| wrong(error.to_string()))?, *figure);
    }
    let grant = |word: &String| word.parse::<Grant>().map_err(|error| wrong(error.to_string()));
    Ok(Setup {
        settings_json: Value::Object(from.settings.clone()).to_string(),
        limits,
        grants: from.allow.iter().map(grant).collect::<Result<Vec<_>, _>>()?.into_iter().collect(),
        memory: memory::recorded(&from.memory).map_err(wrong)?,
    })
}

/// Returns the question with its snapshot.
///
/// # Errors
/// [`TryError::Case`] if a field is missing or unknown.
pub(crate) fn case(from: &api::Reproduction) -> Result<Case, TryError> {
    let role = words::role(from.role.as_str())
        .map_err(|what| TryError::case(what, "the input may be of a newer version"))?;
    let (states, mut notes) = restoring::states(&from.snapshot)?;
    let taken_at = restoring::at(&from.snapshot.taken_at)?;
    let world = world::snapshot(&states, from.snapshot.generation, taken_at)?;
    let input = input(role, from)?;
    notes.extend(from.left_out.iter().map(|what| format!("the input does not have {what}")));
    Ok(Case { role, input, world, notes })
}

/// Returns the value of a field that a role needs.
fn need<T>(field: &str, value: Option<T>) -> Result<T, TryError> {
    value.ok_or_else(|| {
        TryError::case(
            format!("the input has no `{field}`"),
            "its role needs it: the input may have been edited",
        )
    })
}

fn input(role: Role, from: &api::Reproduction) -> Result<PluginInput, TryError> {
    let it = &from.input;
    Ok(match role {
        Role::StatusView => PluginInput::Request(request(from)?),
        Role::StatusConsumer => PluginInput::Batch(Batch {
            changes: it.events.iter().map(restoring::change).collect::<Result<_, _>>()?,
            missed: it.missed.unwrap_or(0),
        }),
        _ => PluginInput::Trigger(trigger(role, it)?),
    })
}

fn request(from: &api::Reproduction) -> Result<ViewRequest, TryError> {
    let group = |name: &str| {
        let named = from.snapshot.processes.iter().find(|one| one.process.name == name);
        named.and_then(|one| one.process.group.clone()).unwrap_or_default()
    };
    let usage = |used: &api::ProcessUsage| {
        Ok(ViewUsage {
            name: used.process.as_str().into(),
            group: group(&used.process).into(),
            incarnation: Incarnation(used.incarnation),
            usage: restoring::usage(used)?,
        })
    };
    Ok(ViewRequest {
        path: from.input.path.clone().unwrap_or_default(),
        query: from.input.query.clone().unwrap_or_default(),
        usages: from.input.usages.iter().map(usage).collect::<Result<Vec<_>, TryError>>()?.into(),
        host_usage: from.input.usage.as_ref().map(restoring::usage).transpose()?,
    })
}

fn trigger(role: Role, it: &api::PluginInput) -> Result<Trigger, TryError> {
    let name: Arc<str> = need("name", it.name.as_deref())?.into();
    let group: Arc<str> = it.group.as_deref().unwrap_or_default().into();
    let now = restoring::at(need("now", it.now.as_deref())?)?;
    let seed = need("seed", it.seed)?;
    let incarnation = || need("incarnation", it.incarnation).map(Incarnation);
    Ok(match role {
        Role::RestartPolicy => Trigger::Exit(Ended {
            name,
            group,
            incarnation: incarnation()?,
            exit: restoring::exit(need("exit", it.exit.as_ref())?)?,
            uptime_ms: need("uptime_ms", it.uptime_ms)?,
            was_ready: need("was_ready", it.was_ready)?,
            failures: need("failures", it.failures)?,
            restarts: need("restarts", it.restarts)?,
            now,
            seed,
        }),
        Role::StartPolicy => Trigger::Start(Plan {
            name,
            group,
            incarnation: incarnation()?,
            cause: restoring::cause(need("cause", it.cause.as_ref())?)?,
            waited_ms: need("waited_ms", it.waited_ms)?,
            failures: need("failures", it.failures)?,
            now,
            seed,
        }),
        Role::HealthPolicy => Trigger::Probe(Observation {
            name,
            group,
            incarnation: incarnation()?,
            passed: need("passed", it.passed)?,
            detail: need("detail", it.detail.as_deref())?.into(),
            took_ms: need("took_ms", it.took_ms)?,
            in_a_row: need("in_a_row", it.in_a_row)?,
            before: restoring::health(need("before", it.before.as_ref())?)?,
            uptime_ms: need("uptime_ms", it.uptime_ms)?,
            now,
            seed,
        }),
        Role::UsagePolicy => Trigger::Usage(Sample {
            name,
            group,
            incarnation: incarnation()?,
            usage: restoring::usage(need("usage", it.usage.as_ref())?)?,
            former: it.former.iter().map(restoring::usage).collect::<Result<Vec<_>, _>>()?.into(),
            uptime_ms: need("uptime_ms", it.uptime_ms)?,
            now,
            seed,
        }),
        _ => Trigger::Scale(Demand {
            name,
            group,
            wanted: need("wanted", it.wanted)?,
            running: need("running", it.running)?,
            least: need("least", it.least)?,
            most: need("most", it.most)?,
            now,
            seed,
        }),
    })
}
