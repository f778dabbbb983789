//! Completion by the shell: the scripts that ask this binary for candidates, and its answers. Errors are never printed, because
//! a shell would show them in the middle of a line.
//!
//! A script calls `provost __complete WORD…` with the words after the program up to the cursor, the last of which is to be
//! completed, and gets one candidate per line.

mod line;
mod names;
mod values;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;

/// The first argument of a call by a completion script.
const ASKS: &str = "__complete";

const BASH: &str = include_str!("provost.bash");
const ZSH: &str = include_str!("provost.zsh");
const FISH: &str = include_str!("provost.fish");

/// Answers a call by a completion script. Returns false if this is not one.
pub(crate) fn answered(args: &[OsString]) -> bool {
    if args.get(1).is_none_or(|word| word != ASKS) {
        return false;
    }
    let words: Vec<String> = args[2..].iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut answer = String::new();
    for candidate in line::completed(&words) {
        // The name of a file may contain a newline, which a script would take for the end of the candidate.
        if !candidate.contains(char::is_control) {
            answer.push_str(&candidate);
            answer.push('\n');
        }
    }
    let _ = io::stdout().lock().write_all(answer.as_bytes());
    true
}

/// Returns the script for a shell. Those for PowerShell and Elvish complete commands and options, but no names.
pub(crate) fn script(shell: Shell) -> Vec<u8> {
    match shell {
        Shell::Bash => BASH.into(),
        Shell::Zsh => ZSH.into(),
        Shell::Fish => FISH.into(),
        other => {
            let mut script = Vec::new();
            clap_complete::generate(other, &mut Cli::command(), "provost", &mut script);
            script
        }
    }
}
