//! What would keep a process from starting, as far as that can be seen without starting it: its environment files, its
//! directory, its user and its limits, its cgroup, and the programs of its command and of its checks.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use super::cgroups::CgroupPlace;
use super::command::{find, interpreter};
use super::env_file;
use super::rights::refused;
use crate::spec::{Check, CommandLine, ProcessSpec};

/// The words that a shell handles itself: those of POSIX's `sh`, and what the usual shells add.
const SHELL_WORDS: &[&str] = &[
    ".", ":", "[", "[[", "alias", "bg", "break", "builtin", "case", "cd", "command", "continue", "declare",
    "echo", "eval", "exec", "exit", "export", "false", "fg", "for", "function", "getopts", "hash", "if",
    "jobs", "kill", "local", "printf", "pwd", "read", "readonly", "return", "select", "set", "shift",
    "source", "test", "time", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias",
    "unset", "until", "wait", "while", "{", "!", "(",
];

/// Something that would keep a process from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// An environment file cannot be used.
    EnvFile {
        /// The index of the file, counted from 0.
        at: usize,
        /// The reason.
        why: Arc<str>,
    },
    /// The working directory cannot be used.
    Directory {
        /// The reason.
        why: Arc<str>,
    },
    /// The host cannot give it what it is to be set to, such as its user.
    Setup {
        /// The key of the config.
        key: &'static str,
        /// The reason.
        why: Arc<str>,
    },
    /// It cannot have its cgroup.
    Cgroup {
        /// The reason.
        why: Arc<str>,
    },
    /// A program cannot be run.
    Program {
        /// The reason.
        why: Arc<str>,
    },
}

impl Obstacle {
    /// Returns why the process would not start, in words for people.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::EnvFile { why, .. }
            | Self::Directory { why }
            | Self::Setup { why, .. }
            | Self::Cgroup { why }
            | Self::Program { why } => why,
        }
    }
}

/// Returns what would keep a process from starting here and now, with cgroups at this place. Nothing is started and nothing is
/// written; it may wait for disks and for a directory of users.
#[must_use]
pub fn obstacles(spec: &ProcessSpec, cgroups: &CgroupPlace) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let mut environment: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    for (at, path) in spec.env_files.iter().enumerate() {
        match env_file::read(path) {
            Ok(variables) => {
                environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
            }
            Err(error) => found.push(Obstacle::EnvFile { at, why: Arc::from(error.to_string()) }),
        }
    }
    environment.extend(spec.env.iter().map(|(name, value)| (name.into(), value.into())));
    let directory = spec.cwd.as_deref().filter(|cwd| !cwd.is_dir());
    if let Some(cwd) = directory {
        let what = if cwd.exists() { "is not a directory" } else { "does not exist" };
        let why = Arc::from(format!("the working directory {} {what}", cwd.display()));
        found.push(Obstacle::Directory { why });
    }
    found.extend(refused(&spec.setup).into_iter().map(|(key, why)| Obstacle::Setup { key, why }));
    if let Some(cgroup) = spec.cgroup.as_ref().filter(|cgroup| !cgroup.is_optional) {
        found.extend(cgroups.obstacle(cgroup).map(|why| Obstacle::Cgroup { why }));
    }
    let checks =
        [spec.ready.as_ref().map(|ready| &ready.check), spec.health.as_ref().map(|health| &health.check)];
    let checks = checks.into_iter().flatten().filter_map(|check| match check {
        Check::Exec(line) => Some(line),
        _ => None,
    });
    for line in std::iter::once(&spec.command).chain(checks) {
        let Some(program) = program_of(line) else { continue };
        // A program in a missing directory is missing as well; only the directory is reported.
        let relative = program.contains('/') && !program.starts_with('/');
        if directory.is_some() && relative {
            continue;
        }
        if let Err(why) = runnable(program, &environment, spec.cwd.as_deref()) {
            let why = Obstacle::Program { why };
            if !found.contains(&why) {
                found.push(why);
            }
        }
    }
    found
}

/// Returns the program that a command runs first, if that is known: for a shell line, only if its first word is plain.
fn program_of(line: &CommandLine) -> Option<&str> {
    match line {
        CommandLine::Argv(words) => words.first().map(String::as_str).filter(|word| !word.is_empty()),
        CommandLine::Shell(line) => {
            let mut words = line.lines().find(|line| !line.trim().is_empty())?.split_whitespace();
            let word = words.find(|word| *word != "exec")?;
            let plain = |c: char| c.is_alphanumeric() || "_-./+".contains(c);
            (word.chars().all(plain) && !SHELL_WORDS.contains(&word)).then_some(word)
        }
    }
}

fn runnable(
    program: &str,
    environment: &BTreeMap<OsString, OsString>,
    cwd: Option<&Path>,
) -> Result<(), Arc<str>> {
    let path = find(program, environment, cwd)?;
    let seen = cwd.map_or_else(|| path.clone(), |cwd| cwd.join(&path));
    let told = |what: &str| Err(Arc::from(format!("{program}: {what}")));
    if !seen.exists() {
        return told("no such program");
    }
    if seen.is_dir() {
        return told("it is a directory, not a program");
    }
    if rustix::fs::access(&seen, rustix::fs::Access::EXEC_OK).is_err() {
        return told("not allowed to run it (is it executable?)");
    }
    match interpreter(&seen) {
        Some(named) if !Path::new(OsStr::new(&named)).exists() => told(&format!(
            "its interpreter `{}`, named in its first line, does not exist",
            named.escape_debug()
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Option<String> {
        program_of(&CommandLine::Shell(line.into())).map(str::to_owned)
    }

    #[test]
    fn of_a_line_for_the_shell_the_first_plain_word_is_the_program() {
        assert_eq!(shell("exec nginx -g daemon").as_deref(), Some("nginx"));
        assert_eq!(shell("\n  ./run.sh\n").as_deref(), Some("./run.sh"));
        for line in
            ["for x in 1 2; do :; done", "A=1 program", "$PROGRAM", "cd x && y", "\"a b\"", "trap x TERM", ""]
        {
            assert_eq!(shell(line), None, "{line}");
        }
    }

    #[test]
    fn everything_that_is_missing_is_reported_at_once() {
        let spec = ProcessSpec {
            cwd: Some("/nonexistent-directory".into()),
            env_files: vec!["/nonexistent.env".into()],
            ..ProcessSpec::new("web", CommandLine::Argv(vec!["nonexistent-program".into()]))
        };
        let told: Vec<String> =
            obstacles(&spec, &CgroupPlace::default()).iter().map(|one| one.why().to_owned()).collect();
        assert_eq!(
            told[1..],
            [
                "the working directory /nonexistent-directory does not exist",
                "nonexistent-program: no such program on the PATH of the process"
            ]
        );
        assert!(told[0].contains("/nonexistent.env"), "{told:?}");
        let sound = ProcessSpec::new("web", CommandLine::Argv(vec!["/bin/sh".into()]));
        assert_eq!(obstacles(&sound, &CgroupPlace::default()), []);
    }
}
