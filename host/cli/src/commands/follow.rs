//! What happens, line by line: `events`.

use std::collections::HashSet;
use std::io::{self, Write};

use provost_api::{Event, EventKind};
use serde::Serialize;

use super::{Context, now_ms};
use crate::args::{EventsArgs, LineFormat};
use crate::failure::Failure;
use crate::render;
use crate::render::columns::width;

/// Columns of names, before longer ones are known.
pub(super) const NAME_WIDTH: usize = 6;

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

pub(super) fn json(object: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let line = serde_json::to_string(object).map_err(io::Error::from)?;
    Ok((provost_state::text::in_json(&line) + "\n").into_bytes())
}

/// Standard output is line-buffered: a line is out when it ends.
pub(super) fn write_line(line: &[u8]) -> Result<(), Failure> {
    Ok(io::stdout().lock().write_all(line)?)
}
