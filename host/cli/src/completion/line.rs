//! Finds the role of the last word of a command line: a command, an option, the value of one, or an argument.

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::values;
use crate::args::Cli;

/// Returns the candidates for the last of the words.
pub(super) fn completed(words: &[String]) -> Vec<String> {
    let Some((last, before)) = words.split_last() else { return Vec::new() };
    let mut root = Cli::command();
    root.build();
    let at = Place::of(&root, before);
    if let Some(option) = at.option {
        return values::of(option, last, words);
    }
    if !at.only_arguments && last.starts_with('-') {
        return options(at.command, last, words);
    }
    let mut found = Vec::new();
    if at.arguments == 0 {
        let commands = at.command.get_subcommands().filter(|one| !one.is_hide_set());
        found.extend(commands.map(|one| one.get_name().to_owned()).filter(|name| name.starts_with(last)));
    }
    found.extend(at.argument().into_iter().flat_map(|argument| values::of(argument, last, words)));
    found
}

/// The position in a command line.
struct Place<'c> {
    command: &'c Command,
    /// The option whose value comes next.
    option: Option<&'c Arg>,
    /// The number of arguments of the command so far.
    arguments: usize,
    /// Whether a `--` has ended the options.
    only_arguments: bool,
}

impl<'c> Place<'c> {
    fn of(root: &'c Command, words: &[String]) -> Self {
        let mut at = Self { command: root, option: None, arguments: 0, only_arguments: false };
        for word in words {
            at.advance(word);
        }
        at
    }

    fn advance(&mut self, word: &str) {
        if self.option.take().is_some() {
            return;
        }
        if self.only_arguments {
            self.arguments += 1;
        } else if word == "--" {
            self.only_arguments = true;
        } else if let Some(long) = word.strip_prefix("--") {
            self.option = long_option(self.command, long).filter(|_| !long.contains('='));
        } else if let Some(shorts) = word.strip_prefix('-').filter(|shorts| !shorts.is_empty()) {
            let mut letters = shorts.chars();
            let takes = letters.by_ref().find_map(|letter| short_option(self.command, letter));
            // Letters after the option are its value.
            self.option = takes.filter(|_| letters.as_str().is_empty());
        } else if let Some(command) = self.command.find_subcommand(word).filter(|_| self.arguments == 0) {
            self.command = command;
        } else {
            self.arguments += 1;
        }
    }

    /// Returns the argument that comes next; the last one may be repeated.
    fn argument(&self) -> Option<&'c Arg> {
        let all: Vec<&Arg> = self.command.get_positionals().collect();
        let again = all.last().copied().filter(|last| matches!(last.get_action(), ArgAction::Append));
        all.get(self.arguments).copied().or(again)
    }
}

fn takes_value(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Set | ArgAction::Append)
}

fn long_option<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let name = word.split('=').next();
    command.get_arguments().find(|one| one.get_long() == name && takes_value(one))
}

fn short_option(command: &Command, letter: char) -> Option<&Arg> {
    command.get_arguments().find(|one| one.get_short() == Some(letter) && takes_value(one))
}

/// Returns the options, or the values of `--name=`.
fn options(command: &Command, word: &str, words: &[String]) -> Vec<String> {
    if let Some((name, value)) = word.split_once('=') {
        let option = name.strip_prefix("--").and_then(|long| long_option(command, long));
        let found = option.into_iter().flat_map(|option| values::of(option, value, words));
        return found.map(|value| format!("{name}={value}")).collect();
    }
    let shown = command.get_arguments().filter(|one| !one.is_hide_set());
    let names = shown.filter_map(Arg::get_long).map(|name| format!("--{name}"));
    names.filter(|name| name.starts_with(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        completed(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn commands_options_and_their_values_are_completed() {
        assert_eq!(found("sta"), ["status", "start", "state"]);
        assert_eq!(found("plugin ve"), ["verify"]);
        assert_eq!(found("-c x.toml plugin ve"), ["verify"]);
        assert_eq!(found("status --out"), ["--output"]);
        assert_eq!(found("status -o w"), ["wide"]);
        assert_eq!(found("status --output=w"), ["--output=wide"]);
        assert_eq!(found("completions ba"), ["bash"]);
        assert_eq!(found("graph -o d"), ["dot"]);
        assert_eq!(found("timeline --si"), ["--since"]);
        assert_eq!(found("state backend du"), ["dual"]);
        assert!(found("up --backg").is_empty(), "hidden options are not proposed");
        assert!(found("no such command").is_empty());
        assert!(found("restart web -- --wai").is_empty(), "after `--` nothing is an option");
    }
}
