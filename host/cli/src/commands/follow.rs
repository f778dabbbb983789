//! `events`: prints what happens, line by line.

use std::collections::HashSet;

use provost_api::columns::width;
use provost_api::{Event, EventKind};

use super::context::{Context, now_ms};
use super::printing::{NAME_WIDTH, json, write_line};
use crate::args::{EventsArgs, LineFormat};
use crate::failure::Failure;
use crate::render;

pub(super) async fn events(context: &Context, args: EventsArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let processes = client.status(&args.targets).await?.processes;
    let names: HashSet<String> = processes.into_iter().map(|process| process.name).collect();
    let names_width = names.iter().map(|name| width(name)).max().unwrap_or(NAME_WIDTH);
    let mut lines = render::events::Lines::new(&context.page, now_ms(), names_width);
    let wanted = |event: &Event| {
        args.targets.is_empty() || event.kind == EventKind::Missed || names.contains(&event.process)
    };
    let mut events = client.events(0, args.follow).await?;
    while let Some(event) = events.next().await? {
        match args.output {
            _ if !wanted(&event) => {}
            LineFormat::Text => {
                write_line(lines.line(&event).as_bytes())?;
            }
            LineFormat::Json => write_line(&json(&event)?)?,
        }
    }
    Ok(())
}
