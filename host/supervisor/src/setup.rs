//! What a process is to be set to before its program is executed: its user, its limits, its capabilities, its cgroup. A spec that
//! asks for nothing of it starts as any other.

use std::collections::BTreeMap;

pub use provost_keeper::stage::{CapabilitySets, IoPriority, Limit, Limited};

use crate::digest::Digest;

/// What a child sets on itself before its program is executed; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// The name or the number of its user.
    pub user: Option<String>,
    /// The name or the number of its group; without one, that of its user.
    pub group: Option<String>,
    /// The names or the numbers of more groups, beside those that its user is a member of.
    pub groups: Vec<String>,
    /// Its umask.
    pub umask: Option<u32>,
    /// Its nice value.
    pub nice: Option<i32>,
    /// Its priority for disks.
    pub io_priority: Option<IoPriority>,
    /// Its score for the OOM killer.
    pub oom_score_adj: Option<i32>,
    /// Its limits.
    pub limits: BTreeMap<Limited, Limit>,
    /// Whether it can gain no privileges by an exec.
    pub no_new_privs: bool,
    /// The capabilities that it keeps; `None` if all that it has.
    pub capabilities: Option<CapabilitySets>,
}

impl Setup {
    /// Whether it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The cgroup of a process, and its limits; one without limits is there for an exact end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgroupSpec {
    /// The share of one processor that it may use, in percent: 150 for one and a half.
    pub cpu_percent: Option<u32>,
    /// The memory beyond which its processes are killed, in bytes.
    pub memory_bytes_max: Option<u64>,
    /// The memory beyond which it is slowed down and its memory is reclaimed, in bytes.
    pub memory_bytes_high: Option<u64>,
    /// The most processes and threads that it may have.
    pub pids_max: Option<u64>,
    /// Whether it is started without the cgroup where there can be none.
    pub is_optional: bool,
}

impl Setup {
    /// Returns the keys of the config in which the two differ.
    pub(crate) fn changed(&self, other: &Self) -> impl Iterator<Item = &'static str> {
        let Self {
            user,
            group,
            groups,
            umask,
            nice,
            io_priority,
            oom_score_adj,
            limits,
            no_new_privs,
            capabilities,
        } = self;
        let keys = [
            ("user", (user, group) != (&other.user, &other.group)),
            ("groups", *groups != other.groups),
            ("umask", *umask != other.umask),
            ("nice", *nice != other.nice),
            ("ioprio", *io_priority != other.io_priority),
            ("oom_score_adj", *oom_score_adj != other.oom_score_adj),
            ("limits", *limits != other.limits),
            ("no_new_privs", *no_new_privs != other.no_new_privs),
            ("capabilities", *capabilities != other.capabilities),
        ];
        keys.into_iter().filter_map(|(key, differs)| differs.then_some(key))
    }

    /// Enters all of it into a digest.
    pub(crate) fn enter(&self, digest: &mut Digest) {
        let Self {
            user,
            group,
            groups,
            umask,
            nice,
            io_priority,
            oom_score_adj,
            limits,
            no_new_privs,
            capabilities,
        } = self;
        digest.text("setup");
        for texts in [user.as_slice(), group.as_slice(), groups] {
            digest.all(texts.iter(), |digest, text| digest.text(text));
        }
        for number in [umask.map(i64::from), nice.map(i64::from), oom_score_adj.map(i64::from)] {
            digest.maybe(number);
        }
        digest.maybe(io_priority.map(|priority| priority.number().into()));
        digest.all(limits.iter(), |digest, (limited, limit)| {
            digest.text(limited.word());
            let (soft, hard) = match limit {
                Limit::Soft(soft) => (soft, &None),
                Limit::Both(soft, hard) => (soft, hard),
            };
            digest.number(matches!(limit, Limit::Both(..)).into());
            digest.maybe(soft.map(u64::cast_signed));
            digest.maybe(hard.map(u64::cast_signed));
        });
        digest.number((*no_new_privs).into());
        digest.maybe(capabilities.map(|sets| sets.bounding.cast_signed()));
        digest.maybe(capabilities.map(|sets| sets.ambient.cast_signed()));
    }
}

impl CgroupSpec {
    /// Enters all of it into a digest.
    pub(crate) fn enter(&self, digest: &mut Digest) {
        let Self { cpu_percent, memory_bytes_max, memory_bytes_high, pids_max, is_optional } = self;
        digest.text("cgroup");
        digest.maybe(cpu_percent.map(i64::from));
        for number in [memory_bytes_max, memory_bytes_high, pids_max] {
            digest.maybe(number.map(u64::cast_signed));
        }
        digest.number((*is_optional).into());
    }
}
