//! Completion by the shell: the scripts that ask this binary how a line may go on, and what it answers. Nothing is ever said
//! of what went wrong: a shell would show it in the middle of a line.
//!
//! A script calls `provost __complete WORD…` with the words behind the program up to the cursor, the last of which is the
//! one that is completed, and gets one candidate a line.

mod line;
mod names;
mod values;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;

/// The first argument of a script that asks.
const ASKS: &str = "__complete";

const BASH: &str = include_str!("provost.bash");
const ZSH: &str = include_str!("provost.zsh");
const FISH: &str = include_str!("provost.fish");

/// Answers a shell that asks how a command line may go on. Whether one has asked.
pub(crate) fn answered(args: &[OsString]) -> bool {
    if args.get(1).is_none_or(|word| word != ASKS) {
        return false;
    }
    let words: Vec<String> = args[2..].iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut answer = String::new();
    for candidate in line::completed(&words) {
        // A name of a file may have a newline in it, which no script could tell from the end of a candidate.
        if !candidate.contains(char::is_control) {
            answer.push_str(&candidate);
            answer.push('\n');
        }
    }
    let _ = io::stdout().lock().write_all(answer.as_bytes());
    true
}

/// The script for a shell. Of PowerShell and Elvish it knows the commands and options, but no names.
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
