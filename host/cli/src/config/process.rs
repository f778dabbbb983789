//! The first stage of `[process.NAME]`.

use std::collections::BTreeMap;

use provost_state::{Signal, naming};
use provost_supervisor::{CommandLine, Condition};
use toml::Spanned;
use toml::de::DeValue;

use super::file::{ProcessSection, ReplicasSection, named};
use super::probe;
use super::report::choices;
use super::section::Section;

const COMMAND_HINT: &str =
    "write command = [\"program\", \"argument\"] or command = \"a line for the shell\"";
const CONDITIONS: [(&str, Condition); 3] =
    [("started", Condition::Started), ("ready", Condition::Ready), ("completed", Condition::Completed)];

/// Reads one process.
pub(super) fn read<'t>(
    parent: &Section<'t>,
    name: Spanned<String>,
    value: &'t Spanned<DeValue<'t>>,
) -> Option<ProcessSection> {
    named(parent, &name, naming::check(name.get_ref()));
    let title = format!("[process.{}]", name.get_ref());
    let mut process = parent.section_of(name.get_ref(), value, title, COMMAND_HINT)?;
    let command = read_command(&mut process, "command");
    if command.is_none() && process.value("command").is_none() {
        let what = format!("{} says no `command`", process.title());
        process.problem(name.span(), what, COMMAND_HINT);
    }
    let group = process.text("group");
    if let Some(group) = &group {
        named(&process, group, naming::check(group.get_ref()));
    }
    let (stop_signal, stop_grace_ms) = read_stop(&mut process);
    let (log_file_bytes, log_files) = read_logs(&mut process);
    let section = ProcessSection {
        group: group.map(Spanned::into_inner).unwrap_or_default(),
        // A process without a command is a problem already; it stays in the list for those that name it.
        command: command.unwrap_or(CommandLine::Shell(String::new())),
        cwd: process.text("cwd").map(Spanned::into_inner),
        env: read_env(&mut process),
        env_files: process
            .texts("env_files")
            .unwrap_or_default()
            .into_iter()
            .map(Spanned::into_inner)
            .collect(),
        autostart: process.flag("autostart").unwrap_or(true),
        stop_signal,
        stop_grace_ms,
        policies: process.texts("policies").unwrap_or_default(),
        depends_on: read_dependencies(&mut process),
        ready: probe::read_ready(&mut process),
        health: probe::read_health(&mut process),
        replicas: read_replicas(&mut process),
        log_file_bytes,
        log_files,
        name,
    };
    process.finish();
    Some(section)
}

/// A list of texts (a program and its arguments), or a text (a line for the shell).
pub(super) fn read_command(section: &mut Section<'_>, key: &'static str) -> Option<CommandLine> {
    let value = section.value(key)?;
    let command = match value.get_ref().as_str() {
        Some(line) => CommandLine::Shell(line.to_owned()),
        None => {
            let words = section.texts_of(key, value)?;
            CommandLine::Argv(words.into_iter().map(Spanned::into_inner).collect())
        }
    };
    let (empty, nul) = match &command {
        CommandLine::Shell(line) => (line.trim().is_empty(), line.contains('\0')),
        CommandLine::Argv(words) => (
            words.first().is_none_or(|program| program.trim().is_empty()),
            words.iter().any(|word| word.contains('\0')),
        ),
    };
    if empty {
        section.problem(value.span(), format!("`{key}` in {} is empty", section.title()), COMMAND_HINT);
    }
    if nul {
        let hint = "no program can be given an argument with a NUL in it: remove \\u0000";
        section.problem(value.span(), format!("`{key}` contains a NUL character"), hint);
    }
    Some(command)
}

fn read_stop(process: &mut Section<'_>) -> (Option<Signal>, Option<u64>) {
    let Some(mut stop) = process.table("stop", "write stop = { signal = \"TERM\", grace = \"10s\" }") else {
        return (None, None);
    };
    let signal = match stop.value("signal") {
        Some(value) => {
            let text = match value.get_ref() {
                DeValue::Integer(number) => number.as_str().to_owned(),
                other => other.as_str().unwrap_or_default().to_owned(),
            };
            let signal = text.parse::<Signal>().ok();
            if signal.is_none() {
                let names: Vec<String> = Signal::all()
                    .map(|signal| signal.to_string().trim_start_matches("SIG").to_owned())
                    .collect();
                let bare = text.to_ascii_uppercase();
                let bare = bare.strip_prefix("SIG").unwrap_or(&bare);
                let hint = choices(bare, "signals", names.iter().map(String::as_str));
                stop.problem(value.span(), format!("`{text}` is not a signal"), hint);
            }
            signal
        }
        None => None,
    };
    let grace = stop.duration_ms("grace");
    stop.finish();
    (signal, grace)
}

fn read_logs(process: &mut Section<'_>) -> (Option<u64>, Option<usize>) {
    let Some(mut logs) = process.table("logs", "write logs = { file_size = \"16MiB\", files = 4 }") else {
        return (None, None);
    };
    let limits = (logs.size_bytes("file_size"), logs.count("files"));
    if limits.0.is_some_and(|bytes| bytes < 4096) {
        let span = logs.key_span("file_size");
        logs.problem(span, "`file_size` is less than 4 KiB", "write a size such as \"16MiB\"");
    }
    logs.finish();
    limits
}

fn read_env(process: &mut Section<'_>) -> BTreeMap<String, String> {
    let hint = "write env = { NAME = \"value\" }";
    let Some(env) = process.table("env", hint) else { return BTreeMap::new() };
    let mut variables = BTreeMap::new();
    for (name, value) in env.entries() {
        let text = match value.get_ref() {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Boolean(flag) => flag.to_string(),
            _ => {
                let what = format!("`{}` in {} must be a text", name.get_ref(), env.title());
                env.problem(value.span(), what, hint);
                continue;
            }
        };
        if name.get_ref().is_empty() || name.get_ref().contains(['=', '\0']) || text.contains('\0') {
            let what = format!("`{}` cannot be an environment variable", name.get_ref());
            env.problem(name.span(), what, "a name is not empty and has no `=`; neither part has a NUL");
            continue;
        }
        variables.insert(name.into_inner(), text);
    }
    variables
}

/// A list of names, or a table of names and conditions.
fn read_dependencies(process: &mut Section<'_>) -> Vec<(Spanned<String>, Condition)> {
    let Some(value) = process.value("depends_on") else { return Vec::new() };
    if value.get_ref().is_array() {
        let names = process.texts_of("depends_on", value).unwrap_or_default();
        return names.into_iter().map(|name| (name, Condition::Started)).collect();
    }
    let hint = "write depends_on = { db = \"ready\" } or depends_on = [\"db\"]";
    let title = format!("`depends_on` of {}", process.title());
    let Some(table) = process.section_of("depends_on", value, title, hint) else { return Vec::new() };
    let mut dependencies = Vec::new();
    for (name, value) in table.entries() {
        let word = value.get_ref().as_str().unwrap_or_default();
        let condition = CONDITIONS.iter().find(|(known, _)| *known == word).map(|(_, condition)| *condition);
        if condition.is_none() {
            let what = format!("`{}` is not something a process can be waited for to be", shown(value));
            let known = CONDITIONS.map(|(known, _)| known);
            table.problem(value.span(), what, choices(word, "conditions", known));
        }
        dependencies.push((name, condition.unwrap_or(Condition::Started)));
    }
    dependencies
}

/// A scalar as it was written, or what it is.
fn shown(value: &Spanned<DeValue<'_>>) -> String {
    match value.get_ref() {
        DeValue::String(text) => text.clone().into_owned(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        other => other.type_str().to_owned(),
    }
}

/// A number, or the least and the most.
fn read_replicas(process: &mut Section<'_>) -> Option<ReplicasSection> {
    const MOST: usize = 1_000;
    let hint = "write replicas = 3 or replicas = { min = 1, max = 4, every = \"10s\" }";
    let value = process.value("replicas")?;
    let (least, most, every_ms) = if value.get_ref().is_table() {
        let mut table = process.table("replicas", hint)?;
        let (least, most, every_ms) = (table.count("min"), table.count("max"), table.duration_ms("every"));
        if least.is_none() || most.is_none() {
            table.problem(value.span(), "replicas that change need a `min` and a `max`", hint);
        }
        if every_ms == Some(0) {
            table.problem(table.key_span("every"), "`every` must be more than 0", hint);
        }
        table.finish();
        (least?, most?, every_ms)
    } else {
        let count = process.count("replicas")?;
        (count, count, None)
    };
    if least > most || most > MOST {
        let what =
            format!("{least} to {most} replicas cannot be: at least 1, at most {MOST}, and `min` first");
        process.problem(value.span(), what, hint);
        return None;
    }
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Some(ReplicasSection { least: number(least), most: number(most), every_ms })
}
