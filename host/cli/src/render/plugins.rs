//! `plugin list`, the plugins in `status`, and what became of a change.

use provost_control::wire::{Blame, Plugin, PluginVersion, Replayed};

use super::humane::{one_line, size};
use super::status::Width;
use super::style::{Paint, Style};
use super::table::{Cell, Table};

/// How much of a digest tells components apart.
const DIGEST_SHOWN: usize = 12;

/// Is there something that its owner should know?
pub(crate) fn is_troubled(plugin: &Plugin) -> bool {
    plugin.status != "active" || plugin.active.faults > 0
}

/// One line a plugin. What is wrong has a column if anything is.
pub(crate) fn text(plugins: &[Plugin], width: Width, paint: Paint) -> String {
    let troubled = plugins.iter().any(is_troubled);
    let mut head = vec!["PLUGIN", "STATUS", "VERSION", "CALLS", "FAULTS", "CLAMPS", "P50", "P99", "ROLES"];
    if width == Width::Wide {
        head.extend([
            "P95",
            "FUEL",
            "MEMORY",
            "STORED",
            "QUEUED",
            "MISSED",
            "SIGNED BY",
            "FORMER",
            "COMPONENT",
            "SHA-256",
        ]);
    }
    if troubled {
        head.push("TROUBLE");
    }
    let mut table = Table::new(&head);
    for plugin in plugins {
        let mut cells = row(plugin);
        if width == Width::Wide {
            cells.extend(more(plugin));
        }
        if troubled {
            cells.push(Cell::maybe(trouble(plugin)));
        }
        table.row(cells);
    }
    table.render(paint)
}

fn row(plugin: &Plugin) -> Vec<Cell> {
    let version = &plugin.active;
    vec![
        Cell::new(&plugin.name),
        status(plugin),
        Cell::new(version.version.to_string()),
        Cell::new(version.calls.to_string()),
        alarming(version.faults),
        Cell::new(version.clamps.to_string()),
        Cell::maybe(took(version, version.call.p50_ns)),
        Cell::maybe(took(version, version.call.p99_ns)),
        Cell::maybe(listed(&version.roles)),
    ]
}

fn more(plugin: &Plugin) -> Vec<Cell> {
    let version = &plugin.active;
    let bytes = |bytes: u64| Cell::maybe((bytes > 0).then(|| size(bytes)));
    vec![
        Cell::maybe(took(version, version.call.p95_ns)),
        Cell::maybe((version.fuel_max > 0).then(|| version.fuel_max.to_string())),
        bytes(version.memory_bytes_max),
        bytes(version.stored_bytes),
        Cell::new(version.queued.to_string()),
        Cell::new(version.missed.to_string()),
        Cell::maybe(version.signed_by.as_deref().map(one_line)),
        Cell::maybe(plugin.former.as_ref().map(|former| former.version.to_string())),
        Cell::new(one_line(&version.source)),
        Cell::new(shortened(&version.digest)),
    ]
}

fn status(plugin: &Plugin) -> Cell {
    let well = plugin.status == "active";
    Cell::styled(&plugin.status, if well { Style::Green } else { Style::BoldRed })
}

fn alarming(count: u64) -> Cell {
    Cell::styled(count.to_string(), if count > 0 { Style::Red } else { Style::Plain })
}

fn listed(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(", "))
}

fn shortened(digest: &str) -> String {
    digest.chars().take(DIGEST_SHOWN).collect()
}

/// Microseconds, as far as there were calls.
fn took(version: &PluginVersion, ns: u64) -> Option<String> {
    (version.call.timed > 0).then(|| match ns {
        0..10_000_000 => format!("{:.0}us", ns as f64 / 1e3),
        _ => format!("{:.0}ms", ns as f64 / 1e6),
    })
}

fn trouble(plugin: &Plugin) -> Option<String> {
    let fault = &plugin.active.last_fault;
    let fault = fault.as_ref().map(|fault| format!("{}: {}", fault.kind, fault.message));
    plugin.reason.clone().or(fault).map(|trouble| one_line(&trouble))
}

/// What became of a change: the checks and changes one by one, then what is so.
pub(crate) fn changed(name: &str, after: Option<&Plugin>, notes: &[String], paint: Paint) -> String {
    let mut text: String = notes.iter().map(|note| format!("  {}\n", one_line(note))).collect();
    match after {
        Some(plugin) => {
            let version = &plugin.active;
            let former = match &plugin.former {
                Some(former) => format!("; version {} stays warm for `rollback`", former.version),
                None => String::new(),
            };
            text.push_str(&format!(
                "{name}: {} (version {} from {}, sha256 {}…{former})\n",
                paint.text(
                    if plugin.status == "active" { Style::Green } else { Style::BoldRed },
                    &plugin.status
                ),
                version.version,
                one_line(&version.source),
                shortened(&version.digest),
            ));
        }
        None => text.push_str(&format!("{name}: unloaded\n")),
    }
    text
}

/// All that is known of one plugin.
pub(crate) fn details(plugin: &Plugin, paint: Paint) -> String {
    let mut table = Table::new(&["PLUGIN", &plugin.name]);
    let mut line = |head: &str, cell: Cell| table.row(vec![Cell::new(head), cell]);
    line("status", status(plugin));
    line("trouble", Cell::maybe(trouble(plugin)));
    for (head, version) in [("", Some(&plugin.active)), ("former ", plugin.former.as_ref())] {
        let Some(version) = version else { continue };
        let by_kind: Vec<String> =
            version.faults_by_kind.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        for (key, cell) in [
            ("version", Cell::new(version.version.to_string())),
            ("component", Cell::new(one_line(&version.source))),
            ("sha256", Cell::new(&version.digest)),
            ("signed by", Cell::maybe(version.signed_by.as_deref().map(one_line))),
            ("roles", Cell::maybe(listed(&version.roles))),
            ("granted", Cell::maybe(listed(&version.grants).as_deref().map(one_line))),
            ("calls", Cell::new(version.calls.to_string())),
            ("faults", Cell::maybe(listed(&by_kind))),
            ("clamps", Cell::new(version.clamps.to_string())),
            ("p50", Cell::maybe(took(version, version.call.p50_ns))),
            ("p95", Cell::maybe(took(version, version.call.p95_ns))),
            ("p99", Cell::maybe(took(version, version.call.p99_ns))),
            ("fuel", Cell::new(format!("{} last, {} at most", version.fuel_last, version.fuel_max))),
            ("memory", Cell::new(size(version.memory_bytes_max))),
            ("stored", Cell::new(size(version.stored_bytes))),
            ("queued", Cell::new(version.queued.to_string())),
            ("missed", Cell::new(version.missed.to_string())),
            ("denied", alarming(version.denials)),
            ("dropped", Cell::new(format!("{} lines", version.lines_dropped))),
        ] {
            line(&format!("{head}{key}"), cell);
        }
    }
    table.render(paint)
}

/// The last input that made it fail, and what it makes of it now.
pub(crate) fn blame(blame: &Blame, paint: Paint) -> String {
    let now = match &blame.now {
        Replayed::Answer { answer } => paint.text(Style::Green, &one_line(answer)),
        Replayed::Fault { fault } => {
            paint.text(Style::Red, &format!("{}: {}", fault.kind, one_line(&fault.message)))
        }
    };
    format!(
        "{} (version {}) failed at {}, in the world of generation {}:\n  {}\nwith\n  {}: {}\nand now makes of it\n  {now}\n",
        blame.plugin,
        blame.version,
        blame.call,
        blame.generation,
        one_line(&blame.input),
        blame.fault.kind,
        one_line(&blame.fault.message),
    )
}

#[cfg(test)]
mod tests {
    use provost_control::wire::Fault;

    use super::*;

    fn plugin() -> Plugin {
        Plugin {
            name: "spy".into(),
            status: "active".into(),
            active: PluginVersion {
                version: 2,
                source: "/srv/spy.wasm".into(),
                digest: "0123456789abcdef".into(),
                roles: vec!["restart-policy".into()],
                ..PluginVersion::default()
            },
            ..Plugin::default()
        }
    }

    #[test]
    fn a_refused_plugin_says_why() {
        let reason = Some("it imports wasi:sockets/tcp, which nobody granted".into());
        let active = PluginVersion { version: 1, ..PluginVersion::default() };
        let plugin = Plugin { status: "refused".into(), reason, active, ..plugin() };
        assert_eq!(
            text(&[plugin], Width::Normal, Paint::OFF),
            "PLUGIN  STATUS   VERSION  CALLS  FAULTS  CLAMPS  P50  P99  ROLES  TROUBLE\n\
             spy     refused  1        0      0       0       -    -    -      it imports wasi:sockets/tcp, which nobody granted\n"
        );
    }

    #[test]
    fn a_change_tells_what_was_checked_and_what_is_so() {
        let mut plugin = plugin();
        let former = PluginVersion { version: 1, ..PluginVersion::default() };
        plugin.former = Some(former);
        assert_eq!(
            changed("spy", Some(&plugin), &["settings: accepted".into()], Paint::OFF),
            "  settings: accepted\n\
             spy: active (version 2 from /srv/spy.wasm, sha256 0123456789ab…; version 1 stays warm for `rollback`)\n"
        );
        assert_eq!(changed("spy", None, &[], Paint::OFF), "spy: unloaded\n");
    }

    #[test]
    fn blame_shows_the_input_and_what_is_made_of_it_now() {
        let found = Blame {
            plugin: "spy".into(),
            version: 1,
            call: "restart-policy.on-exit".into(),
            input: "web (life 3) exited with code 7".into(),
            generation: 40,
            fault: Fault { kind: "trap".into(), message: "it panicked".into() },
            now: Replayed::Answer { answer: "restart in 5 ms: again".into() },
        };
        assert_eq!(
            blame(&found, Paint::OFF),
            "spy (version 1) failed at restart-policy.on-exit, in the world of generation 40:\n  \
             web (life 3) exited with code 7\nwith\n  trap: it panicked\nand now makes of it\n  restart in 5 ms: again\n"
        );
    }
}
