//! Commands that read: `status`, `explain`, `view`; and `state`, which may change what it shows.

use std::io::{self, IsTerminal};

use provost_api as api;
use provost_api::client::StatusAsked;
use provost_state::text;

use super::context::{Context, now_ms};
use super::printing::{pretty, print};
use crate::args::{
    ExplainArgs, LineFormat, StateArgs, StateChange, StatusArgs, TableFormat, ViewArgs, ViewFormat,
};
use crate::failure::Failure;
use crate::render;
use crate::render::status::Scope;
use crate::render::table::Width;

pub(super) async fn status(context: &Context, args: StatusArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let mut status = match args.output {
        TableFormat::Table => client.status(&args.targets).await?,
        TableFormat::Wide | TableFormat::Json => client.status_of(&with_usage(args.targets.clone())).await?,
    };
    status.arrange();
    let named = !args.targets.is_empty() && !args.targets.iter().any(|target| target == "all");
    let scope = if named { Scope::Named } else { Scope::Everything };
    let text = |width| render::status::text(&status, width, scope, now_ms(), &context.page);
    print(match args.output {
        TableFormat::Table => text(Width::Normal),
        TableFormat::Wide => text(Width::Wide),
        TableFormat::Json => pretty(&status)?,
    })?;
    // A job that is done is ready, and does not count as down.
    let down = |process: &api::Process| process.pid.is_none() && !process.ready;
    if named && status.processes.iter().any(down) {
        return Err(Failure::silent(3));
    }
    Ok(())
}

/// Asks for everything, and for the resources that the processes use.
fn with_usage(select: Vec<String>) -> StatusAsked {
    use api::StatusPart::{Host, Plugins, Processes, Replicas, Usage};
    StatusAsked { select, parts: vec![Processes, Replicas, Plugins, Host, Usage], ..StatusAsked::default() }
}

pub(super) async fn explain(context: &Context, args: ExplainArgs) -> Result<(), Failure> {
    let explanation = context.client()?.explain(&args.name).await?;
    print(match args.output {
        LineFormat::Text => render::explain::text(&explanation, now_ms(), &context.page),
        LineFormat::Json => pretty(&explanation)?,
    })
}

/// Shows the state core, after changing it if requested.
pub(super) async fn state_core(context: &Context, args: StateArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let core = match args.change {
        None => client.state_core().await?,
        Some(StateChange::Backend { backend }) => {
            let backend = Some(api::Backend::from(backend.as_str()));
            client.change_state_core(&api::StateChange { backend, ..Default::default() }).await?
        }
        Some(StateChange::Rollout { percent }) => {
            let rollout = Some(percent);
            client.change_state_core(&api::StateChange { rollout, ..Default::default() }).await?
        }
    };
    print(match args.output {
        LineFormat::Text => render::state_core::text(&core, &context.page),
        LineFormat::Json => pretty(&core)?,
    })
}

pub(super) async fn view(context: &Context, args: ViewArgs) -> Result<(), Failure> {
    let rendered = context.client()?.view(&args.plugin, &args.path).await?;
    let default = if io::stdout().is_terminal() { ViewFormat::Text } else { ViewFormat::Raw };
    match args.output.unwrap_or(default) {
        ViewFormat::Text => print(text::lines(&String::from_utf8_lossy(&rendered.body)))?,
        ViewFormat::Raw => print(&rendered.body)?,
    }
    if rendered.status >= 400 { Err(Failure::silent(1)) } else { Ok(()) }
}
