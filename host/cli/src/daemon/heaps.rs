//! The heaps of the host. After hours of clients that do not read and processes that crash, half of the heaps was free memory that the C
//! library kept, because something in use lay behind it. A thread of its own has the free pages given back whenever the host has grown.

use std::time::Duration;

use provost_supervisor::{bound_heaps, trim_heaps};

/// The number of heaps that all threads of the host share.
const HEAPS_MAX: i32 = 2;

/// The pause between two looks at the resident memory.
const EVERY: Duration = Duration::from_secs(30);

/// The growth, in bytes, from which on it is worth some milliseconds to give memory back.
const GROWN: u64 = 8 << 20;

/// Bounds the number of heaps. Must be called before there are other threads.
pub(super) fn bound() {
    bound_heaps(HEAPS_MAX);
}

/// Has the free memory of the heaps given back from now on. Without a thread for it, the host just keeps more memory.
pub(super) fn keep_trimmed() {
    let trim = || {
        let mut growth = Growth::default();
        loop {
            std::thread::park_timeout(EVERY);
            if resident().is_some_and(|now| growth.is_due(now)) {
                trim_heaps();
                growth = Growth { least: resident() };
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("provost-heaps".into()).spawn(trim) {
        tracing::warn!("free memory will not be given back to the system: {error}");
    }
}

/// The growth of the host since its memory was given back last.
#[derive(Debug, Default)]
struct Growth {
    /// The least resident memory since then, in bytes.
    least: Option<u64>,
}

impl Growth {
    /// Records the resident memory, and returns whether it has grown by [`GROWN`] bytes.
    fn is_due(&mut self, now: u64) -> bool {
        let least = self.least.map_or(now, |least| least.min(now));
        self.least = Some(least);
        now - least >= GROWN
    }
}

/// The resident memory of this process, in bytes (`resident` of proc_pid_statm(5)).
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_due_when_the_host_has_grown_since_it_was_smallest() {
        let mut growth = Growth::default();
        let seen = [100 << 20, 90 << 20, (98 << 20) - 1, 98 << 20];
        assert_eq!(seen.map(|now| growth.is_due(now)), [false, false, false, true]);
    }

    #[test]
    fn free_memory_between_blocks_in_use_is_given_back() {
        const BLOCK: usize = 64 << 10;
        let mut blocks: Vec<Vec<u8>> = (0..2_048).map(|_| vec![1; BLOCK]).collect();
        let full = resident().expect("this process has memory");
        blocks = blocks.into_iter().step_by(2).collect();
        trim_heaps();
        let trimmed = resident().expect("this process has memory");
        assert!(full - trimmed > 32 << 20, "{full} bytes, and {trimmed} without half of the blocks");
        assert!(blocks.iter().all(|block| block.iter().all(|byte| *byte == 1)));
    }
}
