//! What is slow to read: the proportional set size, and the number of open descriptors. The kernel waits for the lock of
//! the memory of a process, which another thread may hold for as long as a disk hangs.

use std::io;

use crate::children::family::is_gone;

/// What a child uses, as far as it is slow to read. A figure that the kernel does not tell about one of the processes is
/// `None`: a sum of the others would be wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) pss_bytes: Option<u64>,
    pub(crate) fds: Option<u32>,
}

/// Reads the figures of these processes together. Those that are gone do not count.
pub(crate) fn detail(pids: &[u32]) -> Detail {
    Detail {
        pss_bytes: sum(pids, pss_bytes),
        fds: sum(pids, fds).map(|fds| u32::try_from(fds).unwrap_or(u32::MAX)),
    }
}

fn sum(pids: &[u32], of: fn(u32) -> io::Result<u64>) -> Option<u64> {
    pids.iter().try_fold(0_u64, |sum, pid| match of(*pid) {
        Ok(figure) => sum.checked_add(figure),
        Err(error) if is_gone(&error) => Some(sum),
        Err(_) => None,
    })
}

fn pss_bytes(pid: u32) -> io::Result<u64> {
    let text = std::fs::read(format!("/proc/{pid}/smaps_rollup"))?;
    if text.is_empty() {
        // It has ended and has no memory any more.
        return Ok(0);
    }
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.map(|kib| kib.saturating_mul(1_024)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn fds(pid: u32) -> io::Result<u64> {
    let dir = format!("/proc/{pid}/fd");
    // Linux 6.2 and later have the number as the size of the directory.
    let size = std::fs::metadata(&dir)?.len();
    if size > 0 {
        return Ok(size);
    }
    let mut count = 0;
    for entry in std::fs::read_dir(dir)? {
        entry?;
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_the_processes_that_are_there() {
        let own = std::process::id();
        let Detail { pss_bytes, fds } = detail(&[own]);
        let held: Vec<_> = (0..50).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        assert!(pss_bytes.unwrap() > 0);
        let more = detail(&[own]).fds.unwrap();
        assert!(more >= fds.unwrap() + 40, "{more} after opening {}", held.len());
        assert_eq!(detail(&[]), Detail { pss_bytes: Some(0), fds: Some(0) });
    }
}
