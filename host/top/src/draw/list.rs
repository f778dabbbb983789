//! The list of processes. Only the rows that are visible are made.

use provost_api::columns::width;
use provost_api::{Exit, Health, Process};
use ratatui::style::Style;

use super::canvas::Canvas;
use super::columns::{Column, Placed, placed};
use super::scene::Scene;
use super::theme::Theme;
use crate::model::{Model, Used};
use crate::views::{Hit, Row, Sort};
use crate::words::Words;

/// The number of points of a trend that are shown.
const TREND: usize = 10;

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Group,
    Phase,
    Since,
    Restarts,
    Cpu,
    Memory,
    Trend,
    Pid,
    Next,
    Exit,
    Reason,
}

impl Kind {
    fn sort(self) -> Option<Sort> {
        Some(match self {
            Self::Name => Sort::Name,
            Self::Phase => Sort::Phase,
            Self::Since => Sort::Uptime,
            Self::Restarts => Sort::Restarts,
            Self::Cpu => Sort::Cpu,
            Self::Memory => Sort::Memory,
            Self::Group | Self::Trend | Self::Pid | Self::Next | Self::Exit | Self::Reason => return None,
        })
    }
}

/// Draws the list, and below its heading as many rows as there is room for.
pub(super) fn draw(canvas: &mut Canvas<'_>, scene: &mut Scene<'_>) {
    let (model, words, theme) = (scene.model, scene.words, scene.theme);
    let rows = scene.ui.list.settle(model);
    let height = canvas.height().saturating_sub(1);
    scene.ui.page = height;
    let window = scene.ui.list.cursor.window(rows.len(), height);
    let visible = &rows[window.clone()];
    // The first column of the screen is for marks.
    let columns = placed(&columns(visible, model, scene.ui.list.tree), 1, canvas.width());
    heading(canvas, &columns, scene);
    if rows.is_empty() {
        let text = if model.processes().is_empty() {
            "there are no processes"
        } else {
            "no process is shown: Esc takes back the filter, h shows all"
        };
        canvas.text(1, 1, text, theme.dim());
    }
    for (line, (place, row)) in window.zip(visible).enumerate() {
        let y = line + 1;
        let marked = scene.ui.list.marked.contains(&row.target());
        if marked {
            canvas.text(0, y, "*", theme.warning());
        }
        match row {
            Row::Group(name, members, running) => {
                let text = format!("{} ({running} of {members} running)", words.one_line(name));
                canvas.text(1, y, &text, theme.head());
            }
            Row::Process(process, below) => {
                for place in &columns {
                    let (text, style) = cell(place.column.kind, process, *below, model, words, theme);
                    place.text(canvas, y, &text, style);
                }
            }
        }
        if place == scene.ui.list.cursor.selected && !scene.still {
            canvas.style(y, theme.selected());
        }
        scene.ui.hits.add(canvas.row(y), Hit::Row(place));
    }
}

fn heading(canvas: &mut Canvas<'_>, columns: &[Placed<Kind>], scene: &mut Scene<'_>) {
    let theme = scene.theme;
    for place in columns {
        let column = &place.column;
        let sorted = column.kind.sort() == Some(scene.ui.list.sort);
        let title = if sorted {
            format!("{}{}", column.title, if scene.ui.list.reversed { "▲" } else { "▼" })
        } else {
            column.title.to_owned()
        };
        place.text(canvas, 0, &title, theme.dim().patch(theme.head()));
        if let Some(sort) = column.kind.sort() {
            scene.ui.hits.add(canvas.cells(place.x, 0, column.width), Hit::Column(sort));
        }
    }
}

/// Returns the columns of these rows with their widths, ranks and headings.
fn columns(visible: &[Row<'_>], model: &Model, tree: bool) -> Vec<Column<Kind>> {
    let processes = || {
        visible.iter().filter_map(|row| match row {
            Row::Process(process, below) => Some((*process, *below)),
            Row::Group(..) => None,
        })
    };
    let names = processes().map(|(process, below)| width(&process.name) + 2 * below).max().unwrap_or(0);
    let groups = processes().filter_map(|(process, _)| process.group.as_deref().map(width)).max();
    let column = |kind, title, width, right, rank| Column { kind, title, width, right, rank };
    let mut columns = vec![column(Kind::Name, "NAME", names.clamp(8, 28), false, 0)];
    if let Some(groups) = groups.filter(|_| !tree) {
        columns.push(column(Kind::Group, "GROUP", groups.clamp(5, 16), false, 9));
    }
    columns.extend([
        column(Kind::Phase, "PHASE", 9, false, 1),
        column(Kind::Since, "SINCE", 7, true, 2),
        column(Kind::Restarts, "RESTARTS", 8, true, 3),
        column(Kind::Cpu, "CPU", 6, true, 4),
        column(Kind::Memory, "MEMORY", 9, true, 5),
        column(Kind::Trend, "TREND", TREND, true, 8),
        column(Kind::Pid, "PID", 7, true, 10),
    ]);
    if model.processes().iter().any(|process| process.next_action_at.is_some()) {
        columns.push(column(Kind::Next, "NEXT", 14, false, 7));
    }
    columns.push(column(Kind::Exit, "EXIT", 7, false, 11));
    columns.push(column(Kind::Reason, "REASON", 18, false, 6));
    columns
}

fn cell(
    kind: Kind,
    process: &Process,
    below: usize,
    model: &Model,
    words: &dyn Words,
    theme: Theme,
) -> (String, Style) {
    let used = || model.usages.of(&process.name);
    let plain = |text: String| (text, Style::new());
    let or_dash = |text: Option<String>| text.map_or_else(|| ("-".to_owned(), theme.dim()), plain);
    match kind {
        Kind::Name => (
            format!("{:indent$}{}", "", words.one_line(&process.name), indent = 2 * below),
            theme.name(&process.name),
        ),
        Kind::Group => or_dash(process.group.as_deref().map(|group| words.one_line(group))),
        Kind::Phase => phase(process, words, theme),
        Kind::Since => {
            let since = if process.pid.is_some() { &process.started_at } else { &process.ended_at };
            or_dash(since.as_deref().and_then(|since| words.ago(since)))
        }
        Kind::Restarts => plain(process.restarts.to_string()),
        Kind::Cpu => or_dash(used().map(|used| words.cpu(used.now.cpu))),
        Kind::Memory => or_dash(used().map(|used| words.size(used.now.rss_bytes))),
        Kind::Trend => (used().map(trend).unwrap_or_default(), theme.dim()),
        Kind::Pid => or_dash(process.pid.map(|pid| pid.to_string())),
        Kind::Next => or_dash(words.next(process)),
        Kind::Exit => match &process.exit {
            None => or_dash(None),
            Some(Exit::Code { code: 0 }) => plain("0".to_owned()),
            Some(Exit::Code { code }) => (code.to_string(), theme.bad()),
            Some(Exit::Signal { name, .. }) => (words.one_line(name), theme.bad()),
            Some(Exit::Error { .. }) => ("error".to_owned(), theme.bad()),
            Some(Exit::Unknown) => ("unknown".to_owned(), theme.bad()),
        },
        Kind::Reason => plain(words.one_line(&process.reason)),
    }
}

/// Draws the last points of a trend. The scale ends at the highest of them, but is at least a tenth of a core.
fn trend(used: &Used) -> String {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let points = || used.trend.iter().skip(used.trend.len().saturating_sub(TREND));
    let top = points().copied().fold(0.1, f64::max);
    let step = |cpu: &f64| STEPS.iter().zip(1u32..).find(|(_, at)| cpu / top * 8.0 <= f64::from(*at));
    points().map(|cpu| step(cpu).map_or('█', |(step, _)| *step)).collect()
}

/// Returns the phase, or the health where it is worse than the phase.
fn phase(process: &Process, words: &dyn Words, theme: Theme) -> (String, Style) {
    match &process.health {
        Health::Degraded | Health::Unhealthy => (process.health.to_string(), theme.bad()),
        _ => (words.one_line(process.phase.as_str()), theme.phase(&process.phase)),
    }
}
