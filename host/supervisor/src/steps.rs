//! The steps between the host and its keeper at which a test may end the host, as SIGKILL does. Where there are no fail points,
//! a step is nothing.

use std::fmt::Debug;

/// Takes a step about something. Ends this process if the fail point `host.step` is on and the file that it names says
/// `STEP ABOUT`.
///
/// The file is removed first, so that the next host, which has the same fail point, goes on after the same step.
#[inline]
pub(crate) fn step(step: &str, about: impl Debug) {
    fail::fail_point!("host.step", |file| {
        let file = file.unwrap_or_default();
        let is_asked = std::fs::read_to_string(&file).is_ok_and(|asked| asked == format!("{step} {about:?}"));
        if is_asked && std::fs::remove_file(file).is_ok() {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    });
    let _ = (step, about);
}
