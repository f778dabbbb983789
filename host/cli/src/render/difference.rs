//! Renders what a reload would change: one row for each key, in the sections of the config.

use provost_api::{Difference, ItemChange, ItemDifference, KeyDifference, KeyEffect};

use super::humane::{counted, one_line};
use super::page::Page;
use super::style::Style;
use super::table::{Cell, Table};

/// The longest value that is shown, in characters.
const VALUE_CHARS_MAX: usize = 400;

/// Renders a difference.
pub(crate) fn text(difference: &Difference, page: &Page) -> String {
    let unchanged = difference.unchanged;
    let counts =
        format!("{}, {}", counted(unchanged.processes, "process"), counted(unchanged.plugins, "plugin"));
    let config = one_line(&difference.config);
    if difference.is_empty() {
        return format!("nothing differs from {config}: {counts}\n");
    }
    let mut table = Table::new(&["CHANGE", "SECTION", "KEY", "EFFECT", "VALUE"]).leaving(&["EFFECT"]);
    for change in &difference.host {
        let (section, key) = change.key.split_once('.').unwrap_or(("host", &change.key));
        row(&mut table, &ItemChange::Changed, &format!("[{section}]"), key, change);
    }
    items(&mut table, "plugins", &difference.plugins);
    items(&mut table, "process", &difference.processes);
    let keep = kept(difference);
    let keep = match keep.is_empty() {
        true => String::new(),
        false => format!("\nchanged at run time; these lines of the config would keep it:\n{keep}"),
    };
    format!("{}{keep}\nunchanged: {counts}\n{}\n", table.render(page), next(difference))
}

fn items(table: &mut Table, section: &str, items: &[ItemDifference]) {
    for item in items {
        let title = format!("[{section}.{}]", one_line(&item.name));
        for key in &item.keys {
            row(table, &item.change, &title, &key.key, key);
        }
    }
}

fn row(table: &mut Table, change: &ItemChange, section: &str, key: &str, difference: &KeyDifference) {
    let style = match change {
        ItemChange::Added => Style::Green,
        ItemChange::Removed => Style::Red,
        _ => Style::Yellow,
    };
    let effect = match (change, &difference.effect) {
        (ItemChange::Added | ItemChange::Removed, _) => Cell::new(""),
        (_, KeyEffect::Live) => Cell::new("in place"),
        (_, KeyEffect::Restart) => Cell::styled("restart", Style::Yellow),
        (_, KeyEffect::NewHost) => Cell::styled("new host", Style::Red),
        (_, other) => Cell::new(other.as_str()),
    };
    table.row(vec![
        Cell::styled(change.as_str(), style),
        Cell::new(section),
        Cell::new(key),
        effect,
        Cell::new(values(change, difference)),
    ]);
}

fn values(change: &ItemChange, difference: &KeyDifference) -> String {
    let short = |value: &String| -> String {
        let line = one_line(value);
        match line.char_indices().nth(VALUE_CHARS_MAX) {
            Some((at, _)) => format!("{}…", &line[..at]),
            None => line,
        }
    };
    let one = |value: &Option<String>| value.as_ref().map_or_else(|| "not set".to_owned(), short);
    let of = match difference.members.as_slice() {
        [] => String::new(),
        members => format!(" (of {})", members.join(", ")),
    };
    match change {
        ItemChange::Added => one(&difference.new),
        ItemChange::Removed => one(&difference.old),
        _ if difference.old.is_some() && difference.old == difference.new && !difference.content_changed => {
            format!("another value, which is not shown{of}")
        }
        _ if difference.content_changed => format!("the content of {} has changed{of}", one(&difference.new)),
        _ => format!("{} → {}{of}", one(&difference.old), one(&difference.new)),
    }
}

/// Returns the lines of the config that would keep what was changed at run time, each section once.
fn kept(difference: &Difference) -> String {
    let items = difference.plugins.iter().chain(&difference.processes);
    let of_items =
        items.flat_map(|item| item.keep.iter().chain(item.keys.iter().filter_map(|key| key.keep.as_ref())));
    let all = difference.host.iter().filter_map(|key| key.keep.as_ref()).chain(of_items);
    let mut text = String::new();
    let mut section = "";
    for lines in all {
        for line in lines.lines() {
            let is_title = line.starts_with('[');
            if is_title && line == section {
                continue;
            }
            if is_title {
                section = line;
            }
            text.push_str(&format!("  {}\n", one_line(line)));
        }
    }
    text
}

/// Says what to do next.
fn next(difference: &Difference) -> &'static str {
    let keys = |items: &[ItemDifference], effect: &KeyEffect| {
        items
            .iter()
            .filter(|item| item.change == ItemChange::Changed)
            .flat_map(|item| &item.keys)
            .any(|key| key.effect == *effect)
    };
    if difference.host.iter().any(|key| key.effect == KeyEffect::NewHost) {
        "`provost reload` refuses this, because it takes a new host"
    } else if keys(&difference.processes, &KeyEffect::Restart) {
        "`provost reload` applies this, and `provost reload --no-restart` without restarts"
    } else {
        "`provost reload` applies this"
    }
}

#[cfg(test)]
mod tests {
    use provost_api::Unchanged;

    use super::*;

    fn key(key: &str, old: Option<&str>, new: Option<&str>, effect: KeyEffect) -> KeyDifference {
        let owned = |value: Option<&str>| value.map(str::to_owned);
        KeyDifference {
            key: key.to_owned(),
            old: owned(old),
            new: owned(new),
            effect,
            ..KeyDifference::default()
        }
    }

    fn item(name: &str, change: ItemChange, keys: Vec<KeyDifference>) -> ItemDifference {
        ItemDifference { name: name.to_owned(), change, keys, keep: None }
    }

    fn sample() -> Difference {
        let restart =
            key("command", Some("[\"web\", \"80\"]"), Some("[\"web\", \"81\"]"), KeyEffect::Restart);
        let of_one = KeyDifference { members: vec!["web.2".to_owned()], ..restart };
        let content = key("env_files", Some("[\"a.env\"]"), Some("[\"a.env\"]"), KeyEffect::Restart);
        let content = KeyDifference { content_changed: true, ..content };
        let scaled = key("replicas", Some("3"), Some("2"), KeyEffect::Live);
        let scaled = KeyDifference { keep: Some("[process.web]\nreplicas = 3".to_owned()), ..scaled };
        let backend = key("state.backend", Some("\"locked\""), Some("\"atomic\""), KeyEffect::Live);
        let backend = KeyDifference { keep: Some("[state]\nbackend = \"locked\"".to_owned()), ..backend };
        let component = key("component", Some("\"x.wasm\""), None, KeyEffect::Live);
        let extra = ItemDifference {
            keep: Some("[plugins.extra]\ncomponent = \"x.wasm\"".to_owned()),
            ..item("extra", ItemChange::Removed, vec![component])
        };
        Difference {
            config: "/srv/provost.toml".to_owned(),
            processes: vec![
                item("web", ItemChange::Changed, vec![of_one, content, scaled]),
                item(
                    "new",
                    ItemChange::Added,
                    vec![key("command", None, Some("\"sleep 1\""), KeyEffect::Live)],
                ),
            ],
            plugins: vec![extra],
            host: vec![backend],
            unchanged: Unchanged { processes: 97, plugins: 1 },
        }
    }

    #[test]
    fn each_key_is_a_row_and_the_lines_that_would_keep_it_follow() {
        insta::assert_snapshot!(text(&sample(), &Page::plain()), @r#"
        CHANGE   SECTION          KEY        EFFECT    VALUE
        changed  [state]          backend    in place  "locked" → "atomic"
        removed  [plugins.extra]  component            "x.wasm"
        changed  [process.web]    command    restart   ["web", "80"] → ["web", "81"] (of web.2)
        changed  [process.web]    env_files  restart   the content of ["a.env"] has changed
        changed  [process.web]    replicas   in place  3 → 2
        added    [process.new]    command              "sleep 1"

        changed at run time; these lines of the config would keep it:
          [state]
          backend = "locked"
          [plugins.extra]
          component = "x.wasm"
          [process.web]
          replicas = 3

        unchanged: 97 processes, 1 plugin
        `provost reload` applies this, and `provost reload --no-restart` without restarts
        "#);
    }

    #[test]
    fn on_a_narrow_page_the_values_wrap() {
        insta::assert_snapshot!(text(&sample(), &Page::narrow(60)), @r#"
        CHANGE   SECTION         KEY        VALUE
        changed  [state]         backend    "locked" → "atomic"
        removed  [plugins.extr…  component  "x.wasm"
        changed  [process.web]   command    ["web", "80"] → ["web",
                                            "81"] (of web.2)
        changed  [process.web]   env_files  the content of ["a.env"]
                                            has changed
        changed  [process.web]   replicas   3 → 2
        added    [process.new]   command    "sleep 1"

        changed at run time; these lines of the config would keep it:
          [state]
          backend = "locked"
          [plugins.extra]
          component = "x.wasm"
          [process.web]
          replicas = 3

        unchanged: 97 processes, 1 plugin
        `provost reload` applies this, and `provost reload --no-restart` without restarts
        "#);
    }

    #[test]
    fn without_a_difference_one_line_says_so() {
        let unchanged = Unchanged { processes: 2, plugins: 1 };
        let same = Difference { config: "/srv/provost.toml".to_owned(), unchanged, ..Difference::default() };
        insta::assert_snapshot!(text(&same, &Page::plain()), @"nothing differs from /srv/provost.toml: 2 processes, 1 plugin");
    }
}
