//! What a config needs on the machine where it is checked: programs, directories and environment files. Missing ones are only
//! warnings, because they need not exist before the processes start, and a config may be checked on another machine. Also warns
//! if others may write the config, because they could make the host do anything.

use std::ops::Range;

use provost_files::{Others, Owners};
use provost_registry::Store;
use provost_supervisor::{Obstacle, obstacles};

use super::report::Problem;
use super::resolved::Config;
use super::sections::ProcessSection;
use crate::fetching::store;

impl Config {
    /// Returns the users whose directories the host trusts: its own user, root, and the owner of the config.
    pub(crate) fn owners(&self) -> Owners {
        self.settings.log_owners
    }

    /// Returns the components that were fetched for its plugins.
    pub(crate) fn store(&self) -> Store {
        store(&self.cache_dir, self.owners(), self.cache_bounds)
    }

    /// Returns a problem, located at the start of the file, if users other than its owner may write the config.
    pub(crate) fn writable_by_others(&self) -> Option<Problem> {
        let writers = self.writers.as_ref()?;
        let path = self.source.path.display();
        let (who, hint) = match &writers.others {
            Others::Nobody => return None,
            Others::Everybody => {
                ("everybody".to_owned(), format!("remove that permission by `chmod go-w {path}`"))
            }
            Others::Group(group) => (
                format!("the group {group}"),
                format!("unless all its members are meant to, remove that permission by `chmod g-w {path}`"),
            ),
        };
        let what = format!(
            "{who} may write the config (mode {:04o}), and so run any command as the user of the host",
            writers.mode
        );
        Some(Problem { span: 0..0, what, hint })
    }

    /// Returns the warnings, in the order of the file: who else than the owner may write the config, and what would keep
    /// processes from starting here and now.
    pub(crate) fn warnings(&self) -> Vec<Problem> {
        let sets = self.sets();
        let mut warnings = Vec::from_iter(self.writable_by_others());
        for section in &self.processes {
            let spec = self.spec(section, &sets, Vec::new());
            warnings.extend(
                obstacles(&spec, &self.settings.cgroups)
                    .into_iter()
                    .map(|obstacle| warning(section, &obstacle)),
            );
        }
        warnings.sort_by_key(|problem| problem.span.start);
        warnings
    }
}

fn warning(section: &ProcessSection, obstacle: &Obstacle) -> Problem {
    let name = section.name.get_ref();
    let (span, hint) = match obstacle {
        Obstacle::EnvFile { at, .. } => (
            section.env_files.get(*at).map(|file| file.span()),
            "create or correct the file, or remove it from `env_files`",
        ),
        Obstacle::Directory { .. } => (
            section.cwd.as_ref().map(|cwd| cwd.span()),
            "create the directory, or correct `cwd`; a relative path starts from the folder of the config",
        ),
        Obstacle::Setup { key, .. } => (
            section.setup.span(key),
            "correct it, or run the host as a user that is allowed to, such as root",
        ),
        Obstacle::Cgroup { .. } => (
            section.cgroup.as_ref().map(|cgroup| cgroup.span.clone()),
            "docs/limits.md says where cgroups can be made; with `optional = true` it runs without",
        ),
        Obstacle::Program { .. } => {
            (None, "install it here, or name it by its path; PATH may be another one where the host runs")
        }
    };
    let span: Range<usize> = span.unwrap_or_else(|| section.command_span.clone());
    Problem {
        span,
        what: format!("`{name}` could not start here: {}", obstacle.why()),
        hint: hint.to_owned(),
    }
}
