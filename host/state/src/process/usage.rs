//! The resources that a process uses.

use super::moment::Moment;

/// What a process and all of its descendants used at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// When it was read.
    pub at: Moment,
    /// The CPU time that the incarnation has used so far, in milliseconds.
    pub cpu_ms: u64,
    /// The CPU that it used on average since it was read before, in thousandths of a core; 0 the first time.
    pub cpu_millis: u32,
    /// The resident memory, in bytes. Memory that several of its processes share counts for each of them.
    pub rss_bytes: u64,
    /// The proportional set size, in bytes: shared memory is divided among those who share it. `None` until it was read,
    /// and if the kernel does not tell.
    pub pss_bytes: Option<u64>,
    /// The number of open file descriptors. `None` until it was read, and if the kernel does not tell.
    pub fds: Option<u32>,
    /// The number of threads.
    pub threads: u32,
    /// The number of operating-system processes: the main process and its living descendants.
    pub members: u32,
}
