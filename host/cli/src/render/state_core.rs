//! Renders `state`: the active backend, and the figures of all backends.

use provost_api::{Backend, Latency, StateCore};
use provost_state::meter::SAMPLED;

use super::humane::counted;
use super::page::Page;
use super::style::Style;
use super::table::{Cell, Table};

/// Renders a sentence, and a line for each operation of each backend.
pub(crate) fn text(core: &StateCore, page: &Page) -> String {
    let reach = match (&core.backend, core.rollout) {
        (Backend::Atomic, 100) | (Backend::Locked | Backend::Dual, _) => String::new(),
        (_, rollout) => format!(" for {rollout} % of the processes, locked for the rest"),
    };
    let sentence = format!(
        "backend {}{reach}; generation {}, {}, refused: {} of another incarnation, {} of an older version, {} illegal",
        core.backend,
        core.generation,
        counted(core.commits, "commit"),
        core.stale_incarnation,
        core.stale_version,
        core.illegal,
    );
    let mut text = page.sentence(Style::Plain, &sentence) + "\n";
    let head =
        ["BACKEND", "OPERATION", "COUNT", "P50", "P95", "P99", "MAX", "RETRIES", "STALE", "DIFFERENCES"];
    let mut table = Table::new(&head).leaving(&["P95", "MAX", "STALE", "RETRIES", "DIFFERENCES"]);
    for backend in &core.backends {
        let lines = [
            ("read", None, &backend.read),
            ("snapshot", None, &backend.snapshot),
            ("commit", Some(backend.commits), &backend.commit),
        ];
        for (operation, count, latency) in lines {
            let count = count.unwrap_or(latency.timed.saturating_mul(u64::from(SAMPLED)));
            let mut cells =
                vec![Cell::new(backend.backend.as_str()), Cell::new(operation), Cell::new(count.to_string())];
            cells.extend(times(latency));
            let commits = operation == "commit";
            cells.push(Cell::maybe(commits.then(|| backend.retries.to_string())));
            cells.push(Cell::maybe(commits.then(|| backend.stale.to_string())));
            let style = if backend.differences > 0 { Style::BoldRed } else { Style::Plain };
            cells.push(match commits && backend.backend == Backend::Dual {
                true => Cell::styled(backend.differences.to_string(), style),
                false => Cell::maybe(None::<String>),
            });
            table.row(cells);
        }
    }
    text.push_str(&table.render(page));
    text
}

fn times(latency: &Latency) -> [Cell; 4] {
    [latency.p50_ns, latency.p95_ns, latency.p99_ns, latency.max_ns]
        .map(|ns| Cell::maybe((latency.timed > 0).then(|| nanoseconds(ns))))
}

/// Formats a latency: `340ns`, `12.3us`, `4.5ms`.
pub(crate) fn nanoseconds(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => format!("{}.{}us", ns / 1_000, ns % 1_000 / 100),
        _ => format!("{}.{}ms", ns / 1_000_000, ns % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use provost_api::BackendFigures;

    use super::*;

    #[test]
    fn each_backend_has_a_line_for_each_operation() {
        let latency = Latency { timed: 2, p50_ns: 340, p95_ns: 12_345, p99_ns: 4_567_890, max_ns: 4_567_890 };
        let figures = |backend, differences, read: &Latency| BackendFigures {
            backend,
            reads: 128,
            commits: 7,
            retries: 2,
            stale: 1,
            differences,
            read: read.clone(),
            commit: latency.clone(),
            snapshot: Latency::default(),
        };
        let core = StateCore {
            backend: Backend::Atomic,
            rollout: 25,
            generation: 9,
            commits: 9,
            stale_incarnation: 1,
            stale_version: 0,
            illegal: 0,
            backends: vec![
                figures(Backend::Atomic, 0, &latency),
                figures(Backend::Dual, 3, &Latency::default()),
            ],
        };
        assert_eq!(
            text(&core, &Page::plain()),
            "\
backend atomic for 25 % of the processes, locked for the rest; generation 9, 9 commits, refused: 1 of another incarnation, 0 of an older version, 0 illegal

BACKEND  OPERATION  COUNT  P50    P95     P99    MAX    RETRIES  STALE  DIFFERENCES
atomic   read       128    340ns  12.3us  4.5ms  4.5ms  -        -      -
atomic   snapshot   0      -      -       -      -      -        -      -
atomic   commit     7      340ns  12.3us  4.5ms  4.5ms  2        1      -
dual     read       0      -      -       -      -      -        -      -
dual     snapshot   0      -      -       -      -      -        -      -
dual     commit     7      340ns  12.3us  4.5ms  4.5ms  2        1      3
"
        );
    }
}
