//! Reaps the processes that have lost their keeper: they are given to this program, as a machine gives them to its init.

use std::collections::HashSet;
use std::thread::JoinHandle;

use provost_tests::runs::pause;
use rustix::process::{WaitOptions, getpid, set_child_subreaper, wait};

use crate::losses::Orphans;

/// `__WNOTHREAD`: the children of this thread alone. The main thread is given the orphans and starts no program itself.
const OF_THIS_THREAD: WaitOptions = WaitOptions::from_bits_retain(0x2000_0000);

/// The pause between two looks, in milliseconds.
const LOOK_MS: u64 = 2;

/// The pause between two looks for zombies, in milliseconds.
const LOOK_AT_ZOMBIES_MS: u64 = 20;

/// Takes the place of init for everything that descends from this program.
pub(crate) fn become_reaper() {
    set_child_subreaper(Some(getpid())).unwrap();
}

/// Reaps orphans on the main thread until another thread has ended: at once, or all of them then. Notes when each has ended.
pub(crate) fn reap_until_ended<T>(ends: JoinHandle<T>, at_once: bool, orphans: &Orphans) -> T {
    let mut zombies = HashSet::new();
    while !ends.is_finished() {
        if at_once {
            reap(orphans);
            pause(LOOK_MS);
        } else {
            look(&mut zombies, orphans);
            pause(LOOK_AT_ZOMBIES_MS);
        }
    }
    reap(orphans);
    ends.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn reap(orphans: &Orphans) {
    while let Ok(Some((pid, _))) = wait(WaitOptions::NOHANG | OF_THIS_THREAD) {
        orphans.ended(pid.as_raw_nonzero().get().unsigned_abs());
    }
}

/// Notes the children that have become zombies since the last look.
fn look(zombies: &mut HashSet<u32>, orphans: &Orphans) {
    let own = getpid().as_raw_nonzero();
    let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
    for pid in children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()) {
        let has_ended = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('Z'))
        };
        if !zombies.contains(&pid) && has_ended() {
            zombies.insert(pid);
            orphans.ended(pid);
        }
    }
}
