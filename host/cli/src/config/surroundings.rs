//! What a config needs of the machine that it is checked on: programs, directories and environment files. None of it has
//! to be there before the processes start, and a config may be checked on another machine: these are warnings.

use std::ops::Range;

use provost_supervisor::{Obstacle, obstacles};

use super::file::ProcessSection;
use super::{Config, Problem, Sets};

impl Config {
    /// What would keep processes from starting if they were started here and now, in the order of the file.
    pub(crate) fn warnings(&self) -> Vec<Problem> {
        let sets: Sets<'_> =
            self.processes.iter().map(|one| (one.name.get_ref().as_str(), one.replicas)).collect();
        let mut warnings = Vec::new();
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
