//! Faults that a test switches on and off in a running host. A file names them, one per line (`log.write=return(28)`), and is
//! read again every 50 ms. This works only in a build with fail points, which a release build does not have.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The environment variable that names the file.
const FILE: &str = "PROVOST_FAULTS";

/// The pause between two reads of the file.
const EVERY: Duration = Duration::from_millis(50);

/// Starts to follow the file, if fail points are compiled in and a test names one.
pub(crate) fn follow() -> io::Result<()> {
    let Some(file) = std::env::var_os(FILE).filter(|_| fail::has_failpoints()) else { return Ok(()) };
    let follow = move || {
        let mut now = BTreeMap::new();
        loop {
            // A file that is being written or does not exist yet is read again later.
            if let Ok(text) = std::fs::read_to_string(Path::new(&file)) {
                now = change(now, &text);
            }
            std::thread::park_timeout(EVERY);
        }
    };
    std::thread::Builder::new().name("faults".into()).spawn(follow).map(drop)
}

/// Whether the file of this program is called `broken`, so that a test can inject a fault into one of two programs that are the
/// same.
pub(crate) fn is_in_this_program() -> bool {
    let own = || std::env::current_exe().ok();
    fail::has_failpoints() && own().is_some_and(|path| path.file_name().is_some_and(|name| name == "broken"))
}

/// Whether a test makes this program fail before it is in service.
pub(super) fn fails() -> bool {
    let is_broken = is_in_this_program();
    fail::fail_point!("serving.panics", is_broken, |_| false);
    fail::fail_point!("serving.fails", is_broken, |_| true);
    let _ = is_broken;
    false
}

/// Fails if a test injects that.
pub(super) fn set_up_fails() -> io::Result<()> {
    fail::fail_point!("daemon.set_up", |_| Err(io::Error::other("the host cannot be set up")));
    Ok(())
}

/// Applies the difference between the current faults and those that `text` names, and returns the latter.
fn change(now: BTreeMap<String, String>, text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let wanted: BTreeMap<String, String> =
        lines.map(|(name, actions)| (name.to_owned(), actions.to_owned())).collect();
    for name in now.keys().filter(|name| !wanted.contains_key(*name)) {
        fail::remove(name);
    }
    for (name, actions) in wanted.iter().filter(|(name, actions)| now.get(*name) != Some(actions)) {
        if let Err(error) = fail::cfg(name.as_str(), actions) {
            tracing::warn!("the fault {name}={actions} is malformed: {error}");
        }
    }
    wanted
}
