//! Hints for people who type the commands and options of another supervisor.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Commands of supervisorctl, systemctl, docker compose, process-compose, pm2 and circusctl, and their equivalents here.
const VERBS: &[(&str, &str)] = &[
    (
        "ps ls list jlist top monit process stats show is-active is-failed",
        "`provost status` shows all processes",
    ),
    ("log tail maintail attach journal journalctl", "`provost logs -f NAME` follows the output of a process"),
    (
        "run supervise serve daemon launch init create",
        "`provost up` runs the processes of provost.toml, `provost start NAME` starts one",
    ),
    ("shutdown quit exit", "`provost down` stops everything"),
    ("kill", "`provost stop NAME` stops a process, `provost signal KILL NAME` sends a signal"),
    (
        "delete del remove rm",
        "`provost stop NAME` stops a process; without it in the config, `provost reload` removes it",
    ),
    (
        "update reread reloadconfig graceful-reload",
        "`provost reload` applies a changed config, `provost restart NAME` restarts a process",
    ),
    ("check configtest verify test lint config", "`provost validate` checks the config"),
    ("enable disable", "write autostart = true or false in [process.NAME]"),
    ("why describe info inspect", "`provost explain NAME` says why a process is in its state"),
    ("tree deps dependencies list-dependencies", "`provost graph` draws which process waits for which"),
    (
        "critical-chain blame plot",
        "`provost analyze` shows how long the start of the host took, and who waited for whom",
    ),
    ("history", "`provost timeline NAME` shows the incarnations of a process"),
    ("completion", "`provost completions SHELL` prints the script for a shell"),
    ("plugins", "`provost plugin list` shows the plugins"),
    ("metrics", "`provost view PLUGIN` shows what a plugin renders"),
];

/// Returns what to type instead of an unknown command or option, if that is known.
pub(crate) fn advice(error: &clap::Error) -> Option<&'static str> {
    let typed = |kind| match error.get(kind) {
        Some(ContextValue::String(typed)) => Some(typed.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let verb = typed(ContextKind::InvalidSubcommand)?;
            VERBS
                .iter()
                .find(|(names, _)| names.split(' ').any(|name| name == verb))
                .map(|(_, advice)| *advice)
        }
        ErrorKind::UnknownArgument if typed(ContextKind::InvalidArg)?.starts_with("-f") => {
            Some("the config is named with -c; -f means follow, in `logs` and `events`")
        }
        ErrorKind::UnknownArgument if matches!(typed(ContextKind::InvalidArg)?, "-d" | "--daemon") => {
            Some("`provost up --detach` runs the host in the background")
        }
        _ => None,
    }
}
