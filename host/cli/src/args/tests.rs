//! Tests of the command line.

use std::path::Path;

use clap::{CommandFactory, Parser};

use super::cli::{Cli, Command, LogsArgs};

#[test]
fn the_command_line_passes_the_checks_of_clap() {
    Cli::command().debug_assert();
}

#[test]
fn every_help_text_fits_into_eighty_columns() {
    fn check(command: &mut clap::Command) {
        let help = command.clone().term_width(80).render_long_help().to_string();
        let widest = help.lines().max_by_key(|line| line.chars().count()).unwrap_or_default();
        assert!(widest.chars().count() <= 80, "{}: {widest}", command.get_name());
        // Text with a layout of its own must not be wrapped by clap.
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in after.lines() {
            assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
        }
        command.get_subcommands_mut().for_each(check);
    }
    let mut cli = Cli::command();
    cli.build();
    check(&mut cli);
}

#[test]
fn the_option_f_means_follow_and_never_a_file() {
    let logs = Cli::try_parse_from(["provost", "logs", "-f", "-n", "0", "web"]).unwrap();
    assert!(matches!(logs.command, Command::Logs(LogsArgs { follow: true, lines: Some(0), .. })));
    assert!(Cli::try_parse_from(["provost", "up", "-f", "x.toml"]).is_err());
}

#[test]
fn a_bad_duration_or_signal_is_refused() {
    assert!(Cli::try_parse_from(["provost", "down", "--timeout", "soon"]).is_err());
    assert!(Cli::try_parse_from(["provost", "signal", "NOPE", "web"]).is_err());
    assert!(Cli::try_parse_from(["provost", "signal", "sigusr1", "web"]).is_ok());
}

#[test]
fn the_option_c_names_the_config_of_every_command_anywhere_in_the_line() {
    for line in [
        "provost -c x.toml up",
        "provost up -c x.toml",
        "provost up --config x.toml",
        "provost validate -c x.toml",
        "provost logs -f -c x.toml web",
        "provost events -fc x.toml",
        "provost state backend dual -c x.toml",
        "provost state -c x.toml backend dual",
        "provost plugin list -c x.toml",
    ] {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        assert_eq!(cli.config.as_deref(), Some(Path::new("x.toml")), "{line}");
    }
}

#[test]
fn settings_are_a_json_object() {
    let load =
        |settings| Cli::try_parse_from(["provost", "plugin", "load", "a", "b", "--settings", settings]);
    assert!(load("{\"tries\": 3}").is_ok());
    let told = load("[1]").unwrap_err().to_string();
    assert!(told.contains("settings are a JSON object"), "{told}");
}
