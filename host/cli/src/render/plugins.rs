//! `plugin list`, and the plugins in `status`.

use provost_control::wire::Plugin;

use super::humane::one_line;
use super::status::Width;
use super::style::{Paint, Style};
use super::table::{Cell, Table};

/// How much of a digest tells components apart.
const DIGEST_SHOWN: usize = 12;

/// Is there something that its owner should know?
pub(crate) fn is_troubled(plugin: &Plugin) -> bool {
    plugin.status != "active" || plugin.faults > 0
}

/// One line a plugin. What is wrong has a column if anything is.
pub(crate) fn text(plugins: &[Plugin], width: Width, paint: Paint) -> String {
    let troubled = plugins.iter().any(is_troubled);
    let mut head = vec!["PLUGIN", "STATUS", "CALLS", "FAULTS", "ROLES"];
    if width == Width::Wide {
        head.extend(["COMPONENT", "SHA-256"]);
    }
    if troubled {
        head.push("TROUBLE");
    }
    let mut table = Table::new(&head);
    for plugin in plugins {
        let well = plugin.status == "active";
        let mut cells = vec![
            Cell::new(&plugin.name),
            Cell::styled(&plugin.status, if well { Style::Green } else { Style::BoldRed }),
            Cell::new(plugin.calls.to_string()),
            Cell::styled(
                plugin.faults.to_string(),
                if plugin.faults > 0 { Style::Red } else { Style::Plain },
            ),
            Cell::maybe((!plugin.roles.is_empty()).then(|| plugin.roles.join(", "))),
        ];
        if width == Width::Wide {
            cells.push(Cell::new(one_line(&plugin.source)));
            cells.push(Cell::new(plugin.digest.chars().take(DIGEST_SHOWN).collect::<String>()));
        }
        if troubled {
            cells.push(Cell::maybe(trouble(plugin)));
        }
        table.row(cells);
    }
    table.render(paint)
}

fn trouble(plugin: &Plugin) -> Option<String> {
    let fault = plugin.last_fault.as_ref().map(|fault| format!("{}: {}", fault.kind, fault.message));
    plugin.reason.clone().or(fault).map(|trouble| one_line(&trouble))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_plugin_says_why() {
        let plugin = Plugin {
            name: "spy".into(),
            source: "spy.wasm".into(),
            digest: "00".into(),
            roles: Vec::new(),
            status: "refused".into(),
            reason: Some("it imports wasi:sockets/tcp, which nobody granted".into()),
            calls: 0,
            faults: 0,
            last_fault: None,
        };
        assert_eq!(
            text(&[plugin], Width::Normal, Paint::OFF),
            "PLUGIN  STATUS   CALLS  FAULTS  ROLES  TROUBLE\n\
             spy     refused  0      0       -      it imports wasi:sockets/tcp, which nobody granted\n"
        );
    }
}
