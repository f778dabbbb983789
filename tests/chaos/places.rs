//! What the processes and the checks have in common: the files that the processes write, and how their program is called.

/// The first argument of the program of the processes.
pub(crate) const WORD: &str = "--process";

/// The folders that the processes write to, below the directory of the host.
pub(crate) const LOCKS: &str = "locks";
pub(crate) const LIVES: &str = "lives";
pub(crate) const COUNTS: &str = "counts";
pub(crate) const ENDS: &str = "ends";

/// The file to which a process writes that another copy of it runs.
pub(crate) const DOUBLES: &str = "doubles";

/// The first words of the lines on standard output and on standard error. A text that a process repeats may be in its log twice, so the
/// two streams have none in common.
pub(crate) const LINES: [&str; 2] = ["line", "error"];

/// One life of a process: its name, its incarnation and its process id.
pub(crate) type Life = (String, u64, u64);
