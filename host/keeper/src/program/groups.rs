//! The groups of all living processes of the machine, out of `/proc`, in a buffer of fixed size.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, RawDir, openat};
use rustix::io::Errno;

/// Calls `found` with the group of each process that has not ended.
///
/// # Errors
/// It could not be looked, so that nothing is known.
pub(super) fn groups(proc: &OwnedFd, found: &mut dyn FnMut(u32)) -> Result<(), Errno> {
    let folder = openat(proc, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(&folder, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_bytes().iter().all(u8::is_ascii_digit) {
            let is_gone = |error: &Errno| matches!(*error, Errno::NOENT | Errno::SRCH | Errno::ACCESS);
            match stat(proc, name) {
                Ok(Some((state, group))) if !matches!(state, b'Z' | b'X') => found(group),
                Ok(_) => {}
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Returns the letter of the state of a process, if there is one.
pub(super) fn state(proc: &OwnedFd, pid: u32) -> Option<u8> {
    let name = CString::new(pid.to_string()).ok()?;
    stat(proc, &name).ok()?.map(|(state, _)| state)
}

/// Returns the state and the group of a process.
fn stat(proc: &OwnedFd, name: &CStr) -> Result<Option<(u8, u32)>, Errno> {
    let process = openat(proc, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let file = openat(&process, c"stat", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = [0; 512];
    let length = rustix::io::read(&file, &mut text)?;
    Ok(parse(text.get(..length).unwrap_or_default()))
}

/// Reads the state and the group out of `/proc/PID/stat`.
pub(super) fn parse(text: &[u8]) -> Option<(u8, u32)> {
    // The name before these fields may contain anything, even a parenthesis.
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let mut fields = text.get(end + 1..)?.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
    let state = *fields.next()?.first()?;
    let group = fields.nth(1)?;
    Some((state, std::str::from_utf8(group).ok()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;

    #[test]
    fn the_state_and_the_group_are_read_whatever_the_name_is() {
        assert_eq!(parse(b"12 (a) b) (c) S 1 34 34 0 -1"), Some((b'S', 34)));
        assert_eq!(parse(b"12 (a"), None);
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"12 (a) Z"), None);
    }

    #[test]
    fn a_child_is_among_the_groups() {
        let proc = rustix::fs::open("/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        // The own group is 0 if its leader is outside of the namespace of this process.
        let mut child = std::process::Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let mut seen = false;
        groups(&proc, &mut |group| seen |= group == child.id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(seen);
    }
}
