//! All tools.

use std::sync::LazyLock;

use super::entry::ToolEntry;
use super::{config, events, figures, logs, orders, plugins, processes, scripts};

static ALL: LazyLock<Vec<ToolEntry>> = LazyLock::new(|| {
    let mut all = Vec::new();
    all.extend(processes::entries());
    all.extend(events::entries());
    all.extend(logs::entries());
    all.extend(config::entries());
    all.extend(plugins::entries());
    all.extend(figures::entries());
    all.extend(orders::entries());
    all.extend(scripts::entries());
    // Those that change something come last.
    all.sort_by_key(|entry| entry.grant);
    all
});

/// Returns all tools, those that only read first.
pub(crate) fn all() -> &'static [ToolEntry] {
    &ALL
}

/// Returns the tool with this name.
pub(crate) fn named(name: &str) -> Option<&'static ToolEntry> {
    ALL.iter().find(|entry| entry.tool.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::caller::Grant;

    const DOCUMENT: &str = include_str!("../../../../docs/mcp.md");

    /// A line of the table of the documentation.
    fn documented(entry: &ToolEntry) -> String {
        let grant = match entry.grant {
            Grant::Read => "read",
            Grant::Operate => "operate",
            Grant::Admin => "admin",
        };
        let hints = entry.tool.annotations.as_ref().unwrap();
        let effect = match (hints.read_only_hint.unwrap(), hints.destructive_hint.unwrap()) {
            (true, _) => "nothing",
            (false, false) => "adds only",
            (false, true) => "may end something",
        };
        let description = entry.tool.description.as_deref().unwrap();
        format!("| `{}` | {grant} | {effect} | {description} |\n", entry.tool.name)
    }

    #[test]
    fn the_documentation_has_the_table_of_all_tools() {
        let lines: String = all().iter().map(documented).collect();
        let table = format!("| tool | needs | changes | what it does |\n|---|---|---|---|\n{lines}\n");
        assert!(DOCUMENT.contains(&table), "docs/mcp.md needs this table:\n{table}");
    }

    #[test]
    fn every_tool_has_another_name_and_a_hint_that_agrees_with_its_grant() {
        let names: BTreeSet<&str> = all().iter().map(|entry| &*entry.tool.name).collect();
        assert_eq!(names.len(), all().len());
        for entry in all() {
            let reads = entry.tool.annotations.as_ref().and_then(|hints| hints.read_only_hint).unwrap();
            assert_eq!(reads, entry.grant == Grant::Read, "{}", entry.tool.name);
            assert!(named(&entry.tool.name).is_some());
        }
    }
}
