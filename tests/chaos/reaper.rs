//! Reaps the processes that have lost their keeper: they are given to this program, as a machine gives them to its init.

use std::thread::JoinHandle;

use provost_tests::runs::pause;
use rustix::process::{WaitOptions, getpid, set_child_subreaper, wait};

/// `__WNOTHREAD`: the children of this thread alone. The main thread is given the orphans and starts no program itself.
const OF_THIS_THREAD: WaitOptions = WaitOptions::from_bits_retain(0x2000_0000);

/// The pause between two looks, in milliseconds.
const LOOK_MS: u64 = 2;

/// Takes the place of init for everything that descends from this program.
pub(crate) fn become_reaper() {
    set_child_subreaper(Some(getpid())).unwrap();
}

/// Reaps orphans on the main thread until another thread has ended: at once, or all of them then.
pub(crate) fn reap_until_ended<T>(ends: JoinHandle<T>, at_once: bool) -> T {
    while !ends.is_finished() {
        if at_once {
            reap();
        }
        pause(LOOK_MS);
    }
    reap();
    ends.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn reap() {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG | OF_THIS_THREAD) {}
}
