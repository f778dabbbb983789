//! Plugins over the API: what is known of them, and changing them while processes run. The plugin host changes the
//! plugin; who is judged by it, and who is told of changes, is arranged here with the supervisor.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use provost_state::naming::{NAME_BYTES_MAX, shown};
use provost_state::{
    Blame, Fault, Generation, Intensity, LimitsWanted, PluginChange, PluginFigures, PluginRefusal,
    PluginReport, PluginStatus, PluginVersion, PluginWanted, ProcessId, Replacement,
};

use crate::refused::Refused;
use crate::select::select;
use crate::server::{Body, Desk, Served};
use crate::{convert, wire};

/// All plugins, in the order of the config.
pub(crate) fn reports(desk: &Desk) -> Vec<wire::Plugin> {
    let now = generation(desk);
    desk.plugins.reports().iter().map(|report| plugin(report, now)).collect()
}

fn generation(desk: &Desk) -> Generation {
    desk.supervisor.reader().snapshot().generation()
}

pub(crate) async fn list(State(served): State<Served>) -> Json<wire::PluginList> {
    Json(wire::PluginList { plugins: reports(&served.desk) })
}

/// What can be done to a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Load,
    Unload,
    Swap,
    Rollback,
    Revive,
}

impl Action {
    fn parse(word: &str) -> Result<Self, Refused> {
        Ok(match word {
            "load" => Self::Load,
            "unload" => Self::Unload,
            "swap" => Self::Swap,
            "rollback" => Self::Rollback,
            "revive" => Self::Revive,
            _ => {
                return Err(Refused::not_found(
                    "unknown_action",
                    format!("plugins know no action `{}`", shown(word)),
                    "there are load, unload, swap, rollback and revive".to_owned(),
                ));
            }
        })
    }

    /// The fields of the order that this action has no use for, and that are there.
    fn odd_fields(self, order: &wire::PluginOrder) -> Vec<&'static str> {
        let (load, swap, unload) = (self == Self::Load, self == Self::Swap, self == Self::Unload);
        [
            ("component", order.component.is_some(), load || swap),
            ("settings", order.settings.is_some(), load || swap),
            ("judges", !order.judges.is_empty(), load),
            ("allow", !order.allow.is_empty(), load),
            ("sha256", order.sha256.is_some(), load),
            ("limits", !order.limits.is_empty(), load || swap),
            ("quarantine", order.quarantine.is_some(), load || swap),
            ("accept_more", order.accept_more, swap),
            ("force", order.force, unload),
        ]
        .into_iter()
        .filter(|(_, there, used)| *there && !*used)
        .map(|(field, ..)| field)
        .collect()
    }
}

pub(crate) async fn change(
    State(served): State<Served>,
    Path((name, action)): Path<(String, String)>,
    Body(order): Body<wire::PluginOrder>,
) -> Result<Json<wire::PluginChanged>, Refused> {
    let word = action;
    let action = Action::parse(&word)?;
    if let Some(field) = action.odd_fields(&order).first() {
        return Err(Refused::bad_request(format!("`{field}` has no meaning for `{word}`")));
    }
    // Compiling takes seconds: not on a thread that runs tasks.
    let desk = served.desk.clone();
    let jobs = served.desk.supervisor.jobs();
    let lane = if matches!(action, Action::Load | Action::Swap) { &jobs.loads } else { &jobs.changes };
    let done = lane.run(move || carry_out(&desk, &shortened(name), action, order)).await;
    let change = done.map_err(|lost| Refused::internal(lost.to_string()))??;
    let now = generation(&served.desk);
    let after = change.after.as_ref().map(|report| plugin(report, now));
    Ok(Json(wire::PluginChanged { plugin: after, notes: change.notes }))
}

/// What is longer than a name may be is no plugin's name; as much of it as is told is none either.
fn shortened(name: String) -> String {
    if name.len() > NAME_BYTES_MAX { shown(&name) } else { name }
}

fn carry_out(
    desk: &Desk,
    name: &str,
    action: Action,
    order: wire::PluginOrder,
) -> Result<PluginChange, Refused> {
    let settings_json = order.settings.map(|settings| serde_json::Value::Object(settings).to_string());
    let quarantine = order.quarantine.map(|wire::Quarantine { faults, per_ms }| Intensity { faults, per_ms });
    let limits = LimitsWanted { figures: order.limits, quarantine };
    let world = desk.supervisor.reader().snapshot();
    match action {
        Action::Load => {
            let judged = select(&world, &order.judges)?;
            let component = order.component.ok_or_else(|| {
                Refused::bad_request("`component` is missing: `bundled:NAME` or an absolute path".to_owned())
            })?;
            let wanted = PluginWanted {
                name: name.to_owned(),
                component,
                settings_json: settings_json.unwrap_or_else(|| "{}".to_owned()),
                allow: order.allow,
                sha256: order.sha256,
                limits,
                judges: !judged.is_empty(),
            };
            let change = desk.plugins.load(&wanted, &world)?;
            put_to_work(desk, name, &judged, change)
        }
        Action::Unload => {
            let in_chains = desk.supervisor.judged_by(name);
            if !in_chains.is_empty() && !order.force {
                return Err(in_use(desk, name, &in_chains));
            }
            let mut change = desk.plugins.unload(name)?;
            let in_chains = desk.supervisor.remove_policy(name);
            if !in_chains.is_empty() {
                change.notes.push(format!("taken out of the chain of {}", names(desk, &in_chains)));
            }
            Ok(change)
        }
        Action::Swap => {
            let (component, accept_more) = (order.component, order.accept_more);
            let by = Replacement { component, settings_json, limits, accept_more };
            Ok(desk.plugins.swap(name, &by, &world)?)
        }
        Action::Rollback => Ok(desk.plugins.rollback(name)?),
        Action::Revive => Ok(desk.plugins.revive(name)?),
    }
}

/// A plugin that has just been loaded begins to judge and to be told.
fn put_to_work(
    desk: &Desk,
    name: &str,
    judged: &[ProcessId],
    mut change: PluginChange,
) -> Result<PluginChange, Refused> {
    if let Some(policy) = desk.plugins.policy(name).filter(|_| !judged.is_empty()) {
        desk.supervisor.prepend_policy(judged, &policy);
        if desk.plugins.policy(name).is_none() {
            // Somebody unloaded it meanwhile.
            desk.supervisor.remove_policy(name);
        }
        change.notes.push(format!("first in the chain of {}", names(desk, judged)));
    }
    if let Some(consumer) = desk.plugins.consumer(name) {
        desk.supervisor.consume(consumer);
        change.notes.push("told of every change from now on".to_owned());
    }
    Ok(change)
}

fn names(desk: &Desk, ids: &[ProcessId]) -> String {
    const SHOWN: usize = 5;
    let world = desk.supervisor.reader().snapshot();
    let names: Vec<&str> =
        ids.iter().take(SHOWN).filter_map(|id| world.get(*id)).map(|state| &**state.name()).collect();
    match ids.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn in_use(desk: &Desk, name: &str, in_chains: &[ProcessId]) -> Refused {
    Refused::conflict(
        "in_use",
        format!("{name} judges {}", names(desk, in_chains)),
        "`--force` takes it out of their chains; `provost plugin swap` puts another version in its place"
            .into(),
    )
}

pub(crate) async fn blame(
    State(served): State<Served>,
    Path(name): Path<String>,
) -> Result<Json<wire::Blame>, Refused> {
    let plugins = served.desk.plugins.clone();
    let name = shortened(name);
    let asked = name.clone();
    let tried = served.desk.supervisor.jobs().changes.run(move || plugins.blame(&asked)).await;
    let found = tried.map_err(|lost| Refused::internal(lost.to_string()))??;
    found.map(|found| Json(told(&found))).ok_or_else(|| {
        Refused::not_found(
            "no_fault",
            format!("{name} has not failed at a call"),
            "`provost plugin list` shows how often each was called".to_owned(),
        )
    })
}

fn told(blame: &Blame) -> wire::Blame {
    wire::Blame {
        plugin: blame.name.to_string(),
        version: blame.version,
        call: blame.call.to_string(),
        input: blame.input.clone(),
        generation: blame.generation,
        fault: fault(&blame.fault),
        now: match &blame.now {
            Ok(answer) => wire::Replayed::Answer { answer: answer.clone() },
            Err(again) => wire::Replayed::Fault { fault: fault(again) },
        },
    }
}

impl From<PluginRefusal> for Refused {
    fn from(refusal: PluginRefusal) -> Self {
        use provost_state::PluginRefusalKind as Kind;
        let PluginRefusal { kind, message, hint } = refusal;
        match kind {
            Kind::Unknown => Self::not_found("unknown_plugin", message, hint),
            Kind::NameTaken => Self::conflict("name_taken", message, hint),
            Kind::InUse => Self::conflict("in_use", message, hint),
            Kind::Component => Self::unprocessable("bad_component", message, hint),
            Kind::Check => Self::unprocessable("check_failed", message, hint),
            Kind::AsksForMore => Self::conflict("asks_for_more", message, hint),
            Kind::NoFormer => Self::conflict("no_former_version", message, hint),
        }
    }
}

fn plugin(report: &PluginReport, now: Generation) -> wire::Plugin {
    let (status, reason) = match &report.status {
        PluginStatus::Active => ("active", None),
        PluginStatus::Refused(reason) => ("refused", Some(reason.to_string())),
        PluginStatus::Compiling(what) => ("compiling", Some(what.to_string())),
        PluginStatus::Quarantined(reason) => ("quarantined", Some(reason.to_string())),
    };
    wire::Plugin {
        name: report.name.to_string(),
        status: status.to_owned(),
        reason,
        active: version(&report.active, report.queued(now)),
        former: report.former.as_ref().map(|former| version(former, 0)),
    }
}

fn version(version: &PluginVersion, queued: u64) -> wire::PluginVersion {
    let texts = |words: &[Arc<str>]| words.iter().map(ToString::to_string).collect();
    let PluginFigures {
        calls,
        faults,
        clamps,
        call,
        fuel_last,
        fuel_max,
        memory_bytes_max,
        stored_bytes,
        missed,
        lines_dropped,
        denials,
        last_fault,
    } = &version.figures;
    wire::PluginVersion {
        version: version.number,
        source: version.source.to_string(),
        digest: version.digest.to_string(),
        signed_by: version.signed_by.as_ref().map(ToString::to_string),
        roles: texts(&version.roles),
        grants: texts(&version.grants),
        limits: version.limits.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect(),
        quarantine: version
            .quarantine
            .map(|Intensity { faults, per_ms }| wire::Quarantine { faults, per_ms }),
        calls: *calls,
        faults: faults.iter().map(|(_, count)| count).sum(),
        faults_by_kind: faults.iter().map(|(kind, count)| (kind.as_str().to_owned(), *count)).collect(),
        last_fault: last_fault.as_ref().map(fault),
        clamps: *clamps,
        call: convert::latency(call),
        fuel_last: *fuel_last,
        fuel_max: *fuel_max,
        memory_bytes_max: *memory_bytes_max,
        stored_bytes: *stored_bytes,
        queued,
        missed: *missed,
        lines_dropped: *lines_dropped,
        denials: *denials,
    }
}

fn fault(fault: &Fault) -> wire::Fault {
    wire::Fault { kind: fault.kind.as_str().to_owned(), message: fault.message.to_string() }
}
