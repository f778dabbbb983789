//! Keeps the runtime directory: recreates the directory, its lock and the socket when they are removed. A separate thread sleeps
//! until the kernel (inotify) reports that something in the directory was removed or moved.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use provost_control::SocketPlace;
use provost_supervisor::Degraded;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::errors::reason;
use super::runtime_dir::RuntimeDir;

/// The name of what is degraded while the directory cannot be recreated or watched.
const WHAT: &str = "the runtime directory";

/// The pause after a removal, because often everything in the directory is removed one by one.
const ALL_AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// The pause before a failed step is tried again.
const AGAIN: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// Keeps the directory, with the socket in it, until the host has closed the socket. `restore` has other files written anew.
pub(super) fn start(
    mut runtime_dir: RuntimeDir,
    place: SocketPlace,
    degraded: Degraded,
    restore: impl Fn() + Send + 'static,
) {
    let reporter = degraded.clone();
    let thread = std::thread::Builder::new().name("provost-runtime-dir".into());
    let started = thread.spawn(move || keep(&mut runtime_dir, &place, &degraded, &restore));
    if let Err(error) = started {
        reporter.set(WHAT, format!("its removal would not be noticed: {error}"));
    }
}

fn keep(runtime_dir: &mut RuntimeDir, place: &SocketPlace, degraded: &Degraded, restore_others: &dyn Fn()) {
    loop {
        // The watch comes before the look, so that a removal between the look and the wait ends the wait.
        let watch = watch(runtime_dir.path());
        if place.is_closed() {
            return;
        }
        let restored = restore(runtime_dir, place);
        restore_others();
        match (&restored, &watch) {
            (Ok(made), _) if *made => {
                tracing::warn!("{} was cleaned away, and is in place again", runtime_dir.path().display());
                // The directory is a new one, which needs a new watch.
                continue;
            }
            (Ok(_), Ok(_)) => degraded.clear(WHAT),
            (Err(why), _) => {
                degraded.set(WHAT, format!("it was cleaned away and cannot be made again: {why}"))
            }
            (_, Err(why)) => {
                degraded.set(WHAT, format!("its removal is only noticed every few seconds: {why}"))
            }
        }
        let limit = (restored.is_err() || watch.is_err()).then_some(&AGAIN);
        wait(watch.as_ref().ok(), runtime_dir, limit);
    }
}

/// Recreates whatever is missing; returns true if anything was.
fn restore(runtime_dir: &mut RuntimeDir, place: &SocketPlace) -> Result<bool, String> {
    fail::fail_point!("runtime.restore", |why| Err(why.unwrap_or_default()));
    let locked = runtime_dir.restore().map_err(|error| error.to_string())?;
    let bound = place.restore().map_err(|error| reason(&error))?;
    Ok(locked || bound)
}

/// Starts to watch for removals from the directory, and of the directory itself.
fn watch(dir: &Path) -> io::Result<OwnedFd> {
    fail::fail_point!("runtime.watch", |_| Err(io::Error::from_raw_os_error(libc::EMFILE)));
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let removed =
        WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
    inotify::add_watch(&watch, dir, removed | WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW)?;
    Ok(watch)
}

/// Waits until something is removed, a client that finds no socket connects to the claim, or the limit has passed.
fn wait(watch: Option<&OwnedFd>, runtime_dir: &RuntimeDir, limit: Option<&Timespec>) {
    let fds = watch.into_iter().chain(runtime_dir.claim.sockets());
    let mut fds: Vec<PollFd<'_>> =
        fds.map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)).collect();
    let waited = poll(&mut fds, limit);
    if watch.is_some() && fds.first().is_some_and(|fd| !fd.revents().is_empty()) {
        pause(&ALL_AT_ONCE);
    }
    if !runtime_dir.claim.drain() || waited.is_err() {
        // The connections stay in the queue meanwhile.
        pause(&AGAIN);
    }
}

fn pause(time: &Timespec) {
    let _ = poll(&mut [], Some(time));
}
