//! Finding and running the programs of a toolchain.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use provost_files::script_line;

use super::error::BuildError;
use crate::tied;

/// What a toolchain shows of its progress; its errors and warnings are always shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// What it shows by default.
    Shown,
    /// Nothing.
    Hidden,
}

/// Returns the programs of this name on the PATH, in its order.
pub(super) fn on_path(program: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).filter(|file| file.is_file()).collect()
}

/// Returns the first program of one of these names, in their order, on the PATH.
pub(super) fn first_of<S: AsRef<str>>(programs: impl IntoIterator<Item = S>) -> Option<PathBuf> {
    programs.into_iter().find_map(|program| on_path(program.as_ref()).into_iter().next())
}

/// Returns the interpreter that the first line of a script names, if it is missing. The kernel would only say that there is no such
/// file, as if it were the script.
pub(super) fn missing_interpreter(script: &Path) -> Option<PathBuf> {
    let line = script_line(script)?;
    let mut words = line.split_whitespace();
    let program = Path::new(words.next()?);
    if program.ends_with("env") {
        // `env` has options and variables before the program.
        let named = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
        return on_path(named).is_empty().then(|| named.into());
    }
    (!program.exists()).then(|| program.to_owned())
}

/// Runs a program in `dir`, with its output on standard error, because standard output is for the result of the build.
pub(super) fn run(mut command: Command, dir: &Path, hint: &'static str) -> Result<(), BuildError> {
    let program = Path::new(command.get_program()).display().to_string();
    command.current_dir(dir);
    let status =
        tied::run(&command).map_err(|source| BuildError::Run { program: program.clone(), source })?;
    if status.success() { Ok(()) } else { Err(BuildError::Tool { program, status, hint }) }
}
