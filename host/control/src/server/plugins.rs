//! Lists plugins and changes them while processes run. The plugin host changes the plugin; this file adds it to policy
//! chains and to the consumers of the supervisor, and removes it from them.

use std::any::Any;

use axum::Json;
use axum::body::Body as Sent;
use axum::extract::{Extension, Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use provost_api::{self as api, ErrorCode};
use provost_state::naming::{NAME_BYTES_MAX, shown};
use provost_state::{
    Blame, Generation, Intensity, LimitsWanted, Noted, PluginChange, PluginFetch, PluginNote, PluginRefusal,
    PluginWanted, ProcessId, Replacement,
};
use provost_supervisor::Lost;
use schemars::JsonSchema;
use serde::Deserialize;

use super::context::{ApiContext, AppState};
use super::extract::{Body, Flag, is_on};
use super::pieces::Pieces;
use super::refused::Refused;
use super::select::select;
use crate::access::{Access, Scope};
use crate::convert;

fn generation(context: &ApiContext) -> Generation {
    context.supervisor.reader().latest()
}

/// Answers with all plugins, in the order of the config.
pub(super) async fn list(State(app): State<AppState>) -> Response {
    let plugins = app.plugins(generation(&app.context));
    let pieces = [Bytes::from_static(br#"{"plugins":"#), plugins, Bytes::from_static(b"}")];
    ([(CONTENT_TYPE, "application/json")], Sent::new(Pieces::of(pieces))).into_response()
}

/// Answers with one plugin.
pub(super) async fn one(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<api::Plugin>, Refused> {
    let found = app.context.plugins.reports().into_iter().find(|report| *report.name == *name);
    let report = found.ok_or_else(|| {
        let message = format!("there is no plugin called `{}`", shown(&name));
        Refused::not_found(
            ErrorCode::UnknownPlugin,
            message,
            "`provost plugin list` lists what there is".to_owned(),
        )
    })?;
    Ok(Json(convert::plugin(&report, generation(&app.context))))
}

/// A change of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Load,
    Unload,
    Swap,
    Rollback,
    Revive,
}

/// All changes, each with its path and what it does.
pub(super) const CHANGES: [(Action, &str, &str); 5] = [
    (Action::Load, "/v1/plugins/{name}/load", "Loads a plugin"),
    (Action::Unload, "/v1/plugins/{name}/unload", "Unloads a plugin"),
    (Action::Swap, "/v1/plugins/{name}/swap", "Replaces a plugin by another version"),
    (Action::Rollback, "/v1/plugins/{name}/rollback", "Puts the former version of a plugin into force again"),
    (Action::Revive, "/v1/plugins/{name}/revive", "Takes a plugin out of its quarantine"),
];

/// Refuses a change that does not exist.
pub(super) async fn unknown(Path((_, action)): Path<(String, String)>) -> Refused {
    let message = format!("there is no plugin action `{}`", shown(&action));
    let hint = "there are load, unload, swap, rollback and revive".to_owned();
    Refused::not_found(ErrorCode::UnknownAction, message, hint)
}

impl Action {
    /// Returns the word of a change, which is the last segment of its path.
    fn word(self) -> &'static str {
        let path = CHANGES.iter().find(|(action, ..)| *action == self).map(|(_, path, _)| *path);
        path.and_then(|path| path.rsplit('/').next()).unwrap_or_default()
    }

    /// Returns the fields of an order that this action uses, and those that it needs.
    pub(super) fn fields(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Load => (
                &["component", "settings", "judges", "allow", "sha256", "limits", "quarantine"],
                &["component"],
            ),
            Self::Swap => (&["component", "settings", "limits", "quarantine", "accept_more"], &[]),
            Self::Unload => (&["force"], &[]),
            Self::Rollback | Self::Revive => (&[], &[]),
        }
    }

    /// Returns a field of the order that is present and that this action does not use.
    fn unused_field(self, order: &api::PluginOrder) -> Option<&'static str> {
        let (used, _) = self.fields();
        let all = [
            ("component", order.component.is_some()),
            ("settings", order.settings.is_some()),
            ("judges", !order.judges.is_empty()),
            ("allow", !order.allow.is_empty()),
            ("sha256", order.sha256.is_some()),
            ("limits", !order.limits.is_empty()),
            ("quarantine", order.quarantine.is_some()),
            ("accept_more", order.accept_more),
            ("force", order.force),
        ];
        all.into_iter().find(|(field, there)| *there && !used.contains(field)).map(|(field, _)| field)
    }
}

pub(super) async fn change(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Body(order): Body<api::PluginOrder>,
    action: Action,
) -> Result<Json<api::PluginChanged>, Refused> {
    if let Some(field) = action.unused_field(&order) {
        return Err(Refused::bad_request(format!("`{field}` has no meaning for `{}`", action.word())));
    }
    // Compiling takes seconds and must not block a thread of the async runtime.
    let context = app.context.clone();
    let jobs = app.context.supervisor.jobs();
    // It stays on this machine until the plugin is loaded.
    let _fetched = fetched(&context, &name, action, order.component.as_deref()).await?;
    let lane = if matches!(action, Action::Load | Action::Swap) { &jobs.loads } else { &jobs.changes };
    let changed = name.clone();
    let done = lane.run(move || carry_out(&context, &shortened(name), action, order)).await;
    let change = done.map_err(|lost| Refused::internal(lost.to_string()))??;
    app.context.config.plugin_changed(changed).await;
    let now = generation(&app.context);
    let after = change.after.as_ref().map(|report| convert::plugin(report, now));
    Ok(Json(api::PluginChanged { plugin: after, notes: change.notes }))
}

/// Fetches the component of a load or a swap, if it is elsewhere and not on this machine. Compilations do not wait for that, and it
/// ends when the client leaves.
async fn fetched(
    context: &ApiContext,
    name: &str,
    action: Action,
    component: Option<&str>,
) -> Result<Option<Box<dyn Any + Send>>, Refused> {
    let lost = |lost: Lost| Refused::internal(lost.to_string());
    let is_needed = match action {
        Action::Load => component.is_some(),
        Action::Swap => true,
        Action::Unload | Action::Rollback | Action::Revive => false,
    };
    if !is_needed {
        return Ok(None);
    }
    let jobs = context.supervisor.jobs();
    let (plugins, name, component) =
        (context.plugins.clone(), shortened(name.to_owned()), component.map(str::to_owned));
    let missing = jobs.loads.run(move || plugins.fetch(&name, component.as_deref())).await.map_err(lost)?;
    let Some(PluginFetch { fetch, wanted }) = missing else { return Ok(None) };
    let fetched = jobs.fetches.run(fetch).await.map_err(lost)?;
    drop(wanted);
    Ok(Some(fetched?))
}

/// Shortens a name that is too long for a plugin. The result is too long as well, so it names no plugin.
fn shortened(name: String) -> String {
    if name.len() > NAME_BYTES_MAX { shown(&name) } else { name }
}

fn carry_out(
    context: &ApiContext,
    name: &str,
    action: Action,
    order: api::PluginOrder,
) -> Result<PluginChange, Refused> {
    let settings_json = order.settings.map(|settings| serde_json::Value::Object(settings).to_string());
    let quarantine = order.quarantine.map(|api::Quarantine { faults, per_ms }| Intensity { faults, per_ms });
    let limits = LimitsWanted { figures: order.limits, quarantine };
    let world = context.supervisor.reader().snapshot();
    let done = match action {
        Action::Load => {
            let judged = select(&world, &order.judges)?;
            let component = order.component.ok_or_else(|| {
                let known = "`bundled:NAME`, an absolute path, or `oci://…` or `https://…` with a digest";
                Refused::bad_request(format!("`component` is missing: {known}"))
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
            let change = context.plugins.load(&wanted, &world)?;
            activate(context, name, &judged, change)
        }
        Action::Unload => {
            let in_chains = context.supervisor.judged_by(name);
            if !in_chains.is_empty() && !order.force {
                return Err(in_use(context, name, &in_chains));
            }
            let mut change = context.plugins.unload(name)?;
            let in_chains = context.supervisor.remove_policy(name);
            if !in_chains.is_empty() {
                change.notes.push(format!("taken out of the chain of {}", names(context, &in_chains)));
            }
            Ok(change)
        }
        Action::Swap => {
            let (component, accept_more) = (order.component, order.accept_more);
            let by = Replacement { component, settings_json, limits, accept_more };
            Ok(context.plugins.swap(name, &by, &world)?)
        }
        Action::Rollback => Ok(context.plugins.rollback(name)?),
        Action::Revive => Ok(context.plugins.revive(name)?),
    };
    if let Ok(change) = &done {
        let after = change.after.as_ref();
        context.supervisor.note(|| Noted::Plugin(PluginNote::new(name, action.word(), after)));
    }
    done
}

/// Puts a loaded plugin first in the chains of `judged`, and delivers changes to it if it is a consumer.
fn activate(
    context: &ApiContext,
    name: &str,
    judged: &[ProcessId],
    mut change: PluginChange,
) -> Result<PluginChange, Refused> {
    if let Some(policy) = context.plugins.policy(name).filter(|_| !judged.is_empty()) {
        context.supervisor.prepend_policy(judged, &policy);
        if context.plugins.policy(name).is_none() {
            // Another request unloaded it in the meantime.
            context.supervisor.remove_policy(name);
        }
        change.notes.push(format!("first in the chain of {}", names(context, judged)));
    }
    if let Some(consumer) = context.plugins.consumer(name) {
        context.supervisor.consume(consumer);
        change.notes.push("receives every change from now on".to_owned());
    }
    Ok(change)
}

fn names(context: &ApiContext, ids: &[ProcessId]) -> String {
    const SHOWN: usize = 5;
    let world = context.supervisor.reader().snapshot();
    let names: Vec<&str> =
        ids.iter().take(SHOWN).filter_map(|id| world.get(*id)).map(|state| &**state.name()).collect();
    match ids.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn in_use(context: &ApiContext, name: &str, in_chains: &[ProcessId]) -> Refused {
    Refused::conflict(
        ErrorCode::InUse,
        format!("{name} judges {}", names(context, in_chains)),
        "`--force` takes it out of their chains; `provost plugin swap` puts another version in its place"
            .into(),
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BlameQuery {
    /// Whether all that the call was given is in the answer. It takes the scope `admin`.
    reproduction: Option<Flag>,
}

pub(super) async fn blame(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Extension(access): Extension<Access>,
    Query(query): Query<BlameQuery>,
) -> Result<Json<api::Blame>, Refused> {
    // Settings and memory may have secrets, which the scope `read` does not show anywhere else either.
    let is_whole = is_on(query.reproduction);
    if is_whole && !access.allows(Scope::Admin) {
        return Err(Refused::forbidden(
            "`reproduction` has the settings and the memory of the plugin, which takes the scope `admin`"
                .to_owned(),
        ));
    }
    let plugins = app.context.plugins.clone();
    let name = shortened(name);
    let asked = name.clone();
    let tried = app.context.supervisor.jobs().changes.run(move || plugins.blame(&asked)).await;
    let found = tried.map_err(|lost| Refused::internal(lost.to_string()))??;
    let converted = |found: &Blame| api::Blame {
        reproduction: is_whole.then(|| Box::new(convert::reproduction(found))),
        ..convert::blame(found)
    };
    found.map(|found| Json(converted(&found))).ok_or_else(|| {
        Refused::not_found(
            ErrorCode::NoFault,
            format!("no call of {name} has failed"),
            "`provost plugin list` shows how often each was called".to_owned(),
        )
    })
}

impl From<PluginRefusal> for Refused {
    fn from(refusal: PluginRefusal) -> Self {
        use provost_state::PluginRefusalKind as Kind;
        let PluginRefusal { kind, message, hint } = refusal;
        match kind {
            Kind::Unknown => Self::not_found(ErrorCode::UnknownPlugin, message, hint),
            Kind::NameTaken => Self::conflict(ErrorCode::NameTaken, message, hint),
            Kind::InUse => Self::conflict(ErrorCode::InUse, message, hint),
            Kind::Component => Self::unprocessable(ErrorCode::BadComponent, message, hint),
            Kind::Check => Self::unprocessable(ErrorCode::CheckFailed, message, hint),
            Kind::AsksForMore => Self::conflict(ErrorCode::AsksForMore, message, hint),
            Kind::NoFormer => Self::conflict(ErrorCode::NoFormerVersion, message, hint),
        }
    }
}
