//! Looking at what is in a pipe without taking it out, and taking it out later: `tee(2)`, `splice(2)` and the size of a pipe,
//! for which the C library has to be called; and this room's `unsafe` beside the one in `source`.

#![expect(unsafe_code, reason = "no safe binding is at hand; each call is proved where it stands")]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use parking_lot::Mutex;

/// More than this is not looked at in one go: the largest pipe that an ordinary user can have.
const LOOK_BYTES_MAX: usize = 1 << 20;

/// What all pipes are looked at through. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Glass(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Pipes into which a look goes; empty whenever they lie here.
    scratch: Mutex<Vec<Scratch>>,
    /// Where goes what is taken out.
    nowhere: File,
}

#[derive(Debug)]
struct Scratch {
    reader: File,
    writer: OwnedFd,
}

impl Scratch {
    fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let (reader, writer) = (File::from(OwnedFd::from(reader)), OwnedFd::from(writer));
        // One that cannot grow shows less at a time.
        let _ = set_capacity(&writer, LOOK_BYTES_MAX);
        Ok(Self { reader, writer })
    }
}

impl Glass {
    pub(crate) fn new() -> io::Result<Self> {
        let nowhere = File::options().write(true).open("/dev/null")?;
        Ok(Self(Arc::new(Inner { scratch: Mutex::new(vec![Scratch::new()?]), nowhere })))
    }

    /// Appends what is in `pipe` to `seen`, and leaves it there; how much that was.
    ///
    /// # Errors
    /// `InvalidInput` if it is no pipe, `WouldBlock` if it is empty.
    pub(crate) fn look(&self, pipe: &OwnedFd, seen: &mut Vec<u8>) -> io::Result<usize> {
        let taken = self.0.scratch.lock().pop();
        let scratch = match taken {
            Some(scratch) => scratch,
            None => Scratch::new()?,
        };
        let bytes = tee(pipe, &scratch.writer)?;
        // After an error the scratch pipe may not be empty: it is not put back.
        let copied = (&scratch.reader).take(bytes as u64).read_to_end(seen)?;
        if copied == bytes {
            self.0.scratch.lock().push(scratch);
        }
        Ok(copied)
    }

    /// Takes the next `bytes` bytes out of `pipe`, which are known to be in it.
    pub(crate) fn take(&self, pipe: &OwnedFd, mut bytes: usize) -> io::Result<()> {
        while bytes > 0 {
            // SAFETY: both descriptors are open, as their owners are borrowed, and null offsets are allowed.
            let moved = unsafe {
                libc::splice(
                    pipe.as_raw_fd(),
                    std::ptr::null_mut(),
                    self.0.nowhere.as_raw_fd(),
                    std::ptr::null_mut(),
                    bytes,
                    libc::SPLICE_F_NONBLOCK,
                )
            };
            match usize::try_from(moved) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(moved) => bytes = bytes.saturating_sub(moved),
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error => return Err(error),
                },
            }
        }
        Ok(())
    }
}

fn tee(from: &OwnedFd, to: &OwnedFd) -> io::Result<usize> {
    // SAFETY: both descriptors are open, as their owners are borrowed.
    let copied =
        unsafe { libc::tee(from.as_raw_fd(), to.as_raw_fd(), LOOK_BYTES_MAX, libc::SPLICE_F_NONBLOCK) };
    usize::try_from(copied).map_err(|_| io::Error::last_os_error())
}

/// How much fits into a pipe; an error if it is none.
pub(crate) fn capacity(pipe: &OwnedFd) -> io::Result<usize> {
    // SAFETY: the descriptor is open, as its owner is borrowed, and this command takes no argument.
    let bytes = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_GETPIPE_SZ) };
    usize::try_from(bytes).map_err(|_| io::Error::last_os_error())
}

/// Makes a pipe larger or smaller; how much fits into it now.
pub(crate) fn set_capacity(pipe: &OwnedFd, bytes: usize) -> io::Result<usize> {
    let bytes = libc::c_int::try_from(bytes).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open, as its owner is borrowed, and the argument of this command is a number.
    let bytes = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, bytes) };
    usize::try_from(bytes).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_was_looked_at_is_still_there_until_it_is_taken() {
        let (reader, mut writer) = io::pipe().unwrap();
        let (pipe, glass) = (OwnedFd::from(reader), Glass::new().unwrap());
        writer.write_all(b"one two").unwrap();
        for _ in 0..2 {
            let mut seen = Vec::new();
            assert_eq!(glass.look(&pipe, &mut seen).unwrap(), 7);
            assert_eq!(seen, b"one two");
        }
        glass.take(&pipe, 4).unwrap();
        writer.write_all(b" three").unwrap();
        let mut seen = Vec::new();
        glass.look(&pipe, &mut seen).unwrap();
        assert_eq!(seen, b"two three");
        glass.take(&pipe, seen.len()).unwrap();
        assert_eq!(glass.look(&pipe, &mut seen).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(writer);
        assert_eq!(glass.look(&pipe, &mut seen).unwrap(), 0);
    }

    #[test]
    fn a_pipe_that_is_full_is_seen_whole_whatever_its_size() {
        for bytes in [4 << 10, 64 << 10, 1 << 20] {
            let (reader, writer) = io::pipe().unwrap();
            let (pipe, glass) = (OwnedFd::from(reader), Glass::new().unwrap());
            let room = set_capacity(&pipe, bytes).unwrap();
            assert_eq!(capacity(&pipe).unwrap(), room);
            File::from(OwnedFd::from(writer)).write_all(&vec![b'x'; room]).unwrap();
            let mut seen = Vec::new();
            assert_eq!(glass.look(&pipe, &mut seen).unwrap(), room);
            glass.take(&pipe, room).unwrap();
        }
    }

    #[test]
    fn what_is_no_pipe_cannot_be_looked_at() {
        let file = OwnedFd::from(File::open("/dev/null").unwrap());
        let error = Glass::new().unwrap().look(&file, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(capacity(&file).is_err());
    }
}
