//! The first stage of `[process.NAME]`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use provost_state::{ProcessType, Signal, naming};
use provost_supervisor::{Check, CommandLine, Condition, Escaped, ReplicaSet, Stderr, Stdin, StopTo};
use toml::Spanned;
use toml::de::DeValue;

use super::command::{COMMAND_HINT, read_command};
use super::report::choices;
use super::section::{Section, decimal};
use super::sections::{ProcessSection, ReplicasSection, StopSection};
use super::{cgroup, job, probe, setup, sockets};

const SIGNAL_HINT: &str =
    "write a name such as \"TERM\", \"SIGHUP\" or \"SIGRTMIN+3\", or a number from 1 to 31 or 34 to 64";

/// The largest number of log files of a process; each rotation looks for every one of them.
const LOG_FILES_MAX: usize = 10_000;

/// The default interval at which the scale policies of a process are asked, in milliseconds.
const SCALE_EVERY_MS: u64 = 10_000;

/// The intervals at which policies may be asked about the usage of a process, and the default one, in milliseconds.
const USAGE_EVERY_MS: RangeInclusive<u64> = 1_000..=3_600_000;
const USAGE_EVERY_DEFAULT_MS: u64 = 5_000;

const CONDITIONS: [(&str, Condition); 3] =
    [("started", Condition::Started), ("ready", Condition::Ready), ("completed", Condition::Completed)];

/// Reads one process.
pub(super) fn read<'t>(
    parent: &Section<'t>,
    name: Spanned<String>,
    value: &'t Spanned<DeValue<'t>>,
) -> Option<ProcessSection> {
    parent.check_name(&name, naming::check(name.get_ref()));
    let title = format!("[process.{}]", name.get_ref());
    let mut process = parent.section_of(name.get_ref(), value, title, COMMAND_HINT)?;
    let command = read_command(&mut process, "command");
    let command_span = process.value("command").map_or_else(|| name.span(), Spanned::span);
    if process.lacks("command") {
        let what = format!("{} has no `command`", process.title());
        process.problem(name.span(), what, COMMAND_HINT);
    }
    let group = process.text("group");
    if let Some(group) = &group {
        process.check_name(group, naming::check(group.get_ref()));
    }
    let stop = read_stop(&mut process);
    let (stderr, stdin, tty) = read_streams(&mut process);
    let (log_file_bytes, log_files) = read_logs(&mut process);
    let mut section = ProcessSection {
        group: group.map(Spanned::into_inner).unwrap_or_default(),
        // A missing command is reported above; the process stays in the list for references to it.
        command: command.unwrap_or(CommandLine::Shell(String::new())),
        command_span,
        cwd: process.text("cwd"),
        env: read_env(&mut process),
        env_files: process.texts("env_files").unwrap_or_default(),
        autostart: process.flag("autostart"),
        stop,
        policies: process.texts("policies").unwrap_or_default(),
        depends_on: read_dependencies(&mut process),
        ready: probe::read_ready(&mut process),
        sockets: sockets::read(&mut process),
        watchdog_ms: sockets::read_watchdog(&mut process),
        health: probe::read_health(&mut process),
        usage_every_ms: read_usage(&mut process),
        process_type: ProcessType::default(),
        replicas: read_replicas(&mut process),
        log_file_bytes,
        log_files,
        stderr,
        stdin,
        tty,
        setup: setup::read(&mut process),
        cgroup: cgroup::read(&mut process),
        name,
    };
    section.process_type = job::read(&mut process, section.replicas);
    check_descriptor(&process, &section);
    process.finish();
    Some(section)
}

/// Checks that the readiness descriptor has the first number after those of the sockets.
fn check_descriptor(process: &Section<'_>, section: &ProcessSection) {
    let Some(Check::Descriptor(number)) = section.ready.as_ref().map(|ready| &ready.check) else { return };
    let first = 3 + section.sockets.len();
    if usize::try_from(*number) != Ok(first) {
        let what = format!("`fd` of `ready` is {number}, but the first free descriptor is {first}");
        let hint = match section.sockets.len() {
            0 => "write ready = { fd = 3 }".to_owned(),
            _ => format!("the sockets are 3 to {}: write ready = {{ fd = {first} }}", first - 1),
        };
        process.problem(process.key_span("ready"), what, hint);
    }
}

fn read_stop(process: &mut Section<'_>) -> StopSection {
    let Some(mut stop) = process.table("stop", "write stop = { signal = \"TERM\", grace = \"10s\" }") else {
        return StopSection::default();
    };
    let section = StopSection {
        signal: read_signal(&mut stop),
        to: stop.word("to", &[("group", StopTo::Group), ("main", StopTo::Main)]),
        escaped: stop.word("escaped", &[("kill", Escaped::Kill), ("leave", Escaped::Leave)]),
        grace_ms: stop.duration_ms("grace"),
    };
    stop.finish();
    section
}

/// Reads the stop signal, a name or a number.
fn read_signal(stop: &mut Section<'_>) -> Option<Signal> {
    let value = stop.value("signal")?;
    let text = match value.get_ref() {
        DeValue::String(text) => text.clone().into_owned(),
        DeValue::Integer(number) => decimal(number),
        _ => {
            stop.problem(value.span(), "`signal` must be the name or the number of a signal", SIGNAL_HINT);
            return None;
        }
    };
    let signal = text.parse::<Signal>().ok();
    if signal.is_none() {
        stop.problems().add_with(value.span(), || match text.trim() {
            "32" | "33" => (
                format!("signal {text} cannot be sent: the C library keeps 32 and 33 for its threads"),
                "the first real-time signal is SIGRTMIN, which is 34".to_owned(),
            ),
            _ => {
                let names: Vec<String> = Signal::all().map(|signal| signal.to_string()).collect();
                let bare = text.to_ascii_uppercase();
                let full = if bare.starts_with("SIG") { bare } else { format!("SIG{bare}") };
                // No name is similar to a number.
                let is_number = text.trim().parse::<i64>().is_ok();
                let near =
                    (!is_number).then(|| naming::nearest(&full, names.iter().map(String::as_str))).flatten();
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                (format!("`{text}` is not a signal"), format!("{near}{SIGNAL_HINT}"))
            }
        });
    }
    signal
}

/// Reads the standard streams: where standard error goes, what standard input is, and whether all of them are a terminal.
fn read_streams(process: &mut Section<'_>) -> (Option<Stderr>, Option<Stdin>, bool) {
    let stderr = process.word("stderr", &[("own", Stderr::Own), ("merge", Stderr::Merged)]);
    let stdin = process.word("stdin", &[("null", Stdin::Null), ("open", Stdin::Open)]);
    let tty = process.flag("tty").unwrap_or(false);
    let refused = [("stdin", process.has("stdin")), ("stderr", stderr == Some(Stderr::Own))];
    for (key, _) in refused.into_iter().filter(|(_, refused)| tty && *refused) {
        let what = format!("`{key}` of {} does not go with `tty = true`", process.title());
        let hint = format!("a terminal is standard input, output and error in one: remove `{key}`, or `tty`");
        process.problem(process.key_span(key), what, hint);
    }
    (stderr, stdin, tty)
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
    if let Some(files) = limits.1.filter(|files| *files > LOG_FILES_MAX) {
        let what = format!("`files` is {files}, but at most {LOG_FILES_MAX} are kept");
        logs.problem(logs.key_span("files"), what, "make the files larger by `file_size`, or keep fewer");
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
            DeValue::Integer(number) => decimal(number),
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

/// Reads `depends_on`: a list of names, or a table of names and conditions.
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
            table.problems().add_with(value.span(), || {
                let what = format!("unknown condition `{}`", shown(value));
                (what, choices(word, "conditions", CONDITIONS.map(|(known, _)| known)))
            });
        }
        dependencies.push((name, condition.unwrap_or(Condition::Started)));
    }
    dependencies
}

/// Returns a scalar as it was written, or the type of any other value.
fn shown(value: &Spanned<DeValue<'_>>) -> String {
    match value.get_ref() {
        DeValue::String(text) => text.clone().into_owned(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        other => other.type_str().to_owned(),
    }
}

/// Reads `usage`: how often the policies are asked about the resources that the process uses.
fn read_usage(process: &mut Section<'_>) -> Option<u64> {
    let hint = "write usage = { every = \"5s\" }, from 1 s to 1 h";
    let mut usage = process.table("usage", hint)?;
    let every_ms = usage.duration_ms("every");
    if every_ms.is_some_and(|every_ms| !USAGE_EVERY_MS.contains(&every_ms)) {
        usage.problem(usage.key_span("every"), "`every` is out of its bounds", hint);
    }
    usage.finish();
    Some(every_ms.unwrap_or(USAGE_EVERY_DEFAULT_MS))
}

/// Reads `replicas`: a number, or a table with a least and a most.
fn read_replicas(process: &mut Section<'_>) -> Option<ReplicasSection> {
    let hint = "write replicas = 3 or replicas = { min = 1, max = 4, every = \"10s\" }";
    let value = process.value("replicas")?;
    let (least, most, every_ms) = if value.get_ref().is_table() {
        let mut table = process.table("replicas", hint)?;
        let (least, most, every_ms) = (table.count("min"), table.count("max"), table.duration_ms("every"));
        if table.lacks("min") || table.lacks("max") {
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
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let all = ReplicaSet::REPLICAS_MAX;
    if least > most || number(most) > all {
        let what = format!("{least} to {most} replicas are impossible: `max` is from `min` to {all}");
        process.problem(value.span(), what, hint);
        return None;
    }
    Some(ReplicasSection {
        least: number(least),
        most: number(most),
        every_ms: every_ms.unwrap_or(SCALE_EVERY_MS),
    })
}
