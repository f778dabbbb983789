//! Renders what a keeper holds while it has no host.

use provost_supervisor::{Holding, rfc3339};
use serde::Serialize;

use super::humane::ago;
use super::page::Page;
use super::table::{Cell, Table};

/// What a keeper holds, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct HeldByKeeper<'a> {
    /// The processes, by their names.
    held: Vec<HeldProcess<'a>>,
}

#[derive(Debug, Serialize)]
struct HeldProcess<'a> {
    name: &'a str,
    incarnation: u64,
    pid: u32,
    state: &'a str,
    started_at: String,
}

/// Returns what is held as JSON.
pub(crate) fn json(held: &[Holding]) -> HeldByKeeper<'_> {
    HeldByKeeper { held: held.iter().map(HeldProcess::of).collect() }
}

impl<'a> HeldProcess<'a> {
    fn of(holding: &'a Holding) -> Self {
        Self {
            name: &holding.name,
            incarnation: holding.incarnation.0,
            pid: holding.pid,
            state: &holding.state,
            started_at: rfc3339(holding.started_at.wall_ms),
        }
    }
}

/// Renders the table.
pub(crate) fn text(held: &[Holding], now_ms: u64, page: &Page) -> String {
    let mut table = Table::new(&["NAME", "PID", "SINCE", "INCARNATION", "STATE"]);
    for holding in held {
        table.row(vec![
            Cell::new(&*holding.name),
            Cell::new(holding.pid.to_string()),
            Cell::maybe(ago(&rfc3339(holding.started_at.wall_ms), now_ms)),
            Cell::new(holding.incarnation.0.to_string()),
            Cell::new(&holding.state),
        ]);
    }
    table.render(page)
}
