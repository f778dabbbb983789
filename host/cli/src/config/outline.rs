//! The outline of a config: its directories and names, even if the config has errors. So a running host can always be asked and
//! stopped, its logs can be read, and names can be completed, whatever has become of the config since the host was started.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use provost_state::naming;
use toml::de::{DeTable, DeValue};

use super::find::{self, KEEPER_DEFAULT, KEEPER_SOCKET_NAME, SOCKET_NAME};
use super::read::text;

/// The directories and names of a config, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// The runtime directory of the host that was started with the config.
    pub(crate) runtime_dir: PathBuf,
    /// The directory where that host keeps the output of processes.
    pub(crate) log_dir: PathBuf,
    /// The directory of the tokens of the API.
    pub(crate) tokens_dir: PathBuf,
    /// The directory of the journal.
    pub(crate) journal_dir: PathBuf,
    /// Whether processes are to be held by a keeper.
    pub(crate) keeper: bool,
    /// The names of all processes with their groups, in the order of the file.
    processes: Vec<(String, Option<String>)>,
    plugins: BTreeSet<String>,
}

/// The names that commands take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// The names of processes.
    pub(crate) processes: BTreeSet<String>,
    /// The names of groups.
    pub(crate) groups: BTreeSet<String>,
    /// The names of plugins.
    pub(crate) plugins: BTreeSet<String>,
}

impl Outline {
    /// Reads the config at `path`. Parts that cannot be read are left out.
    pub(crate) fn of(path: &Path) -> Self {
        let text = text(path);
        let (document, _) = DeTable::parse_recoverable(&text);
        let table = |key: &str| document.get_ref().get(key).and_then(|value| value.get_ref().as_table());
        let host = |key: &str| table("host").and_then(|host| text_at(host, key));
        let keeper = table("host").and_then(|host| host.get("keeper")?.get_ref().as_bool());
        let tokens = table("api").and_then(|api| text_at(api, "tokens"));
        let dir = find::dir_of(path);
        let runtime_dir = find::runtime_dir(&dir, host("runtime_dir"));
        let group = |process: &DeValue<'_>| text_at(process.as_table()?, "group").map(str::to_owned);
        let processes = table("process").into_iter().flatten();
        let plugins = table("plugins").into_iter().flatten().map(|(name, _)| name.get_ref().to_string());
        Self {
            log_dir: find::log_dir(&dir, &runtime_dir, host("log_dir")),
            tokens_dir: find::tokens_dir(&dir, &runtime_dir, tokens),
            journal_dir: find::journal_dir(&runtime_dir),
            runtime_dir,
            keeper: keeper.unwrap_or(KEEPER_DEFAULT),
            processes: processes
                .map(|(name, process)| (name.get_ref().to_string(), group(process.get_ref())))
                .collect(),
            plugins: plugins.filter(|name| !naming::is_key_of_plugins(name)).collect(),
        }
    }

    /// Returns the outline for a host that listens on `socket` and whose config is unknown. It has no names.
    pub(crate) fn around(socket: &Path) -> Self {
        let runtime_dir = socket.parent().map(Path::to_owned).unwrap_or_default();
        Self {
            log_dir: find::log_dir(&runtime_dir, &runtime_dir, None),
            tokens_dir: find::tokens_dir(&runtime_dir, &runtime_dir, None),
            journal_dir: find::journal_dir(&runtime_dir),
            runtime_dir,
            ..Self::default()
        }
    }

    /// Returns the control socket of the host that was started with the config.
    pub(crate) fn socket(&self) -> PathBuf {
        self.runtime_dir.join(SOCKET_NAME)
    }

    /// Returns the socket of the keeper of that host.
    pub(crate) fn keeper_socket(&self) -> PathBuf {
        self.runtime_dir.join(KEEPER_SOCKET_NAME)
    }

    /// Returns the names of the processes of a group, in the order of the file.
    pub(crate) fn members(&self, group: &str) -> Vec<String> {
        let members = self.processes.iter().filter(|(_, of)| of.as_deref() == Some(group));
        members.map(|(name, _)| name.clone()).collect()
    }

    /// Returns all names that commands take.
    pub(crate) fn names(self) -> Names {
        let (processes, groups): (BTreeSet<_>, Vec<_>) = self.processes.into_iter().unzip();
        Names { processes, groups: groups.into_iter().flatten().collect(), plugins: self.plugins }
    }
}

fn text_at<'t>(table: &'t DeTable<'_>, key: &str) -> Option<&'t str> {
    table.get(key)?.get_ref().as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(config: &str) -> (tempfile::TempDir, Outline) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("provost.toml");
        std::fs::write(&path, config).unwrap();
        let outline = Outline::of(&path);
        (dir, outline)
    }

    #[test]
    fn a_config_with_errors_still_has_its_directories_and_names() {
        let (dir, outline) = outline(
            "[host]\nruntime_dir = \"run\"\nodd = 1\n[plugins]\ncache = {}\n[plugins.backoff]\n\
             [process.web]\ngroup = \"front\"\n[process.db]\n[process.api]\ngroup = \"front\"\n",
        );
        assert_eq!(outline.socket(), dir.path().join("run/provost.sock"));
        assert_eq!(outline.log_dir, dir.path().join("run/logs"));
        assert_eq!(outline.members("front"), ["web", "api"]);
        let names = outline.names();
        assert_eq!(Vec::from_iter(names.processes), ["api", "db", "web"]);
        assert_eq!(
            (Vec::from_iter(names.groups), Vec::from_iter(names.plugins)),
            (vec!["front".into()], vec!["backoff".into()])
        );
    }

    #[test]
    fn without_a_config_the_logs_are_beside_the_socket() {
        let around = Outline::around(Path::new("/run/host/provost.sock"));
        assert_eq!((&*around.log_dir, around.members("front").len()), (Path::new("/run/host/logs"), 0));
        let (dir, nothing) = outline("");
        assert_eq!(nothing.log_dir, dir.path().join(".provost/logs"));
    }
}
