//! Plugins with their figures, and below them the details of the selected one.

use provost_api::columns::width;
use provost_api::{Plugin, PluginStatus};
use ratatui::style::Style;

use super::canvas::Canvas;
use super::columns::{Column, placed};
use super::scene::Scene;
use super::theme::Theme;
use super::wrapping::{Fact, Labels};
use crate::views::Hit;
use crate::words::Words;

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Status,
    Version,
    Calls,
    Faults,
    P50,
    P95,
    P99,
    Memory,
    Trouble,
}

/// The least height with details, and of the list above them.
const TALL: usize = 10;
const LIST: usize = 4;

/// The labels of the details.
const LABELS: Labels = Labels { indent: 0, width: 11 };

/// The most lines of a detail.
const LINES_MAX: usize = 3;

/// Draws the plugins, and the details of the selected one.
pub(super) fn draw(canvas: &mut Canvas<'_>, scene: &mut Scene<'_>) {
    let (theme, words) = (scene.theme, scene.words);
    let plugins = &scene.model.status.plugins;
    let selected = plugins.get(scene.ui.plugins.selected);
    let details =
        selected.map(|plugin| LABELS.lines(&described(plugin, words), words, canvas.width(), LINES_MAX));
    let below = match &details {
        Some(details) if canvas.height() >= TALL => (details.len() + 1).min(canvas.height() - LIST),
        _ => 0,
    };
    let height = canvas.height().saturating_sub(1 + below);
    scene.ui.page = height;
    let window = scene.ui.plugins.window(plugins.len(), height);
    let columns = placed(&columns(&plugins[window.clone()]), 0, canvas.width());
    for place in &columns {
        place.text(canvas, 0, place.column.title, theme.dim().patch(theme.head()));
    }
    if plugins.is_empty() {
        canvas.text(0, 1, "there are no plugins", theme.dim());
    }
    for (row, at) in window.enumerate() {
        for place in &columns {
            let (text, style) = cell(place.column.kind, &plugins[at], words, theme);
            place.text(canvas, row + 1, &text, style);
        }
        if at == scene.ui.plugins.selected && !scene.still {
            canvas.style(row + 1, theme.selected());
        }
        scene.ui.hits.add(canvas.row(row + 1), Hit::Row(at));
    }
    if let Some(details) = details.filter(|_| below > 0) {
        let from = canvas.height() - below;
        let rule = "─".repeat(canvas.width());
        canvas.text(0, from, &rule, theme.dim());
        for (row, line) in details.iter().take(below - 1).enumerate() {
            canvas.text(0, from + 1 + row, line, Style::new());
        }
    }
}

fn columns(visible: &[Plugin]) -> Vec<Column<Kind>> {
    let names = visible.iter().map(|plugin| width(&plugin.name)).max().unwrap_or(0);
    let column = |kind, title, width, right, rank| Column { kind, title, width, right, rank };
    vec![
        column(Kind::Name, "PLUGIN", names.clamp(6, 20), false, 0),
        column(Kind::Status, "STATUS", 11, false, 1),
        column(Kind::Version, "VERSION", 7, true, 7),
        column(Kind::Calls, "CALLS", 8, true, 2),
        column(Kind::Faults, "FAULTS", 6, true, 3),
        column(Kind::P50, "P50", 7, true, 5),
        column(Kind::P95, "P95", 7, true, 8),
        column(Kind::P99, "P99", 7, true, 4),
        column(Kind::Memory, "MEMORY", 8, true, 9),
        column(Kind::Trouble, "TROUBLE", 12, false, 6),
    ]
}

fn cell(kind: Kind, plugin: &Plugin, words: &dyn Words, theme: Theme) -> (String, Style) {
    let version = &plugin.active;
    let plain = |text: String| (text, Style::new());
    let latency = |ns| match version.call.timed {
        0 => ("-".to_owned(), theme.dim()),
        _ => plain(words.latency(ns)),
    };
    match kind {
        Kind::Name => (words.one_line(&plugin.name), theme.name(&plugin.name)),
        Kind::Status => {
            let style = match &plugin.status {
                PluginStatus::Active => Style::new(),
                PluginStatus::Compiling => theme.warning(),
                _ => theme.bad(),
            };
            (words.one_line(plugin.status.as_str()), style)
        }
        Kind::Version => plain(version.version.to_string()),
        Kind::Calls => plain(version.calls.to_string()),
        Kind::Faults => {
            (version.faults.to_string(), if version.faults == 0 { Style::new() } else { theme.bad() })
        }
        Kind::P50 => latency(version.call.p50_ns),
        Kind::P95 => latency(version.call.p95_ns),
        Kind::P99 => latency(version.call.p99_ns),
        Kind::Memory => plain(words.size(version.memory_bytes_max)),
        Kind::Trouble => match (&plugin.reason, &version.last_fault) {
            (Some(reason), _) => (words.one_line(reason), theme.bad()),
            (None, Some(fault)) => {
                (words.one_line(&format!("{}: {}", fault.kind, fault.message)), theme.warning())
            }
            (None, None) => ("-".to_owned(), theme.dim()),
        },
    }
}

/// Returns the labels and texts of the details.
fn described(plugin: &Plugin, words: &dyn Words) -> Vec<Fact> {
    let version = &plugin.active;
    let roles: Vec<&str> = version.roles.iter().map(|role| role.as_str()).collect();
    let digest: String = version.digest.chars().take(12).collect();
    let signed = version.signed_by.as_deref().unwrap_or("nobody");
    let mut described = vec![
        ("component", format!("{} ({digest}), signed by {signed}", version.source)),
        ("roles", roles.join(", ")),
        (
            "answers",
            format!(
                "{} clamped, {} denied; queue {}, missed {}, fuel at most {}",
                version.clamps, version.denials, version.queued, version.missed, version.fuel_max
            ),
        ),
    ];
    if let Some(reason) = &plugin.reason {
        described.push(("status", format!("{}: {reason}", plugin.status)));
    }
    let faults: Vec<String> =
        version.faults_by_kind.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if !faults.is_empty() {
        described.push(("faults", faults.join(", ")));
    }
    if let Some(fault) = &version.last_fault {
        described.push(("last fault", format!("{}: {}", fault.kind, fault.message)));
    }
    if let Some(quarantine) = version.quarantine {
        let span = words.span(quarantine.per_ms);
        described.push(("quarantine", format!("after {} faults in {span}", quarantine.faults)));
    }
    if let Some(former) = &plugin.former {
        described.push(("former", format!("version {}: {}", former.version, former.source)));
    }
    described
}
