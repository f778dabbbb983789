//! What a child was spawned with, so that it can be compared with what a spawn would use now.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_state::Incarnation;

use super::env_file;
use crate::gave::{Gave, Given};
use crate::spec::ProcessSpec;

/// Variables of one life: those that a start policy set for it, or the values of those that its checks name.
pub(crate) type LifeEnv = Arc<[(String, String)]>;

/// What the living child of a process was spawned with.
#[derive(Clone, Debug)]
pub struct SpawnedWith {
    /// The life that this child is.
    pub incarnation: Incarnation,
    /// The spec that it was spawned with, without the policies. A part of it may have been
    /// [changed in place](crate::Supervisor::reconfigure) since; [`ProcessSpec::changed_at_spawn`] compares the rest.
    pub spec: Arc<ProcessSpec>,
    /// The variables that start policies set for this life.
    pub(crate) env: Arc<[(String, String)]>,
    /// What it was given beyond that and the environment of the host.
    pub(crate) given: Given,
}

impl SpawnedWith {
    /// Returns those environment files of the spec that give other variables now than at the spawn, or cannot be read
    /// any more. A change of comments or of blanks is no change. Of what they gave, only the names and a number were
    /// kept, never the values. It reads the files and may wait for disks: call it on a thread for blocking work.
    #[must_use]
    pub fn changed_env_files(&self) -> Vec<PathBuf> {
        let files = self.spec.env_files.iter().zip(self.given.env_files.iter());
        let is_other =
            |path: &Path, then: &Gave| env_file::read(path).map_or(true, |variables| !then.is_of(&variables));
        let changed = files.filter(|(path, then)| is_other(path, then));
        changed.map(|(path, _)| path.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::CommandLine;

    #[test]
    fn a_file_has_changed_when_its_variables_have_and_not_when_only_comments_have() {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["one.env", "two.env"].map(|name| dir.path().join(name));
        let write = |at: usize, text: &str| std::fs::write(&paths[at], text).unwrap();
        write(0, "A=1\nB=2\n");
        write(1, "C=3\n");
        let spec = ProcessSpec {
            env_files: paths.to_vec(),
            ..ProcessSpec::new("web", CommandLine::Shell("true".to_owned()))
        };
        let env_files = paths.iter().map(|path| Gave::of(&env_file::read(path).unwrap())).collect();
        let (env, given) = (Arc::default(), Given { env_files, variables: Arc::default() });
        let spawned = SpawnedWith { incarnation: Incarnation(1), spec: Arc::new(spec), env, given };
        assert_eq!(spawned.changed_env_files(), Vec::<PathBuf>::new());
        write(0, "# a comment\n A = 1\n\nB=\"2\"\n");
        assert_eq!(spawned.changed_env_files(), Vec::<PathBuf>::new());
        write(0, "A=12\nB=\n");
        assert_eq!(spawned.changed_env_files(), [paths[0].clone()]);
        std::fs::remove_file(&paths[1]).unwrap();
        assert_eq!(spawned.changed_env_files(), paths);
    }
}
