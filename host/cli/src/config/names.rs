//! The names in a config, for completion by the shell: also of one that is wrong.

use std::collections::BTreeSet;
use std::path::Path;

use toml::de::DeTable;

use super::plugin;
use super::read::text;

/// The names that commands take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// Of processes.
    pub(crate) processes: BTreeSet<String>,
    /// Of groups.
    pub(crate) groups: BTreeSet<String>,
    /// Of plugins.
    pub(crate) plugins: BTreeSet<String>,
}

/// The names in the config at `path`, as far as it can be read.
pub(crate) fn names_in(path: &Path) -> Names {
    let text = text(path);
    let (document, _) = DeTable::parse_recoverable(&text);
    let table = |key: &str| document.get_ref().get(key).and_then(|value| value.get_ref().as_table());
    let keys = |table: Option<&DeTable<'_>>| -> BTreeSet<String> {
        table.into_iter().flat_map(|table| table.keys()).map(|key| key.get_ref().to_string()).collect()
    };
    let processes = table("process");
    let groups = processes.into_iter().flat_map(|table| table.values()).filter_map(|process| {
        process.get_ref().as_table()?.get("group")?.get_ref().as_str().map(str::to_owned)
    });
    let mut plugins = keys(table("plugins"));
    plugins.retain(|name| !plugin::is_own(name));
    Names { groups: groups.collect(), processes: keys(processes), plugins }
}
