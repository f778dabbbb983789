//! A view that reads the world, as often as its request asks: the benchmarks of the plugin host measure reads with it. It also asks the
//! host each question of [`CASES`], for the test that compares the stand-ins of the SDK with the host.

mod cases;

pub use cases::CASES;
use provost_guest::{Fields, Request, Response, StatusView, World};

/// Reads the world.
#[derive(serde::Deserialize)]
pub struct Reads {}

impl StatusView for Reads {
    /// Reads by `columns`, `page` or `get` a number of times, such as `columns?100`, and returns a sum of what it read.
    /// The path `case` asks the question that the query names.
    fn render(&self, request: &Request, world: &dyn World) -> Response {
        if request.path == "case" {
            return match cases::answer(&request.query, world) {
                Some(answer) => Response::of("text/plain", answer),
                None => Response::of("text/plain", "there is no such case").with_status(404),
            };
        }
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

/// Reads three scalar columns of all rows.
fn columns(world: &dyn World, size: u32) -> u64 {
    let columns = world.columns(Fields::PHASES | Fields::PIDS | Fields::INCARNATIONS, 0, size);
    u64::from(columns.size) + columns.incarnations.last().copied().unwrap_or_default()
}

/// Reads all rows, 1024 at a time.
fn pages(world: &dyn World, size: u32) -> u64 {
    (0..size).step_by(1024).map(|offset| world.page(offset, 1024).len() as u64).sum()
}

provost_guest::export!(Reads: StatusView);
