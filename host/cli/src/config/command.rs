//! The first stage of commands: those of processes and those of checks.

use provost_supervisor::CommandLine;
use toml::Spanned;

use super::section::Section;

/// How to write a command.
pub(super) const COMMAND_HINT: &str =
    "write command = [\"program\", \"argument\"] or command = \"a line for the shell\"";

/// Reads a list of texts (a program and its arguments) or a text (a line for the shell).
pub(super) fn read_command(section: &mut Section<'_>, key: &'static str) -> Option<CommandLine> {
    let value = section.value(key)?;
    let command = match value.get_ref().as_str() {
        Some(line) => {
            section.refuse_nul(key, value.span(), line);
            CommandLine::Shell(line.to_owned())
        }
        None => {
            let words = section.texts_of(key, value)?;
            CommandLine::Argv(words.into_iter().map(Spanned::into_inner).collect())
        }
    };
    let empty = match &command {
        CommandLine::Shell(line) => line.trim().is_empty(),
        CommandLine::Argv(words) => words.first().is_none_or(|program| program.trim().is_empty()),
    };
    if empty {
        let hint = match key {
            "exec" => "write exec = [\"program\", \"argument\"] or exec = \"a line for the shell\"",
            _ => COMMAND_HINT,
        };
        section.problem(value.span(), format!("`{key}` in {} is empty", section.title()), hint);
    }
    Some(command)
}
