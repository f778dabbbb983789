//! What a config needs of the machine that it is checked on: programs, directories and environment files. None of it has
//! to be there before the processes start, and a config may be checked on another machine: these are warnings. And who may write
//! the config there: whoever may can have the host do anything.

use std::ops::Range;

use provost_files::{Others, Owners};
use provost_supervisor::{Obstacle, obstacles};

use super::report::Problem;
use super::resolved::Config;
use super::sections::ProcessSection;

impl Config {
    /// Whose directories the host relies on: its own user's, root's, and those of the owner of the config.
    pub(crate) fn owners(&self) -> Owners {
        self.settings.log_owners
    }

    /// A problem if others than its owner may write the config. It is about the whole file.
    pub(crate) fn writable_by_others(&self) -> Option<Problem> {
        let writers = self.writers.as_ref()?;
        let path = self.source.path.display();
        let (who, hint) = match &writers.others {
            Others::Nobody => return None,
            Others::Everybody => ("everybody".to_owned(), format!("take that away by `chmod go-w {path}`")),
            Others::Group(group) => (
                format!("the group {group}"),
                format!("unless all who are in it are meant to, take that away by `chmod g-w {path}`"),
            ),
        };
        let what = format!(
            "{who} may write the config (mode {:04o}), and so run any command as the user of the host",
            writers.mode
        );
        Some(Problem { span: 0..0, what, hint })
    }

    /// Who may write the config without being its owner, and what would keep processes from starting if they were started here
    /// and now, in the order of the file.
    pub(crate) fn warnings(&self) -> Vec<Problem> {
        let sets = self.sets();
        let mut warnings = Vec::from_iter(self.writable_by_others());
        for section in &self.processes {
            let spec = self.spec(section, &sets, Vec::new());
            warnings.extend(obstacles(&spec).into_iter().map(|obstacle| warning(section, &obstacle)));
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
        Obstacle::Program { .. } => (
            None,
            "install it here, or name it by its path; what PATH is here may be another where the host runs",
        ),
    };
    let span: Range<usize> = span.unwrap_or_else(|| section.command_span.clone());
    Problem {
        span,
        what: format!("`{name}` could not start here: {}", obstacle.why()),
        hint: hint.to_owned(),
    }
}
