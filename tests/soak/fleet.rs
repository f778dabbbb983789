//! The 200 processes: their kinds, their config and their programs.

use std::fmt::Write as _;
use std::path::Path;

/// What a process does, which determines its expected phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Runs forever.
    Lasting,
    /// Repeatedly ends with an error after a moment.
    Crashing,
    /// Ends with success after a moment.
    Job,
    /// Has children in its group.
    Family,
    /// Has a descendant that leaves its group and its session.
    Escaping,
    /// Writes numbered lines.
    Writing,
    /// Writes numbered lines, with standard error merged into standard output.
    Merged,
    /// Writes numbered lines to a terminal.
    Terminal,
    /// Waits for another process.
    Dependent,
    /// One of a set of replicas.
    Replica,
    /// Is restarted with its group.
    Grouped,
    /// Has a readiness check and a health check.
    Checked,
    /// Can be made to hang in exec: fail points recognize its name.
    Hanging,
}

/// One process.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) group: String,
    /// The process that it waits for.
    pub(crate) needs: Option<String>,
}

/// The kinds, with the prefix of their names and the number of processes.
const KINDS: [(Kind, &str, usize); 13] = [
    (Kind::Lasting, "lasting", 40),
    (Kind::Crashing, "crashing", 16),
    (Kind::Job, "job", 14),
    (Kind::Family, "family", 14),
    (Kind::Escaping, "escaping", 14),
    (Kind::Writing, "writing", 12),
    (Kind::Merged, "merged", 4),
    (Kind::Terminal, "terminal", 4),
    (Kind::Dependent, "dependent", 20),
    (Kind::Replica, "replica", 20),
    (Kind::Grouped, "grouped", 20),
    (Kind::Checked, "checked", 12),
    (Kind::Hanging, "hang", 10),
];

/// The number of processes.
pub(crate) const PROCESSES: usize = 200;

/// The number of members of a group that is restarted together.
const TOGETHER: usize = 5;

/// The beginning of all programs: writes the pid and the start time of this incarnation into `lives`, and a line into
/// `doubles` if the previous incarnation is still there.
const LIFE: &str = r#"
read -r stat < /proc/$$/stat
set -- "$1" $stat
mine="$$ ${23}"
last=lives/$PROVOST_PROCESS
if read -r pid start < $last && read -r stat < /proc/$pid/stat; then
  set -- "$1" $stat
  # A process that is reaped at this moment has the state X.
  [ "${23}" = "$start" ] && [ "$4" != Z ] && [ "$4" != X ] && echo "$PROVOST_PROCESS: $pid is still there as $mine begins" >> doubles
fi 2>/dev/null
echo "$mine" > $last
"#;

/// The rest of the programs, by kind.
///
/// Each writes a line at its start: a process whose shell lost a message on a full disk shows by it that its log can be
/// written again.
const PROGRAMS: &str = r#"
[ "$1" = writing ] || echo up
case $1 in
lasting) exec sleep 100000 ;;
crashing) sleep 0.$(($$ % 9 + 1)); exit 3 ;;
job) sleep 0.2; exit 0 ;;
family) sleep 100000 & sleep 100000 & wait; exit 1 ;;
escaping) setsid sleep 100000 & exec sleep 100000 ;;
checked) exec sleep 100000 ;;
writing)
  n=0
  while :; do
    for i in 1 2 3 4; do n=$((n + 1)); echo "line $PROVOST_INCARNATION $n"; done
    n=$((n + 1)); echo "line $PROVOST_INCARNATION $n" >&2
    echo "$n" > counts/$PROVOST_PROCESS.$PROVOST_INCARNATION
    sleep 0.5
  done ;;
esac
"#;

impl Kind {
    /// Returns the name of its program in the script.
    fn program(self) -> &'static str {
        match self {
            Self::Crashing => "crashing",
            Self::Job => "job",
            Self::Family => "family",
            Self::Escaping => "escaping",
            Self::Writing | Self::Merged | Self::Terminal => "writing",
            Self::Checked => "checked",
            Self::Lasting | Self::Dependent | Self::Replica | Self::Grouped | Self::Hanging => "lasting",
        }
    }

    /// Whether it writes numbered lines.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::Writing | Self::Merged | Self::Terminal)
    }

    /// Returns the other lines of its section in the config.
    fn options(self, number: usize) -> String {
        match self {
            Self::Crashing => "policies = [\"always\"]\n".to_owned(),
            // It has no policies, so the failsafe decides.
            Self::Dependent => format!("depends_on = {{ lasting-{number} = \"ready\" }}\n"),
            Self::Grouped => "policies = [\"together\"]\n".to_owned(),
            Self::Writing => {
                "policies = [\"backoff\"]\nlogs = { file_size = \"16KiB\", files = 10000 }\n".to_owned()
            }
            Self::Merged => "policies = [\"backoff\"]\nstderr = \"merge\"\n".to_owned(),
            Self::Terminal => "policies = [\"backoff\"]\ntty = true\n".to_owned(),
            Self::Checked => "policies = [\"backoff\"]\nready = { log = \"up\" }\n\
                 health = { exec = \"test -e ok\", every = \"2s\", failures = 3 }\n"
                .to_owned(),
            Self::Replica => "policies = [\"backoff\"]\nreplicas = 10\n".to_owned(),
            _ => "policies = [\"backoff\"]\n".to_owned(),
        }
    }
}

/// Returns all processes, in the order of the config.
pub(crate) fn members() -> Vec<Member> {
    let mut members = Vec::new();
    for (kind, word, count) in KINDS {
        for number in 0..count {
            let group = match kind {
                Kind::Grouped => format!("together-{}", number / TOGETHER),
                _ => word.to_owned(),
            };
            let name = match kind {
                Kind::Replica => format!("replica-{}.{}", number / 10, number % 10 + 1),
                _ => format!("{word}-{number}"),
            };
            let needs = (kind == Kind::Dependent).then(|| format!("lasting-{number}"));
            members.push(Member { name, kind, group, needs });
        }
    }
    assert_eq!(members.len(), PROCESSES);
    members
}

/// Returns the config of all processes.
pub(crate) fn config() -> String {
    // The crashes are intended, so the restart budget must not limit them.
    let mut config = String::from(
        "[host]\nrestart_delay_max = \"1s\"\nrestart_budget = { restarts = 99, per = \"1ms\" }\n\
         [plugins.backoff]\ncomponent = \"bundled:backoff\"\n\
         settings = { first = \"100ms\", max = \"1s\" }\n\
         [plugins.always]\ncomponent = \"bundled:backoff\"\n\
         settings = { first = \"500ms\", max = \"1s\", on = \"always\" }\n\
         [plugins.together]\ncomponent = \"bundled:otp\"\n\
         settings = { strategy = \"one_for_all\", intensity = 1000, period = 1 }\n\
         [plugins.metrics]\ncomponent = \"bundled:prometheus\"\n",
    );
    for member in members() {
        let number: usize = member.name.rsplit(['-', '.']).next().unwrap().parse().unwrap();
        let name = match member.name.split_once('.') {
            // A set of replicas is one section.
            Some((set, "1")) => set,
            Some(_) => continue,
            None => &member.name,
        };
        write!(
            config,
            "[process.{name}]\ncommand = [\"sh\", \"run.sh\", \"{}\"]\ngroup = \"{}\"\n\
             stop = {{ grace = \"2s\" }}\n{}",
            member.kind.program(),
            member.group,
            member.kind.options(number),
        )
        .unwrap();
    }
    config
}

/// Writes the files and folders that the programs need.
pub(crate) fn prepare(dir: &Path) {
    for folder in ["lives", "counts"] {
        std::fs::create_dir(dir.join(folder)).unwrap();
    }
    std::fs::write(dir.join("ok"), "").unwrap();
    std::fs::write(dir.join("run.sh"), format!("{LIFE}{PROGRAMS}")).unwrap();
}
