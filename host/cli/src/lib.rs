//! The `provost` command. Floor 3 of the house: it reads the config, plugs the crates together, and shows
//! what is so. It decides nothing.
//!
//! | room | owns |
//! |---|---|
//! | `commands` | everything that can be asked but for the host itself |
//! | `completion` | completion by the shell |
//! | `daemon` | the host: one to a runtime directory, the only wiring, the foreground and the background |
//! | `failure` | errors with hints and exit codes |
//! | `args` | the command line and its help |
//! | `config` | the file in two stages: typed sections, then specs |
//! | `compiling` | compilation of plugins in a process with limits |
//! | `render` | what people see: pure functions to text |
//! | `guests` | building plugins |
//! | `inherited` | what a process of this program is given by whoever started it, and does not keep |

mod args;
mod commands;
mod compiling;
mod completion;
pub mod config;
mod daemon;
mod failure;
pub mod guests;
mod inherited;
mod render;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use provost_state::text;

use args::{Cli, Command};
use failure::Failure;
use render::style::Paint;

pub use compiling::run_if_compiler;

/// Does what the command line says.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    if fail::has_failpoints() {
        // In a test alone: a release build has no fail points. They stay in force to the very end.
        std::mem::forget(fail::FailScenario::setup());
        // Without it the faults of the file stay off, which the test that wrote it notices.
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

/// Shows what the parser of the command line says, and nothing that a terminal would obey of what it quotes. Nothing is left
/// to be done if even this cannot be written.
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

/// Shows a failure; that of a host waits for nobody.
fn tell(failure: &Failure, paint: Paint, of_host: bool) {
    // What it quotes may come from anywhere.
    let report = paint.report(&text::lines(failure.report()));
    if of_host {
        daemon::say_at_last(&report);
    } else {
        let _ = std::io::stderr().lock().write_all(report.as_bytes());
    }
}
