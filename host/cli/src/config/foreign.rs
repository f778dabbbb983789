//! Translates the config keys of supervisord, systemd, docker-compose, process-compose, pm2, s6 and circus to those of
//! Provost.
//!
//! Keys are compared without case, `_` and `-`, so that systemd's `WorkingDirectory` and another's `working_directory` are
//! the same.

use provost_state::naming;

/// The answer to a key of another supervisor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foreign {
    /// The key of this table that does the same, if there is one.
    pub(super) key: Option<&'static str>,
    /// What to say if there is no such key.
    instead: &'static str,
    /// The text that tells what to write.
    pub(super) hint: &'static str,
}

/// A row of a table of keys: the names elsewhere, the key here (`stop.signal` is `signal` in `stop`), and what to write.
type Row = (&'static str, &'static str, &'static str);

/// A row of a table of missing keys: the names elsewhere, what to say, and what to do.
type Lack = (&'static str, &'static str, &'static str);

const COMMAND: &str = "write command = [\"program\", \"argument\"] or command = \"a line for the shell\"";
const ENV: &str = "write env = { NAME = \"value\" }";
const STOP: &str = "write stop = { signal = \"TERM\", grace = \"10s\" }";
const POLICIES: &str = "write policies = [\"backoff\"] and, for the plugin, [plugins.backoff] with component = \"bundled:backoff\"; without policies, what fails is restarted after growing delays";
const LOGS: &str = "`provost logs NAME` shows the output of a process; write logs = { file_size = \"16MiB\", files = 4 } for how much is kept, and log_dir = \"/var/log/…\" in [host] for where";
const HEALTH: &str = "write health = { http = \"http://127.0.0.1:8731/\", every = \"10s\", failures = 3 }";
const READY: &str = "write ready = { http = \"http://127.0.0.1:8731/\", every = \"500ms\" }";
const WITHIN: &str = "write within = \"30s\" in `ready`, as in ready = { http = \"http://127.0.0.1:8731/\", within = \"30s\" }";
const DEPENDS: &str =
    "write depends_on = { db = \"ready\" }; the conditions are `started`, `ready` and `completed`";
const HOOKS: &str = "make it a separate process, and write depends_on = { NAME = \"completed\" } here";
const USER: &str = "write user = \"www-data\", or \"www-data:adm\" with another group; the user has to exist";
const CONTAINER: &str = "run the container by command = [\"docker\", \"run\", \"--rm\", \"IMAGE\"], or the program in it directly";

/// Keys that have another name in `[process.NAME]`.
const PROCESS: &[Row] = &[
    (
        "workingdir workingdirectory workdir directory dir chdir rootdirectory",
        "cwd",
        "write cwd = \"/srv/app\"; a relative path starts from the folder of the config",
    ),
    ("cmd exec execstart run script program entrypoint bin executable start", "command", COMMAND),
    ("environment envs envvars environmentvariables variables vars passenvironment", "env", ENV),
    ("envfile environmentfile dotenv environmentfiles", "env_files", "write env_files = [\".env\"]"),
    ("after requires requisite wants bindsto needs dependson dependencies", "depends_on", DEPENDS),
    ("stopsignal killsignal downsignal shutdownsignal", "stop.signal", STOP),
    (
        "stopwaitsecs stopgraceperiod killtimeout timeoutstopsec gracefultimeout stoptimeout \
         timeoutkill gracetime shutdown stopwait",
        "stop.grace",
        STOP,
    ),
    (
        "stopasgroup killasgroup killmode treekill stopchildren sendsighup",
        "stop.to",
        "write stop = { to = \"group\" }, which is the default, or stop = { to = \"main\" }",
    ),
    (
        "instances numprocs numprocesses scale processes workers deploy count",
        "replicas",
        "write replicas = 4, or replicas = { min = 1, max = 4 } for a number that a scale policy changes",
    ),
    ("healthcheck livenessprobe liveness watchdogsec watchdog", "health", HEALTH),
    (
        "readinessprobe readiness startupprobe readylogline waitready \
         notificationfd readinessfd",
        "ready",
        READY,
    ),
    (
        "listentimeout starttimeout timeoutstartsec starttimeoutsec timeoutup starttimeoutms",
        "ready.within",
        WITHIN,
    ),
    (
        "redirectstderr mergelogs combinelogs",
        "stderr",
        "write stderr = \"merge\" to have both streams in one",
    ),
    ("namespace slice partof groups profiles", "group", "write group = \"workers\""),
    ("istty pty terminal interactive ttypath", "tty", "write tty = true"),
    ("stdinopen standardinput", "stdin", "write stdin = \"open\" for a standard input that stays open"),
    ("uid gid dynamicuser runas username", "user", USER),
    ("supplementarygroups groupadd", "groups", "write groups = [\"ssl-cert\"], beside user = \"www-data\""),
    (
        "limitnofile limitnproc limitcore limitas limitmemlock ulimits ulimit rlimits softlimit rlimitnofile minfds",
        "limits",
        "write limits = { nofile = 4096, core = \"unlimited\" }",
    ),
    (
        "memlimit memorymax memorylimit memoryhigh cpus cpuquota cpulimit maxmemoryrestart resources tasksmax pidslimit",
        "cgroup",
        "write cgroup = { cpu = \"50%\", memory = \"256MiB\", pids = 100 }",
    ),
    ("niceness", "nice", "write nice = 5, from -20 to 19"),
    ("oomscoreadjust", "oom_score_adj", "write oom_score_adj = 500, from -1000 to 1000"),
    (
        "ioschedulingclass ioschedulingpriority ionice",
        "ioprio",
        "write ioprio = \"idle\", or \"best-effort:7\"",
    ),
    (
        "capabilityboundingset ambientcapabilities capadd capdrop",
        "capabilities",
        "write capabilities = [\"NET_BIND_SERVICE\"] for those that it keeps",
    ),
    ("nonewprivileges", "no_new_privs", "write no_new_privs = true"),
    (
        "enabled disabled startonboot oncreate onboot wantedby",
        "autostart",
        "write autostart = false for a process that is started by `provost start NAME` only",
    ),
];

/// Keys that have no equivalent in `[process.NAME]`.
const PROCESS_LACKS: &[Lack] = &[
    (
        "args arguments argv interpreter interpreterargs nodeargs shell",
        "the program and its arguments are in `command`",
        COMMAND,
    ),
    (
        "restart autorestart restartpolicy respawn policy availability restartmode unlessstopped",
        "policies decide what follows an exit",
        POLICIES,
    ),
    (
        "restartsec restartdelay maxrestarts startretries maxretry startlimitburst \
         startlimitinterval startlimitintervalsec backoff backoffseconds exitcodes \
         expbackoffrestartdelay minuptime startsecs restartsteps successexitstatus maxattempts",
        "it is a setting of the policy",
        "write policies = [\"backoff\"] here, and under [plugins.backoff] component = \"bundled:backoff\" and settings = { first = \"100ms\", max = \"30s\", give_up_after = 10 }",
    ),
    (
        "stdoutlogfile stderrlogfile stdoutlogfilemaxbytes stdoutlogfilebackups \
         stderrlogfilemaxbytes stderrlogfilebackups outfile errorfile outlog errorlog logfile \
         loglocation standardoutput standarderror stdoutstream stderrstream logging log \
         logconfiguration logdatefmt loggroup stdoutcapturemaxbytes maxsize",
        "Provost keeps the output of each process in separate files",
        LOGS,
    ),
    (
        "execmode incrementvar wait",
        "each replica is a separate process that opens its own ports",
        "write replicas = 4; the variable PROVOST_REPLICA says which one it is",
    ),
    (
        "schedule cron cronrestart oncalendar timer onunitactivesec interval",
        "Provost has no schedules yet",
        "write autostart = false here, and let cron or a timer run `provost start NAME`",
    ),
    (
        "watch watchdelay ignorewatch autoreload watchdir reloadon develop",
        "Provost does not watch files yet",
        "let a watcher run `provost restart NAME`, for example `watchexec -w src provost restart web`",
    ),
    (
        "priority cpuaffinity",
        "Provost has no such option",
        "let a command set it, such as command = [\"taskset\", \"-c\", \"0\", \"program\"]; for a start order write depends_on = { db = \"started\" }",
    ),
    (
        "execstartpre prestart beforestart precommand initcommand hooks execcondition",
        "Provost has no commands that run before a start",
        HOOKS,
    ),
    (
        "execstartpost execstop execstoppost execreload poststart poststop afterstart beforestop",
        "Provost has no commands that run after a start or at a stop",
        "the process itself is asked to end by a signal: write stop = { signal = \"TERM\", grace = \"10s\" }",
    ),
    (
        "image build volumes ports networks containername privileged expose pull",
        "Provost runs programs, not containers",
        CONTAINER,
    ),
    (
        "isdaemon daemonize daemon pidfile forking remainafterexit guessmainpid",
        "Provost runs programs in the foreground",
        "give the program the option that keeps it there, such as `--foreground`; it needs no pid file",
    ),
    (
        "description label labels documentation displayname comment",
        "Provost keeps no descriptions",
        "write it as a comment, which begins with #",
    ),
];

/// Keys that have another name at the top of the file.
const TOP: &[Row] = &[
    (
        "program programs service services processes procs apps app watcher unit job jobs task \
         tasks",
        "process",
        "write [process.NAME] on a line of its own, with command = \"…\" below it",
    ),
    (
        "plugin policy policies consumers views",
        "plugins",
        "write [plugins.NAME] on a line of its own, with component = \"bundled:NAME\" below it",
    ),
    (
        "supervisord supervisor settings global daemon provost server manager defaults",
        "host",
        "write [host] on a line of its own",
    ),
];

/// Keys that have no equivalent at the top of the file.
const TOP_LACKS: &[Lack] = &[
    (
        "version name environment env volumes networks logger",
        "it has no meaning for the whole file",
        "the tables are [host], [plugins.NAME] and [process.NAME]; `env` belongs to a process",
    ),
    (
        "command cmd cwd group dependson",
        "it belongs to a process",
        "write [process.NAME] on a line of its own above it",
    ),
    ("component allow", "it belongs to a plugin", "write [plugins.NAME] on a line of its own above it"),
    (
        "install unixhttpserver inethttpserver supervisorctl rpcinterface include imports extends",
        "there is no such table",
        "the tables are [host], [state], [plugins.NAME] and [process.NAME]; the host always listens on a socket in its runtime directory",
    ),
];

/// Keys that have another name in `[plugins.NAME]`.
const PLUGIN: &[Row] = &[
    (
        "path wasm file source module url uri image plugin location bundled builtin",
        "component",
        "write component = \"bundled:NAME\" or the path of a .wasm file",
    ),
    (
        "config configuration options params parameters args env with",
        "settings",
        "write settings = { … }, with the keys that the plugin knows",
    ),
    (
        "permissions capabilities grants grant allowed allowedhosts allowedpaths",
        "allow",
        "write allow = [\"http-out:hooks.example.org:443\", \"clock\"]",
    ),
    ("digest hash checksum sha", "sha256", "write sha256 = \"…\", which `provost plugin inspect` shows"),
];

/// Keys that have another name in `stop`.
const STOP_TABLE: &[Row] = &[
    ("timeout wait timeoutsec timeoutseconds graceperiod seconds", "grace", "write grace = \"10s\""),
    ("sig killsignal stopsignal", "signal", "write signal = \"TERM\""),
];

/// Keys that have another name in `ready` and `health`.
const CHECK: &[Row] = &[
    ("interval period periodseconds intervalseconds frequency delay", "every", "write every = \"10s\""),
    ("timeoutseconds timeoutsec", "timeout", "write timeout = \"1s\""),
    ("retries failurethreshold unhealthythreshold maxfailures", "failures", "write failures = 3"),
    ("httpget url uri endpoint", "http", "write http = \"http://127.0.0.1:8731/\""),
    ("test command cmd script shell", "exec", "write exec = [\"program\", \"argument\"]"),
    ("tcpsocket port socket address", "tcp", "write tcp = \"127.0.0.1:5432\""),
    ("logline pattern regex output", "log", "write log = \"a part of the line that says it is ready\""),
];

/// A table of a config, as the context of a foreign key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// The top of the file.
    Top,
    /// `[process]`, whose keys are names.
    Processes,
    /// `[plugins]`, whose keys are names.
    Plugins,
    /// `[process.NAME]`.
    Process,
    /// `[plugins.NAME]`.
    Plugin,
    /// `stop` of a process.
    Stop,
    /// `ready` or `health` of a process.
    Check,
    /// Anything else.
    #[default]
    Other,
}

impl Place {
    fn rows(self) -> (&'static [Row], &'static [Lack]) {
        match self {
            Self::Top => (TOP, TOP_LACKS),
            Self::Process => (PROCESS, PROCESS_LACKS),
            Self::Plugin => (PLUGIN, &[]),
            Self::Stop => (STOP_TABLE, &[]),
            Self::Check => (CHECK, &[]),
            Self::Processes | Self::Plugins | Self::Other => (&[], &[]),
        }
    }

    /// Returns the place of the table at `key` in this one.
    pub(super) fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Top, "process") => Self::Processes,
            (Self::Top, "plugins") => Self::Plugins,
            (Self::Processes, _) => Self::Process,
            (Self::Plugins, _) => Self::Plugin,
            (Self::Process, "stop") => Self::Stop,
            (Self::Process, "ready" | "health") => Self::Check,
            _ => Self::Other,
        }
    }

    /// Returns what another supervisor means by `word`.
    pub(super) fn foreign(self, word: &str) -> Option<Foreign> {
        let word = plain(word);
        let (rows, lacks) = self.rows();
        let called = |names: &&str| names.split_whitespace().any(|name| name == word);
        let row = rows.iter().find(|(names, ..)| called(names));
        let known = row.map(|(_, key, hint)| Foreign { key: Some(key), instead: "", hint });
        let lack = || lacks.iter().find(|(names, ..)| called(names));
        known.or_else(|| lack().map(|(_, instead, hint)| Foreign { key: None, instead, hint }))
    }

    /// Returns the problem and the hint for an unknown key that belongs to another supervisor, or is another spelling of a key
    /// in `known`.
    pub(super) fn translated(self, word: &str, known: &[&'static str]) -> Option<(String, String)> {
        if let Some(same) = known.iter().find(|key| plain(key) == plain(word)) {
            return Some((format!("`{word}` is called `{same}` here"), hint_for(same)));
        }
        let Foreign { key, instead, hint } = self.foreign(word)?;
        match key {
            Some(key) if key.split('.').next().is_none_or(|key| !known.contains(&key)) => None,
            Some(key) => Some((format!("`{word}` is called `{key}` here"), hint.to_owned())),
            None => Some((format!("there is no `{word}` here: {instead}"), hint.to_owned())),
        }
    }

    /// Whether `word` may have been written for `key`.
    pub(super) fn means(self, word: &str, key: &str) -> bool {
        self.foreign(word).is_some_and(|foreign| foreign.key == Some(key))
            || naming::nearest(word, [key]).is_some()
    }
}

/// Returns the hint for a key that was spelt differently.
fn hint_for(key: &str) -> String {
    match key {
        "type" => "write type = \"service\", which is the default, or type = \"job\"".to_owned(),
        _ => format!("write {key} = …"),
    }
}

/// Returns the form of a key that is compared.
fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PLACES: [Place; 5] = [Place::Top, Place::Process, Place::Plugin, Place::Stop, Place::Check];

    #[test]
    fn every_name_is_in_its_plain_form_and_in_one_row_of_its_table() {
        for place in PLACES {
            let (rows, lacks) = place.rows();
            let names = rows.iter().map(|row| row.0).chain(lacks.iter().map(|lack| lack.0));
            let mut seen = BTreeSet::new();
            for name in names.flat_map(str::split_whitespace) {
                assert_eq!(plain(name), name);
                assert!(seen.insert(name), "{name} is in {place:?} twice");
            }
        }
    }

    #[test]
    fn the_spelling_of_a_key_does_not_matter() {
        for word in ["working_dir", "WorkingDirectory", "working-directory", "directory"] {
            assert_eq!(Place::Process.foreign(word).and_then(|it| it.key), Some("cwd"), "{word}");
        }
        let told = Place::Process.translated("envFiles", &["env_files"]).map(|it| it.0);
        assert_eq!(told.as_deref(), Some("`envFiles` is called `env_files` here"));
        assert!(Place::Process.translated("zzz", &["cwd"]).is_none());
    }

    #[test]
    fn a_key_that_this_version_does_not_have_is_not_proposed() {
        assert!(Place::Check.translated("retries", &["every"]).is_none());
        assert!(Place::Check.translated("retries", &["failures"]).is_some());
    }
}
