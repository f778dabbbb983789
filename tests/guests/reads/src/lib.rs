//! A view that does nothing but read the world, as often as it is asked to: what the benchmarks of the plugin host measure
//! reads by.

use provost_guest::{Fields, Request, Response, StatusView, World};

/// Reads.
#[derive(serde::Deserialize)]
pub struct Reads {}

impl StatusView for Reads {
    /// `columns`, `page` or `get`, and how often: `columns?100`. Answers with a sum of what it has read.
    fn render(&self, request: &Request, world: &dyn World) -> Response {
        let times: u32 = request.query.parse().unwrap_or(1);
        let size = world.size();
        let name = world.page(size / 2, 1).pop().map(|process| process.name).unwrap_or_default();
        let sum: u64 = (0..times)
            .map(|_| match request.path.as_str() {
                "columns" => columns(world, size),
                "page" => pages(world, size),
                "get" => world.get(&name).map_or(0, |process| process.incarnation),
                _ => 0,
            })
            .sum();
        Response::of("text/plain", sum.to_string())
    }
}

/// All rows, three scalar columns.
fn columns(world: &dyn World, size: u32) -> u64 {
    let columns = world.columns(Fields::PHASES | Fields::PIDS | Fields::INCARNATIONS, 0, size);
    u64::from(columns.size) + columns.incarnations.last().copied().unwrap_or_default()
}

/// All rows, a thousand at a time.
fn pages(world: &dyn World, size: u32) -> u64 {
    (0..size).step_by(1024).map(|offset| world.page(offset, 1024).len() as u64).sum()
}

provost_guest::export!(Reads: StatusView);
