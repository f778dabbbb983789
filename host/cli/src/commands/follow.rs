//! `events`: prints what happens, line by line.

use provost_api::client::EventsAsked;
use provost_api::columns::width;

use super::context::{Context, now_ms};
use super::printing::{NAME_WIDTH, json, write_line};
use crate::args::{EventsArgs, LineFormat};
use crate::failure::Failure;
use crate::render;

pub(super) async fn events(context: &Context, args: EventsArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let processes = client.status(&args.targets).await?.processes;
    let names_width = processes.iter().map(|process| width(&process.name)).max().unwrap_or(NAME_WIDTH);
    let mut lines = render::events::Lines::new(&context.page, now_ms(), names_width);
    let asked = EventsAsked { select: args.targets, follow: args.follow, ..EventsAsked::default() };
    let mut events = client.events_of(&asked).await?;
    while let Some(event) = events.next().await? {
        match args.output {
            LineFormat::Text => {
                write_line(lines.line(&event).as_bytes())?;
            }
            LineFormat::Json => write_line(&json(&event)?)?,
        }
    }
    Ok(())
}
