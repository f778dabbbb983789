//! The steps between the host and its keeper at which a test may kill the host, the keeper or both. Where there are no fail
//! points, a step is nothing.

use std::fmt::Debug;

/// Takes a step about something. If the fail point `host.step` is on and the file that it names says `STEP ABOUT`, this process
/// is killed; with a second line `keeper` or `both`, its keeper, or first the keeper and then this process.
///
/// The file is removed first, so that the next host, which has the same fail point, goes on after the same step.
#[inline]
pub(crate) fn step(step: &str, about: impl Debug) {
    fail::fail_point!("host.step", |file| {
        use rustix::process::{Signal, getpid, getppid, kill_process};

        let file = file.unwrap_or_default();
        let asked = std::fs::read_to_string(&file).unwrap_or_default();
        let (asked, whom) = asked.split_once('\n').unwrap_or((&asked, "host"));
        if asked == format!("{step} {about:?}") && std::fs::remove_file(file).is_ok() {
            let keeper = getppid().filter(|_| whom != "host");
            let host = Some(getpid()).filter(|_| whom != "keeper");
            for pid in [keeper, host].into_iter().flatten() {
                let _ = kill_process(pid, Signal::KILL);
            }
            // It ends when the kernel lets it run, and only then its children have another parent.
            while keeper.is_some() && getppid() == keeper {
                std::thread::yield_now();
            }
        }
    });
    let _ = (step, about);
}
