//! The `provost` command. Floor 3 of the house: it reads the config, wires the crates together, and shows
//! the current state. It decides nothing.
//!
//! | room | owns |
//! |---|---|
//! | `commands` | every command except those that run the host |
//! | `developing` | `plugin dev`: building, testing and swapping a plugin at each change of its sources |
//! | `progress` | what is shown while a command waits |
//! | `completion` | completion by the shell |
//! | `daemon` | the host: one per runtime directory, in the foreground or the background; the only wiring of the crates |
//! | `successor` | a program that is to take the place of this one: what each says of itself |
//! | `difference` | what a reload would change: a config compared with what runs |
//! | `failure` | errors with hints and exit codes |
//! | `args` | the command line and its help |
//! | `forecast` | what a policy would decide about a process from its present state |
//! | `trying` | trying a plugin without a host: one call, the vectors of a project, measurements |
//! | `simulating` | playing scenarios with a component in virtual time |
//! | `config` | the file in two stages: typed sections, then specs |
//! | `compiling` | compilation of plugins in a process with limits |
//! | `fetching` | fetching components from registries and servers in a process with limits, and keeping them |
//! | `limited` | running this program as a process with limits |
//! | `pictures` | graphs and time lines as text, SVG, DOT and JSON: pure functions |
//! | `past` | the journal, as commands and the API read it |
//! | `render` | the output for people: pure functions to text |
//! | `guests` | building plugins |
//! | `schema` | the JSON Schema of a config, for editors |
//! | `templates` | projects to begin a plugin with, the SDK and the contract, which the binary carries |
//! | `tied` | programs of a toolchain, which end with this process |
//! | `inherited` | descriptors and signal masks that the parent process left, and that are dropped |

mod args;
mod commands;
mod compiling;
mod completion;
pub mod config;
mod daemon;
mod developing;
mod difference;
mod failure;
mod fetching;
mod forecast;
pub mod guests;
mod inherited;
mod limited;
mod past;
mod pictures;
mod progress;
mod render;
mod schema;
mod simulating;
mod successor;
mod templates;
mod tied;
mod trying;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use provost_state::text;

use args::{Cli, Command};
use failure::Failure;
use render::style::Paint;

pub use compiling::run_if_compiler;
pub use fetching::run_if_fetcher;
pub use tied::run_if_guard;

/// Runs the command that `args` names and returns its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    if fail::has_failpoints() {
        // Only in tests: a release build has no fail points. They stay active until the process ends.
        std::mem::forget(fail::FailScenario::setup());
        // If this fails, the faults of the file stay off, which the test that wrote the file notices.
        let _ = daemon::faults::follow();
    }
    let args: Vec<OsString> = args.into_iter().collect();
    if completion::answered(&args) {
        return ExitCode::SUCCESS;
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            say_usage(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let paint = Paint::wanted(cli.color, &std::io::stderr());
    let hosts = matches!(cli.command, Command::Up(_));
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure, paint, hosts);
            failure.code()
        }
    }
}

/// Prints the message of the command line parser, without the terminal control sequences of what it quotes. Write errors are
/// ignored, because nothing else can be done then.
fn say_usage(error: &clap::Error) {
    let plain = error.render().to_string();
    let fit = text::lines(&plain);
    if !error.use_stderr() || fit == plain {
        let _ = error.print();
    } else {
        let _ = std::io::stderr().lock().write_all(fit.as_bytes());
    }
    if let Some(hint) = args::advice(error) {
        let _ = writeln!(std::io::stderr().lock(), "hint: {hint}");
    }
}

/// Prints a failure. That of a host does not wait for a reader.
fn tell(failure: &Failure, paint: Paint, of_host: bool) {
    // The report may quote untrusted text.
    let report = paint.report(&text::lines(failure.report()));
    if of_host {
        daemon::say_at_last(&report);
    } else {
        let _ = std::io::stderr().lock().write_all(report.as_bytes());
    }
}
