//! The processes: their kinds and their config, which has several versions for reloads.

use std::fmt::Write as _;
use std::path::Path;

use crate::places;

/// What a process does, which determines its expected phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Writes numbered lines now and then, for ever.
    Steady,
    /// Writes numbered lines and ends at random.
    Crashing,
    /// Writes many numbered lines, at times more than a pipe holds.
    Loud,
    /// Waits for another process.
    Dependent,
    /// One of a set of replicas.
    Replica,
    /// Is restarted with its group.
    Grouped,
    /// Is in the odd versions of the config only.
    Extra,
}

/// The kinds, with the prefix of their names and the number of processes.
const KINDS: [(Kind, &str, usize); 7] = [
    (Kind::Steady, "steady", 42),
    (Kind::Crashing, "crashing", 26),
    (Kind::Loud, "loud", 4),
    (Kind::Dependent, "dependent", 8),
    (Kind::Replica, "replica", REPLICAS),
    (Kind::Grouped, "grouped", 8),
    (Kind::Extra, "extra", 4),
];

/// The number of replicas in the config.
pub(crate) const REPLICAS: usize = 8;

/// The number of members of a group that is restarted together.
const TOGETHER: usize = 4;

/// The number of steady processes that each version of the config changes, so that a reload restarts them.
const CHANGED: usize = 4;

impl Kind {
    /// Returns the prefix of the names of its processes.
    fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, word, _)| word)
    }

    /// Returns the kind with this prefix.
    pub(crate) fn of(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known, _)| *known == word).map(|(kind, ..)| *kind)
    }

    /// Whether the process of this name is removed and added again: then another one may have the name.
    pub(crate) fn is_removed(name: &str) -> bool {
        name.starts_with(Self::Extra.word())
    }

    /// Whether orders are given to it by its name.
    pub(crate) fn is_ordered(self) -> bool {
        !matches!(self, Self::Replica | Self::Extra)
    }

    /// Returns the other lines of its section in this version of the config.
    fn options(self, number: usize, version: u64) -> String {
        match self {
            Self::Crashing => "policies = [\"always\"]\n".to_owned(),
            Self::Dependent => {
                format!("policies = [\"backoff\"]\ndepends_on = {{ steady-{number} = \"ready\" }}\n")
            }
            Self::Grouped => "policies = [\"together\"]\n".to_owned(),
            Self::Replica => format!("policies = [\"backoff\"]\nreplicas = {REPLICAS}\n"),
            Self::Steady if number < CHANGED => {
                format!("policies = [\"backoff\"]\nenv = {{ VERSION = \"{version}\" }}\n")
            }
            Self::Steady | Self::Loud | Self::Extra => "policies = [\"backoff\"]\n".to_owned(),
        }
    }
}

/// One process.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The process that it waits for.
    pub(crate) needs: Option<String>,
}

/// Returns all processes of this version of the config, in its order.
pub(crate) fn members(version: u64) -> Vec<Member> {
    let mut members = Vec::new();
    for (kind, word, count) in KINDS {
        if kind == Kind::Extra && version.is_multiple_of(2) {
            continue;
        }
        for number in 0..count {
            let name = match kind {
                Kind::Replica => format!("{word}.{}", number + 1),
                _ => format!("{word}-{number}"),
            };
            let needs = (kind == Kind::Dependent).then(|| format!("steady-{number}"));
            members.push(Member { name, kind, needs });
        }
    }
    members
}

/// Returns this version of the config.
pub(crate) fn config(seed: u64, version: u64) -> String {
    // The crashes are intended, so the restart budget must not limit them.
    let mut config = String::from(
        "[host]\nkeeper = true\nrestart_delay_max = \"1s\"\nrestart_budget = { restarts = 99, per = \"1ms\" }\n\
         [journal]\nmax_bytes = \"64GiB\"\n\
         [plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = { first = \"100ms\", max = \"1s\" }\n\
         [plugins.always]\ncomponent = \"bundled:backoff\"\n\
         settings = { first = \"100ms\", max = \"1s\", on = \"always\" }\n\
         [plugins.together]\ncomponent = \"bundled:otp\"\n\
         settings = { strategy = \"one_for_all\", intensity = 1000, period = 1 }\n",
    );
    for member in members(version) {
        let (section, number) = match member.name.split_once('.') {
            // A set of replicas is one section.
            Some((set, "1")) => (set, 0),
            Some(_) => continue,
            None => {
                let number = member.name.rsplit('-').next().and_then(|number| number.parse().ok());
                (&*member.name, number.unwrap_or(0))
            }
        };
        let word = member.kind.word();
        let group = match member.kind {
            Kind::Grouped => format!("{word}-{}", number / TOGETHER),
            _ => word.to_owned(),
        };
        let options = member.kind.options(number, version);
        let flag = places::WORD;
        write!(
            config,
            "[process.{section}]\ncommand = [\"./worker\", \"{flag}\", \"{word}\", \"{seed}\"]\ngroup = \"{group}\"\n\
             stop = {{ grace = \"5s\" }}\nlogs = {{ file_size = \"256KiB\", files = 10000 }}\n{options}",
        )
        .unwrap();
    }
    config
}

/// Writes the folders and the program that the processes need.
pub(crate) fn prepare(dir: &Path) {
    for folder in [places::LOCKS, places::LIVES, places::COUNTS, places::ENDS] {
        std::fs::create_dir(dir.join(folder)).unwrap();
    }
    // A copy: a build that goes on beside a long run replaces the program of the test.
    std::fs::copy(std::env::current_exe().unwrap(), dir.join("worker")).unwrap();
}
