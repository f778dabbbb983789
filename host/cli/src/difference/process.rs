//! The keys of a process with their values, and which of them need a restart. This is the only place that says so: a new part of
//! a spec does not compile before it is listed here, and a test compares the table with the schema of the config and with
//! docs/processes.md.

use std::path::{Path, PathBuf};

use provost_state::ProcessType;
use provost_supervisor::{
    Check, Condition, Escaped, HealthCheck, ProcessSpec, Readiness, ReplicaSet, SocketAddress, SocketKind,
    SocketSpec, Stderr, Stdin, StopTo,
};

use super::setup::{cgroup_settings, setup_settings};
use super::shape::{Effect, Setting, Settings, by_key};
use super::words;

/// What a change of each key of `[process.NAME]` takes, in the order of the documents.
pub(super) const KEYS: [(&str, Effect); 31] = [
    ("command", Effect::Restart),
    ("cwd", Effect::Restart),
    ("env", Effect::Restart),
    ("env_files", Effect::Restart),
    ("stdin", Effect::Restart),
    ("stderr", Effect::Restart),
    ("tty", Effect::Restart),
    ("sockets", Effect::Restart),
    ("watchdog", Effect::Restart),
    ("user", Effect::Restart),
    ("groups", Effect::Restart),
    ("umask", Effect::Restart),
    ("nice", Effect::Restart),
    ("ioprio", Effect::Restart),
    ("oom_score_adj", Effect::Restart),
    ("limits", Effect::Restart),
    ("no_new_privs", Effect::Restart),
    ("capabilities", Effect::Restart),
    ("cgroup", Effect::Restart),
    ("type", Effect::Restart),
    ("success_codes", Effect::Restart),
    ("group", Effect::Restart),
    ("autostart", Effect::Live),
    ("stop", Effect::Live),
    ("policies", Effect::Live),
    ("depends_on", Effect::Live),
    ("ready", Effect::Live),
    ("health", Effect::Live),
    ("usage", Effect::Live),
    ("logs", Effect::Live),
    ("replicas", Effect::Live),
];

/// Returns what a change of this key takes, which may have further parts: `stop.grace`.
pub(super) fn effect(key: &str) -> Effect {
    let first = key.split_once('.').map_or(key, |(first, _)| first);
    KEYS.iter().find(|(known, _)| *known == first).map_or(Effect::Restart, |(_, effect)| *effect)
}

/// The content of environment files that give a process the same variables as they would give it now.
pub(crate) const AS_NOW: &str = "as they are now";

/// Returns the settings of one process. `policies` are the names of those that judge it, `content` tells whether its
/// environment files give what they give now, and `dir` is the directory that paths are shown relative to.
pub(crate) fn process_settings<'p>(
    spec: &ProcessSpec,
    policies: impl IntoIterator<Item = &'p str>,
    content: &str,
    dir: &Path,
) -> Settings {
    let ProcessSpec {
        name: _,
        group,
        command,
        cwd,
        env,
        env_files,
        process_type,
        autostart,
        stop_signal,
        stop_to,
        escaped,
        stop_grace_ms,
        // The policies that judge it now are given.
        policies: _,
        depends_on,
        ready,
        sockets,
        watchdog_ms,
        health,
        usage_every_ms,
        // A replica differs from the others in its name and number alone.
        replica: _,
        log,
        stderr,
        stdin,
        tty,
        setup,
        cgroup,
    } = spec;
    let mut all = vec![
        Setting::new("group", words::text(group)),
        Setting::new("command", words::command(command)),
        Setting::new("type", words::text(process_type.as_str())),
        Setting::new("autostart", autostart.to_string()),
        Setting::new("stop.signal", words::text(stop_signal.to_string().trim_start_matches("SIG"))),
        Setting::new("stop.to", words::text(to(*stop_to))),
        Setting::new("stop.escaped", words::text(escaped_word(*escaped))),
        Setting::new("stop.grace", words::duration(*stop_grace_ms)),
        Setting::new("policies", words::texts(policies)),
        Setting::new("logs.file_size", words::size(log.file_bytes_max)),
        Setting::new("logs.files", log.files_max.to_string()),
        Setting::new("stderr", words::text(stderr_word(*stderr))),
        Setting::new("stdin", words::text(stdin_word(*stdin))),
        Setting::new("tty", tty.to_string()),
    ];
    all.extend(cwd.as_ref().map(|cwd| Setting::new("cwd", words::path(cwd, dir))));
    all.extend(
        env.iter().map(|(name, value)| {
            Setting::new(format!("env.{}", words::key(name)), words::text(value)).hidden()
        }),
    );
    if !env_files.is_empty() {
        let files = words::paths(env_files.iter().map(PathBuf::as_path), dir);
        all.push(Setting::new("env_files", files).holding(Some(content.to_owned())));
    }
    if let ProcessType::Job { success_codes } = process_type {
        let codes: Vec<String> = success_codes.iter().map(ToString::to_string).collect();
        all.push(Setting::new("success_codes", format!("[{}]", codes.join(", "))));
    }
    all.extend(depends_on.iter().map(|on| {
        Setting::new(format!("depends_on.{}", words::key(&on.name)), words::text(condition(on.condition)))
    }));
    all.extend(ready.iter().flat_map(ready_settings));
    all.extend(sockets.iter().flat_map(|socket| socket_settings(socket, dir)));
    all.extend(watchdog_ms.map(|watchdog_ms| Setting::new("watchdog", words::duration(watchdog_ms))));
    all.extend(health.iter().flat_map(health_settings));
    all.extend(setup_settings(setup).into_iter().chain(cgroup.iter().flat_map(cgroup_settings)));
    all.extend(usage_every_ms.map(|every| Setting::new("usage.every", words::duration(every))));
    by_key(all)
}

/// Replaces those settings that need a restart by those of the spec that a process was started with.
pub(crate) fn started_with(in_force: Settings, then: Settings) -> Settings {
    let needs_restart = |key: &str| effect(key) == Effect::Restart;
    let live = in_force.into_iter().filter(|(key, _)| !needs_restart(key));
    live.chain(then.into_iter().filter(|(key, _)| needs_restart(key))).collect()
}

/// Returns the settings of a replica set.
pub(crate) fn replica_settings(set: &ReplicaSet) -> Settings {
    let ReplicaSet { name: _, group: _, least, most, wanted_at_start: _, every_ms, policies: _ } = set;
    by_key(match least == most {
        true => vec![Setting::new("replicas", least.to_string())],
        false => vec![
            Setting::new("replicas.min", least.to_string()),
            Setting::new("replicas.max", most.to_string()),
            Setting::new("replicas.every", words::duration(*every_ms)),
        ],
    })
}

fn ready_settings(ready: &Readiness) -> Vec<Setting> {
    let Readiness { check, every_ms, timeout_ms, within_ms, own_port } = ready;
    let mut all = vec![
        check_setting("ready", check),
        Setting::new("ready.every", words::duration(*every_ms)),
        Setting::new("ready.timeout", words::duration(*timeout_ms)),
    ];
    all.extend(within_ms.map(|within| Setting::new("ready.within", words::duration(within))));
    all.extend(own_port.then(|| Setting::new("ready.own_port", "true")));
    all
}

fn health_settings(health: &HealthCheck) -> Vec<Setting> {
    let HealthCheck { check, every_ms, timeout_ms, failures } = health;
    vec![
        check_setting("health", check),
        Setting::new("health.every", words::duration(*every_ms)),
        Setting::new("health.timeout", words::duration(*timeout_ms)),
        Setting::new("health.failures", failures.to_string()),
    ]
}

fn socket_settings(socket: &SocketSpec, dir: &Path) -> Vec<Setting> {
    let SocketSpec { name, address, kind, mode, backlog } = socket;
    let key = format!("sockets.{}", words::key(name));
    let mut all = vec![Setting::new(
        format!("{key}.address"),
        match address {
            SocketAddress::Ip(address) => words::text(&address.to_string()),
            SocketAddress::Path(path) => words::path(path, dir),
        },
    )];
    if *kind != SocketKind::default() {
        all.push(Setting::new(format!("{key}.type"), words::text(&kind.to_string())));
    }
    all.extend(mode.map(|mode| Setting::new(format!("{key}.mode"), words::text(&format!("{mode:04o}")))));
    all.extend(backlog.map(|backlog| Setting::new(format!("{key}.backlog"), backlog.to_string())));
    all
}

fn check_setting(key: &str, check: &Check) -> Setting {
    match check {
        Check::Tcp(address) => Setting::new(format!("{key}.tcp"), words::text(address)),
        Check::Http(url) => Setting::new(format!("{key}.http"), words::text(url)),
        Check::Exec(command) => Setting::new(format!("{key}.exec"), words::command(command)),
        Check::LogLine(line) => Setting::new(format!("{key}.log"), words::text(line)),
        Check::Notified => Setting::new(format!("{key}.notify"), "true"),
        Check::Descriptor(number) => Setting::new(format!("{key}.fd"), number.to_string()),
    }
}

fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::Started => "started",
        Condition::Ready => "ready",
        Condition::Completed => "completed",
    }
}

fn to(to: StopTo) -> &'static str {
    match to {
        StopTo::Group => "group",
        StopTo::Main => "main",
    }
}

fn escaped_word(escaped: Escaped) -> &'static str {
    match escaped {
        Escaped::Kill => "kill",
        Escaped::Leave => "leave",
    }
}

fn stderr_word(stderr: Stderr) -> &'static str {
    match stderr {
        Stderr::Own => "own",
        Stderr::Merged => "merge",
    }
}

fn stdin_word(stdin: Stdin) -> &'static str {
    match stdin {
        Stdin::Null => "null",
        Stdin::Open => "open",
    }
}
