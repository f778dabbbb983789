//! Commands that read: `status`, `explain`, `view`; and `state`, which may change what it shows.

use std::io::{self, IsTerminal};

use provost_api as api;
use provost_api::client::{ClientError, StatusAsked};
use provost_control::{past_process, past_sentence};
use provost_state::naming::shown;
use provost_state::text;
use provost_supervisor::rfc3339;
use serde_json::json;

use super::context::{Context, now_ms};
use super::journal;
use super::printing::{pretty, print};
use crate::args::{
    ExplainArgs, LineFormat, StateArgs, StateChange, StatusArgs, TableFormat, ViewArgs, ViewFormat,
};
use crate::daemon;
use crate::failure::Failure;
use crate::past;
use crate::render;
use crate::render::status::Scope;
use crate::render::table::Width;

pub(super) async fn status(context: &Context, args: StatusArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let asked = match args.output {
        TableFormat::Table => client.status(&args.targets).await,
        TableFormat::Wide | TableFormat::Json => client.status_of(&with_usage(args.targets.clone())).await,
    };
    if matches!(asked, Err(ClientError::Unconnected(_))) {
        held(context, args.output)?;
    }
    let mut status = asked?;
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

/// Prints what a keeper holds that has no host at the moment, if there is one.
fn held(context: &Context, output: TableFormat) -> Result<(), Failure> {
    let held = daemon::held_beside(&context.host_socket()?);
    if held.is_empty() {
        return Ok(());
    }
    print(match output {
        TableFormat::Table | TableFormat::Wide => render::held::text(&held, now_ms(), &context.page),
        TableFormat::Json => pretty(&render::held::json(&held))?,
    })
}

/// Asks for everything, and for the resources that the processes use.
fn with_usage(select: Vec<String>) -> StatusAsked {
    use api::StatusPart::{Host, Plugins, Processes, Replicas, Usage};
    StatusAsked { select, parts: vec![Processes, Replicas, Plugins, Host, Usage], ..StatusAsked::default() }
}

pub(super) async fn explain(context: &Context, args: ExplainArgs) -> Result<(), Failure> {
    if let Some(at_ms) = args.at {
        return explain_at(context, &args.name, at_ms, args.output);
    }
    let explanation = context.client()?.explain(&args.name).await?;
    print(match args.output {
        LineFormat::Text => render::explain::text(&explanation, now_ms(), &context.page),
        LineFormat::Json => pretty(&explanation)?,
    })
}

/// Explains the state of a process at an earlier time, from the journal.
fn explain_at(context: &Context, name: &str, at_ms: u64, output: LineFormat) -> Result<(), Failure> {
    let dir = journal::dir(context)?;
    let past = past::explain(&dir, name, at_ms).map_err(|error| journal::unread(&error))?;
    if !past.is_known {
        return Err(Failure::usage(
            format!("nothing about a process called `{}` is in the journal until then", shown(name)),
            "`provost journal stats` shows from when to when there are records",
        ));
    }
    print(match output {
        LineFormat::Text => past::text(&past, name, at_ms, now_ms(), &context.page),
        LineFormat::Json => pretty(&json!({
            "at": rfc3339(at_ms),
            "process": past.state.as_deref().map(past_process),
            "sentence": past.state.as_deref().map(past_sentence),
            "history": past.records.iter().map(past::object).collect::<Vec<_>>(),
            "left_out": past.left_out,
        }))?,
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
