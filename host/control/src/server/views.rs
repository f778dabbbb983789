//! Serves the views of plugins.

use std::fmt::Display;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use provost_api::{self as api, ErrorCode};
use provost_state::naming::shown;
use provost_state::{ViewRequest, ViewUsage};
use provost_supervisor::ProcessUsage;
use serde::Deserialize;

use super::context::AppState;
use super::refused::{Refused, VIEW};

/// The path parameters of a view.
#[derive(Debug, Deserialize)]
pub(super) struct ViewPath {
    name: String,
    #[serde(default)]
    path: String,
}

/// Answers with the active plugins that render a view.
pub(super) async fn list(State(app): State<AppState>) -> Json<api::ViewList> {
    let plugins = &app.context.plugins;
    let reports = plugins.reports().into_iter().filter(|report| plugins.view(&report.name).is_some());
    let link = |name: &str| api::ViewLink { plugin: name.to_owned(), path: format!("/v1/views/{name}/") };
    Json(api::ViewList { views: reports.map(|report| link(&report.name)).collect() })
}

pub(super) async fn view(
    State(app): State<AppState>,
    Path(at): Path<ViewPath>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    rendered(&app, &at.name, at.path, query.unwrap_or_default()).await.unwrap_or_else(|| {
        let message = format!("there is no active plugin called `{}` that renders a view", shown(&at.name));
        let hint = "`provost plugin list` shows the roles of each".to_owned();
        Err(Refused::not_found(ErrorCode::UnknownView, message, hint))
    })
}

/// Returns what the plugin `name` renders at this path; `None` if no active plugin of that name renders a view.
pub(super) async fn rendered(
    app: &AppState,
    name: &str,
    path: String,
    query: String,
) -> Option<Result<Response, Refused>> {
    let view = app.context.plugins.view(name)?;
    let world = app.context.supervisor.reader().snapshot();
    let usages = app.context.supervisor.usages();
    let usage = |one: &ProcessUsage| {
        let group = world.get(one.id)?.group().clone();
        Some(ViewUsage { name: one.name.clone(), group, incarnation: one.incarnation, usage: one.usage })
    };
    let usages_of_all = usages.processes.iter().filter_map(usage).collect();
    let request = ViewRequest { path, query, usages: usages_of_all, host_usage: usages.host };
    let rendered = app.context.supervisor.jobs().views.run(move || view.render(&request, &world)).await;
    let failed = |what: &dyn Display| Refused::plugin_failed(format!("plugin {name}: {what}"));
    Some(rendered.map_err(|lost| failed(&lost)).and_then(|rendered| {
        let response = rendered.map_err(|fault| failed(&fault))?;
        let content_type = HeaderValue::try_from(&response.content_type)
            .map_err(|_| failed(&format!("{:?} is not a content type", response.content_type)))?;
        let status = StatusCode::from_u16(response.status)
            .map_err(|_| failed(&format!("{} is not a status code", response.status)))?;
        let name = HeaderValue::try_from(name).map_err(|error| Refused::internal(error.to_string()))?;
        Ok((status, [(CONTENT_TYPE, content_type), (VIEW, name)], response.body).into_response())
    }))
}
