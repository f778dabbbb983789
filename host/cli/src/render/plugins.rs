//! Renders `plugin list`, the plugins in `status`, and the result of a change.

use provost_api::{Blame, Plugin, PluginRole, PluginStatus, PluginVersion, Quarantine, Replayed};
use provost_plugin_host::{Limit, Measure};

use super::humane::{counted, delay, one_line, size};
use super::page::Page;
use super::style::{Paint, Style};
use super::table::{Cell, Table, Width};

/// The number of characters of a digest that are shown.
const DIGEST_SHOWN: usize = 12;

/// The columns that are dropped first when there is no room, in this order.
const LEAVING: &[&str] = &["P50", "P99", "CLAMPS", "VERSION", "CALLS", "ROLES"];

/// Whether the plugin has a problem that the operator should know.
pub(crate) fn is_troubled(plugin: &Plugin) -> bool {
    plugin.status != PluginStatus::Active || plugin.active.faults > 0
}

/// Renders one line per plugin; a wide table has one more for the former version. The column `TROUBLE` is there if any plugin has
/// a problem.
pub(crate) fn text(plugins: &[Plugin], width: Width, page: &Page) -> String {
    let page = &if width == Width::Wide { page.endless() } else { page.clone() };
    let troubled = plugins.iter().any(is_troubled);
    let wide = width == Width::Wide;
    let mut head = vec!["PLUGIN", "STATUS", "VERSION", "CALLS", "FAULTS", "CLAMPS", "P50", "P99", "ROLES"];
    if wide {
        head.extend([
            "P95",
            "FUEL",
            "MEMORY",
            "STORED",
            "QUEUED",
            "MISSED",
            "SIGNED BY",
            "COMPONENT",
            "SHA-256",
        ]);
    }
    if troubled {
        head.push("TROUBLE");
    }
    let mut table = Table::new(&head).leaving(LEAVING);
    for plugin in plugins {
        let former = plugin.former.as_ref().filter(|_| wide);
        let active = (status(plugin), &plugin.active, trouble(plugin));
        let former = former.map(|former| (Cell::styled("warm", Style::Dim), former, last_fault(former)));
        for (status, version, trouble) in [active].into_iter().chain(former) {
            let mut cells = row(&plugin.name, status, version, width);
            if troubled {
                cells.push(Cell::maybe(trouble));
            }
            table.row(cells);
        }
    }
    table.render(page)
}

fn row(name: &str, status: Cell, version: &PluginVersion, width: Width) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new(name),
        status,
        Cell::new(version.version.to_string()),
        Cell::new(version.calls.to_string()),
        faults(version),
        Cell::new(version.clamps.to_string()),
        Cell::maybe(took(version, version.call.p50_ns)),
        Cell::maybe(took(version, version.call.p99_ns)),
        Cell::maybe(roles(version)),
    ];
    if width == Width::Wide {
        let bytes = |bytes: u64| Cell::maybe((bytes > 0).then(|| size(bytes)));
        cells.extend([
            Cell::maybe(took(version, version.call.p95_ns)),
            Cell::maybe((version.fuel_max > 0).then(|| version.fuel_max.to_string())),
            bytes(version.memory_bytes_max),
            bytes(version.stored_bytes),
            Cell::new(version.queued.to_string()),
            Cell::new(version.missed.to_string()),
            Cell::maybe(version.signed_by.as_deref()),
            Cell::new(&version.source),
            Cell::new(shortened(&version.digest)),
        ]);
    }
    cells
}

fn status(plugin: &Plugin) -> Cell {
    Cell::styled(plugin.status.as_str(), style(plugin))
}

fn style(plugin: &Plugin) -> Style {
    if plugin.status == PluginStatus::Active { Style::Green } else { Style::BoldRed }
}

/// Renders the number of faults and their kinds: `3: deadline 1, trap 2`.
fn faults(version: &PluginVersion) -> Cell {
    match by_kind(version) {
        Some(kinds) => Cell::styled(format!("{}: {kinds}", version.faults), Style::Red),
        None => Cell::new(version.faults.to_string()),
    }
}

fn by_kind(version: &PluginVersion) -> Option<String> {
    let kinds = version.faults_by_kind.iter().map(|(kind, count)| format!("{kind} {count}"));
    listed(&kinds.collect::<Vec<_>>())
}

fn alarming(count: u64) -> Cell {
    Cell::styled(count.to_string(), if count > 0 { Style::Red } else { Style::Plain })
}

fn listed(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(", "))
}

fn roles(version: &PluginVersion) -> Option<String> {
    listed(&version.roles.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn shortened(digest: &str) -> String {
    digest.chars().take(DIGEST_SHOWN).collect()
}

/// Formats a latency in microseconds or milliseconds; `None` if no call was timed.
fn took(version: &PluginVersion, ns: u64) -> Option<String> {
    (version.call.timed > 0).then(|| match ns {
        0..10_000_000 => format!("{:.0}us", ns as f64 / 1e3),
        _ => format!("{:.0}ms", ns as f64 / 1e6),
    })
}

fn trouble(plugin: &Plugin) -> Option<String> {
    plugin.reason.as_deref().map(one_line).or_else(|| last_fault(&plugin.active))
}

fn last_fault(version: &PluginVersion) -> Option<String> {
    version.last_fault.as_ref().map(|fault| one_line(&format!("{}: {}", fault.kind, fault.message)))
}

/// Renders the result of a change: the checks and changes one by one, then the new state.
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
                paint.text(style(plugin), plugin.status.as_str()),
                version.version,
                one_line(&version.source),
                shortened(&version.digest),
            ));
        }
        None => text.push_str(&format!("{name}: unloaded\n")),
    }
    text
}

/// Renders everything that is known of one plugin.
pub(crate) fn details(plugin: &Plugin, page: &Page) -> String {
    let mut table = Table::new(&["PLUGIN", &plugin.name]);
    let mut line = |head: &str, cell: Cell| table.row(vec![Cell::new(head), cell]);
    line("status", status(plugin));
    line("trouble", Cell::maybe(trouble(plugin)));
    for (head, version) in [("", Some(&plugin.active)), ("former ", plugin.former.as_ref())] {
        let Some(version) = version else { continue };
        for (key, cell) in figures(version).into_iter().chain(limits(version)) {
            line(&format!("{head}{key}"), cell);
        }
    }
    table.render(page)
}

fn figures(version: &PluginVersion) -> Vec<(String, Cell)> {
    [
        ("version", Cell::new(version.version.to_string())),
        ("component", Cell::new(&version.source)),
        ("sha256", Cell::new(&version.digest)),
        ("signed by", Cell::maybe(version.signed_by.as_deref())),
        ("roles", Cell::maybe(roles(version))),
        ("granted", Cell::maybe(listed(&version.grants))),
        ("may set", Cell::maybe(settable(version))),
        ("calls", Cell::new(version.calls.to_string())),
        ("faults", Cell::maybe(by_kind(version))),
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
        ("dropped", Cell::new(counted(version.lines_dropped, "line"))),
    ]
    .map(|(key, cell)| (key.to_owned(), cell))
    .into()
}

/// Returns the variables that it may set for the processes whose start it judges; `None` if it is not a start policy.
fn settable(version: &PluginVersion) -> Option<String> {
    let judges = version.roles.contains(&PluginRole::StartPolicy);
    let names: Vec<&str> = version.grants.iter().filter_map(|grant| grant.strip_prefix("set-env:")).collect();
    judges.then(|| if names.is_empty() { "no variable".to_owned() } else { names.join(", ") })
}

fn limits(version: &PluginVersion) -> Vec<(String, Cell)> {
    let figure = |(name, figure): (&String, &u64)| {
        let figure = match Limit::named(name).map(Limit::measure) {
            Ok(Measure::Bytes) => size(*figure),
            Ok(Measure::Milliseconds) => delay(*figure),
            Ok(Measure::Count) | Err(_) => figure.to_string(),
        };
        (format!("limit {name}"), Cell::new(figure))
    };
    let after = |said: Quarantine| {
        format!("after {} in {}", counted(said.faults.into(), "fault"), delay(said.per_ms))
    };
    let quarantine = ("quarantine".to_owned(), Cell::maybe(version.quarantine.map(after)));
    version.limits.iter().map(figure).chain([quarantine]).collect()
}

/// Renders the last input that made a plugin fail, and the result of the same input now.
pub(crate) fn blame(blame: &Blame, paint: Paint) -> String {
    let now = match &blame.now {
        Replayed::Answer { answer } => paint.text(Style::Green, &one_line(answer)),
        Replayed::Fault { fault } => {
            paint.text(Style::Red, &format!("{}: {}", fault.kind, one_line(&fault.message)))
        }
        Replayed::Unknown => "something unknown".to_owned(),
    };
    format!(
        "{} (version {}) failed in {} at generation {}, on the input\n  {}\nwith\n  {}: {}\nThe same input now gives\n  {now}\n\
         With `-o json` it is printed as an input for `provost plugin run COMPONENT --input FILE`.\n",
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
    use provost_api::{Fault, FaultKind};

    use super::*;

    fn plugin() -> Plugin {
        Plugin {
            name: "spy".into(),
            status: PluginStatus::Active,
            active: PluginVersion {
                version: 2,
                source: "/srv/spy.wasm".into(),
                digest: "0123456789abcdef".into(),
                roles: vec![PluginRole::RestartPolicy],
                ..PluginVersion::default()
            },
            ..Plugin::default()
        }
    }

    #[test]
    fn a_refused_plugin_says_why() {
        let reason = Some("it imports wasi:sockets/tcp, which nobody granted".into());
        let active = PluginVersion { version: 1, ..PluginVersion::default() };
        let plugin = Plugin { status: PluginStatus::Refused, reason, active, ..plugin() };
        assert_eq!(
            text(&[plugin], Width::Normal, &Page::plain()),
            "PLUGIN  STATUS   VERSION  CALLS  FAULTS  CLAMPS  P50  P99  ROLES  TROUBLE\n\
             spy     refused  1        0      0       0       -    -    -      it imports wasi:sockets/tcp, which nobody granted\n"
        );
    }

    #[test]
    fn on_eighty_columns_the_roles_and_the_trouble_fit() {
        let mut active = PluginVersion { calls: 1_234, faults: 3, ..plugin().active };
        active.call =
            provost_api::Latency { timed: 3, p50_ns: 340_000, p99_ns: 912_000, ..Default::default() };
        active.roles = vec![PluginRole::RestartPolicy, PluginRole::StartPolicy, PluginRole::HealthPolicy];
        let mut plugin = Plugin { active, ..plugin() };
        plugin.active.faults = 0;
        insta::assert_snapshot!(text(&[plugin.clone()], Width::Normal, &Page::narrow(80)), @"
        PLUGIN  STATUS  VERSION  CALLS  FAULTS  CLAMPS  P99    ROLES
        spy     active  2        1234   0       0       912us  restart-policy,
                                                               start-policy,
                                                               health-policy
        ");
        plugin.status = PluginStatus::Quarantined;
        plugin.reason = Some("5 faults in 60 s, the last of them: ran for longer than 100 ms".into());
        insta::assert_snapshot!(text(&[plugin], Width::Normal, &Page::narrow(80)), @"
        PLUGIN  STATUS       FAULTS  TROUBLE
        spy     quarantined  0       5 faults in 60 s, the last of them: ran for longer
                                     than 100 ms
        ");
    }

    #[test]
    fn a_wide_list_has_a_row_for_the_version_that_stays_warm() {
        let mut plugin = plugin();
        plugin.active.calls = 3;
        let last_fault = Some(Fault { kind: FaultKind::Trap, message: "it panicked".into() });
        let faults_by_kind = [(FaultKind::Trap, 2), (FaultKind::Deadline, 1)].into();
        let former = PluginVersion {
            version: 1,
            calls: 9,
            faults: 3,
            faults_by_kind,
            last_fault,
            ..plugin.active.clone()
        };
        plugin.former = Some(former);
        plugin.active.faults = 1;
        let shown = text(std::slice::from_ref(&plugin), Width::Wide, &Page::plain());
        let rows: Vec<Vec<&str>> = shown
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
            .collect();
        assert_eq!(rows[1][..5], ["spy", "active", "2", "3", "1"]);
        assert_eq!(rows[2][..5], ["spy", "warm", "1", "9", "3: deadline 1, trap 2"]);
        assert_eq!(rows[2].last(), Some(&"trap: it panicked"));
        assert_eq!(text(&[plugin], Width::Normal, &Page::plain()).lines().count(), 2);
    }

    #[test]
    fn the_details_show_what_it_may_use() {
        let mut plugin = plugin();
        plugin.active.limits =
            [("memory".to_owned(), 64 << 20), ("call_time".to_owned(), 100), ("handles".to_owned(), 8)]
                .into();
        plugin.active.quarantine = Some(Quarantine { faults: 5, per_ms: 60_000 });
        let shown = details(&plugin, &Page::plain());
        for line in [
            "limit memory     64 MiB",
            "limit call_time  100ms",
            "limit handles    8",
            "quarantine       after 5 faults in 1m00s",
        ] {
            assert!(shown.contains(line), "{shown}");
        }
    }

    #[test]
    fn a_change_lists_its_checks_and_the_new_state() {
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
    fn blame_shows_the_input_and_its_result_now() {
        let found = Blame {
            reproduction: None,
            plugin: "spy".into(),
            version: 1,
            call: "restart-policy.on-exit".into(),
            input: "web (life 3) exited with code 7".into(),
            generation: 40,
            fault: Fault { kind: FaultKind::Trap, message: "it panicked".into() },
            now: Replayed::Answer { answer: "restart in 5 ms: again".into() },
        };
        assert_eq!(
            blame(&found, Paint::OFF),
            "spy (version 1) failed in restart-policy.on-exit at generation 40, on the input\n  \
             web (life 3) exited with code 7\nwith\n  trap: it panicked\nThe same input now gives\n  restart in 5 ms: again\n\
             With `-o json` it is printed as an input for `provost plugin run COMPONENT --input FILE`.\n"
        );
    }
}
