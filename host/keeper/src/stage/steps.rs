//! The steps of the stage, and their form as text: words with a value each, `uid=65534 limit=nofile:1024:4096`. The host and the
//! stage are of one build, so the form has no versions.

use std::fmt::{self, Write};
use std::str::FromStr;

use super::limit::{Limit, Limited};

/// Everything that a child sets on itself before its program; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// The number of the descriptor that takes the report of a failure.
    pub report: i32,
    /// The number of the descriptor of the stage itself, which its program is not to have.
    pub program: Option<i32>,
    /// The number of the descriptor of the `cgroup.procs` of its cgroup.
    pub cgroup: Option<i32>,
    /// Its score for the OOM killer.
    pub oom_score_adj: Option<i32>,
    /// Its nice value.
    pub nice: Option<i32>,
    /// Its priority for disks.
    pub io_priority: Option<IoPriority>,
    /// Its umask.
    pub umask: Option<u32>,
    /// Its limits.
    pub limits: Vec<(Limited, Limit)>,
    /// Its supplementary groups.
    pub groups: Option<Vec<u32>>,
    /// Its group.
    pub gid: Option<u32>,
    /// Its user.
    pub uid: Option<u32>,
    /// Its capabilities.
    pub capabilities: Option<CapabilitySets>,
    /// Whether it can gain no privileges by an exec.
    pub no_new_privs: bool,
}

/// The capabilities that a process keeps, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapabilitySets {
    /// Those that it or a program that it executes can ever have.
    pub bounding: u64,
    /// Those that it has with any user, and hands on to what it executes. They are among the others.
    pub ambient: u64,
}

/// The priority of a process for disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoPriority {
    /// Before all others, with a level from 0, the highest, to 7.
    RealTime(u8),
    /// The usual class, with a level from 0, the highest, to 7.
    BestEffort(u8),
    /// Only when nobody else wants the disk.
    Idle,
}

impl IoPriority {
    /// Returns the number of the kernel: the class, and the level in the low 13 bits.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::RealTime(level) => (1 << 13) | u16::from(level),
            Self::BestEffort(level) => (2 << 13) | u16::from(level),
            Self::Idle => 3 << 13,
        }
    }

    /// Returns the one of this number of the kernel.
    #[must_use]
    pub fn of_number(number: u16) -> Option<Self> {
        let level = u8::try_from(number & 0x1fff).ok().filter(|level| *level < 8)?;
        match number >> 13 {
            1 => Some(Self::RealTime(level)),
            2 => Some(Self::BestEffort(level)),
            3 => Some(Self::Idle),
            _ => None,
        }
    }
}

/// The text is not the form of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSteps;

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "report={}", self.report)?;
        let mut number =
            |word: &str, value: Option<i64>| value.map_or(Ok(()), |value| write!(f, " {word}={value}"));
        number("program", self.program.map(i64::from))?;
        number("cgroup", self.cgroup.map(i64::from))?;
        number("oom", self.oom_score_adj.map(i64::from))?;
        number("nice", self.nice.map(i64::from))?;
        number("ioprio", self.io_priority.map(|priority| priority.number().into()))?;
        number("umask", self.umask.map(i64::from))?;
        number("gid", self.gid.map(i64::from))?;
        number("uid", self.uid.map(i64::from))?;
        for (limited, limit) in &self.limits {
            write!(f, " limit={}", limited.word())?;
            let (soft, hard) = match limit {
                Limit::Soft(soft) => (soft, None),
                Limit::Both(soft, hard) => (soft, Some(hard)),
            };
            for bound in std::iter::once(soft).chain(hard) {
                f.write_char(':')?;
                match bound {
                    None => f.write_char('-')?,
                    Some(bound) => write!(f, "{bound}")?,
                }
            }
        }
        if let Some(groups) = &self.groups {
            let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
            write!(f, " groups={}", groups.join(":"))?;
        }
        if let Some(CapabilitySets { bounding, ambient }) = self.capabilities {
            write!(f, " capabilities={bounding}:{ambient}")?;
        }
        if self.no_new_privs { f.write_str(" no_new_privs=1") } else { Ok(()) }
    }
}

impl FromStr for Steps {
    type Err = NoSteps;

    fn from_str(text: &str) -> Result<Self, NoSteps> {
        fn number<T: FromStr>(value: &str) -> Result<T, NoSteps> {
            value.parse().map_err(|_| NoSteps)
        }
        let mut steps = Self { report: -1, ..Self::default() };
        for word in text.split(' ') {
            let (word, value) = word.split_once('=').ok_or(NoSteps)?;
            match word {
                "report" => steps.report = number(value)?,
                "program" => steps.program = Some(number(value)?),
                "cgroup" => steps.cgroup = Some(number(value)?),
                "oom" => steps.oom_score_adj = Some(number(value)?),
                "nice" => steps.nice = Some(number(value)?),
                "ioprio" => {
                    steps.io_priority = Some(IoPriority::of_number(number(value)?).ok_or(NoSteps)?);
                }
                "umask" => steps.umask = Some(number(value)?),
                "gid" => steps.gid = Some(number(value)?),
                "uid" => steps.uid = Some(number(value)?),
                "limit" => steps.limits.push(limit(value)?),
                "groups" => {
                    let groups = value.split(':').filter(|group| !group.is_empty()).map(number);
                    steps.groups = Some(groups.collect::<Result<_, _>>()?);
                }
                "capabilities" => {
                    let (bounding, ambient) = value.split_once(':').ok_or(NoSteps)?;
                    let sets = CapabilitySets { bounding: number(bounding)?, ambient: number(ambient)? };
                    steps.capabilities = Some(sets);
                }
                "no_new_privs" => steps.no_new_privs = value == "1",
                _ => return Err(NoSteps),
            }
        }
        if steps.report < 0 { Err(NoSteps) } else { Ok(steps) }
    }
}

/// Reads `nofile:1024:4096`.
fn limit(text: &str) -> Result<(Limited, Limit), NoSteps> {
    fn bound(text: &str) -> Result<Option<u64>, NoSteps> {
        if text == "-" { Ok(None) } else { text.parse().map(Some).map_err(|_| NoSteps) }
    }
    let mut parts = text.split(':');
    let limited = parts.next().and_then(Limited::of_word).ok_or(NoSteps)?;
    let soft = bound(parts.next().ok_or(NoSteps)?)?;
    let limit = match parts.next() {
        None => Limit::Soft(soft),
        Some(hard) => Limit::Both(soft, bound(hard)?),
    };
    Ok((limited, limit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> impl Strategy<Value = (Limited, Limit)> {
        let limit = prop_oneof![
            any::<Option<u64>>().prop_map(Limit::Soft),
            any::<(Option<u64>, Option<u64>)>().prop_map(|(soft, hard)| Limit::Both(soft, hard)),
        ];
        (proptest::sample::select(Limited::ALL.to_vec()), limit)
    }

    fn priorities() -> impl Strategy<Value = IoPriority> {
        prop_oneof![
            (0..8_u8).prop_map(IoPriority::RealTime),
            (0..8_u8).prop_map(IoPriority::BestEffort),
            Just(IoPriority::Idle),
        ]
    }

    prop_compose! {
        fn all_steps()(
            numbers in (0..1_000_i32, any::<Option<i32>>(), any::<Option<i32>>(), any::<Option<i32>>()),
            ids in (any::<Option<u32>>(), any::<Option<u32>>(), any::<Option<u32>>(), any::<Option<i32>>()),
            io_priority in proptest::option::of(priorities()),
            limits in proptest::collection::vec(limits(), 0..4),
            groups in proptest::option::of(proptest::collection::vec(any::<u32>(), 0..4)),
            sets in any::<Option<(u64, u64)>>(),
            no_new_privs in any::<bool>(),
        ) -> Steps {
            let (report, program, cgroup, oom_score_adj) = numbers;
            let (umask, gid, uid, nice) = ids;
            let capabilities = sets.map(|(bounding, ambient)| CapabilitySets { bounding, ambient });
            Steps {
                report, program, cgroup, oom_score_adj, nice, io_priority, umask, limits, groups, gid, uid,
                capabilities, no_new_privs,
            }
        }
    }

    proptest! {
        #[test]
        fn steps_are_read_as_they_were_written(steps in all_steps()) {
            prop_assert_eq!(steps.to_string().parse(), Ok(steps));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,60}") {
            let _ = text.parse::<Steps>();
        }
    }

    #[test]
    fn a_text_without_a_report_or_with_an_unknown_word_is_refused() {
        for text in
            ["", "uid=1", "report=3 what=1", "report=3 uid=x", "report=3 limit=nofile", "report=3  uid=1"]
        {
            assert_eq!(text.parse::<Steps>(), Err(NoSteps), "{text}");
        }
    }
}
