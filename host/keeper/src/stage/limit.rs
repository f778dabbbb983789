//! The resources that the kernel limits for each process (`setrlimit`), and their limits.

use rustix::process::Resource;

/// A resource that has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Limited {
    /// The address space, in bytes.
    As,
    /// The size of a core file, in bytes.
    Core,
    /// The processor time, in seconds.
    Cpu,
    /// The data segment, in bytes.
    Data,
    /// The size of a file that it writes, in bytes.
    Fsize,
    /// The number of file locks.
    Locks,
    /// The memory that it may lock, in bytes.
    Memlock,
    /// The message queues of its user, in bytes.
    Msgqueue,
    /// The nice value that it may set, as 20 minus the value.
    Nice,
    /// The number of open files.
    Nofile,
    /// The number of processes of its user.
    Nproc,
    /// The resident set, in bytes; Linux ignores it.
    Rss,
    /// The real-time priority that it may set.
    Rtprio,
    /// The real-time processor time without a pause, in microseconds.
    Rttime,
    /// The number of signals that wait.
    Sigpending,
    /// The stack, in bytes.
    Stack,
}

impl Limited {
    /// All of them, in the order of their words.
    pub const ALL: [Self; 16] = [
        Self::As,
        Self::Core,
        Self::Cpu,
        Self::Data,
        Self::Fsize,
        Self::Locks,
        Self::Memlock,
        Self::Msgqueue,
        Self::Nice,
        Self::Nofile,
        Self::Nproc,
        Self::Rss,
        Self::Rtprio,
        Self::Rttime,
        Self::Sigpending,
        Self::Stack,
    ];

    /// Returns its word: `nofile`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::As => "as",
            Self::Core => "core",
            Self::Cpu => "cpu",
            Self::Data => "data",
            Self::Fsize => "fsize",
            Self::Locks => "locks",
            Self::Memlock => "memlock",
            Self::Msgqueue => "msgqueue",
            Self::Nice => "nice",
            Self::Nofile => "nofile",
            Self::Nproc => "nproc",
            Self::Rss => "rss",
            Self::Rtprio => "rtprio",
            Self::Rttime => "rttime",
            Self::Sigpending => "sigpending",
            Self::Stack => "stack",
        }
    }

    /// Returns the one of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limited| limited.word() == word)
    }

    /// Returns the number of the kernel.
    #[must_use]
    pub const fn resource(self) -> Resource {
        match self {
            Self::As => Resource::As,
            Self::Core => Resource::Core,
            Self::Cpu => Resource::Cpu,
            Self::Data => Resource::Data,
            Self::Fsize => Resource::Fsize,
            Self::Locks => Resource::Locks,
            Self::Memlock => Resource::Memlock,
            Self::Msgqueue => Resource::Msgqueue,
            Self::Nice => Resource::Nice,
            Self::Nofile => Resource::Nofile,
            Self::Nproc => Resource::Nproc,
            Self::Rss => Resource::Rss,
            Self::Rtprio => Resource::Rtprio,
            Self::Rttime => Resource::Rttime,
            Self::Sigpending => Resource::Sigpending,
            Self::Stack => Resource::Stack,
        }
    }
}

/// A limit; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The soft limit alone; the hard one stays as it is.
    Soft(Option<u64>),
    /// The soft and the hard limit.
    Both(Option<u64>, Option<u64>),
}
