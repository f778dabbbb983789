//! Peeks into a pipe without emptying it, and takes bytes out later: `tee(2)`, `splice(2)` and the capacity of a pipe,
//! which need calls of the C library. The only `unsafe` of this folder beside the one in `source`.

#![expect(unsafe_code, reason = "no safe binding is at hand; each call is proved where it stands")]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use parking_lot::Mutex;

/// The most bytes of one look: the capacity of the largest pipe that an ordinary user can have.
const LOOK_BYTES_MAX: usize = 1 << 20;

/// The scratch pipes through which all pipes are peeked into. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Peeker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Pipes that receive the copy; each is empty while it lies here.
    scratch: Mutex<Vec<Scratch>>,
    /// `/dev/null`, which receives the bytes that are taken out.
    dev_null: File,
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
        // A scratch pipe that cannot grow copies less at a time.
        let _ = set_capacity(&writer, LOOK_BYTES_MAX);
        Ok(Self { reader, writer })
    }
}

impl Peeker {
    pub(crate) fn new() -> io::Result<Self> {
        let dev_null = File::options().write(true).open("/dev/null")?;
        Ok(Self(Arc::new(Inner { scratch: Mutex::new(vec![Scratch::new()?]), dev_null })))
    }

    /// Appends the content of `pipe` to `seen` without removing it, and returns its length.
    ///
    /// # Errors
    /// `InvalidInput` if `pipe` is not a pipe, `WouldBlock` if it is empty.
    pub(crate) fn look(&self, pipe: &OwnedFd, seen: &mut Vec<u8>) -> io::Result<usize> {
        let taken = self.0.scratch.lock().pop();
        let scratch = match taken {
            Some(scratch) => scratch,
            None => Scratch::new()?,
        };
        let bytes = tee(pipe, &scratch.writer)?;
        // After an error the scratch pipe may not be empty, so it is not put back.
        let copied = (&scratch.reader).take(bytes as u64).read_to_end(seen)?;
        if copied == bytes {
            self.0.scratch.lock().push(scratch);
        }
        Ok(copied)
    }

    /// Removes the next `bytes` bytes from `pipe`, which has to hold that many.
    pub(crate) fn take(&self, pipe: &OwnedFd, mut bytes: usize) -> io::Result<()> {
        while bytes > 0 {
            // SAFETY: both descriptors are open, as their owners are borrowed, and null offsets are allowed.
            let moved = unsafe {
                libc::splice(
                    pipe.as_raw_fd(),
                    std::ptr::null_mut(),
                    self.0.dev_null.as_raw_fd(),
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

/// Returns the capacity of a pipe; an error if it is not one.
pub(crate) fn capacity(pipe: &OwnedFd) -> io::Result<usize> {
    // SAFETY: the descriptor is open, as its owner is borrowed, and this command takes no argument.
    let bytes = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_GETPIPE_SZ) };
    usize::try_from(bytes).map_err(|_| io::Error::last_os_error())
}

/// Changes the capacity of a pipe and returns the new one.
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
    fn bytes_that_were_looked_at_stay_in_the_pipe_until_they_are_taken() {
        let (reader, mut writer) = io::pipe().unwrap();
        let (pipe, peeker) = (OwnedFd::from(reader), Peeker::new().unwrap());
        writer.write_all(b"one two").unwrap();
        for _ in 0..2 {
            let mut seen = Vec::new();
            assert_eq!(peeker.look(&pipe, &mut seen).unwrap(), 7);
            assert_eq!(seen, b"one two");
        }
        peeker.take(&pipe, 4).unwrap();
        writer.write_all(b" three").unwrap();
        let mut seen = Vec::new();
        peeker.look(&pipe, &mut seen).unwrap();
        assert_eq!(seen, b"two three");
        peeker.take(&pipe, seen.len()).unwrap();
        assert_eq!(peeker.look(&pipe, &mut seen).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(writer);
        assert_eq!(peeker.look(&pipe, &mut seen).unwrap(), 0);
    }

    #[test]
    fn a_pipe_that_is_full_is_seen_whole_whatever_its_size() {
        for bytes in [4 << 10, 64 << 10, 1 << 20] {
            let (reader, writer) = io::pipe().unwrap();
            let (pipe, peeker) = (OwnedFd::from(reader), Peeker::new().unwrap());
            let room = set_capacity(&pipe, bytes).unwrap();
            assert_eq!(capacity(&pipe).unwrap(), room);
            File::from(OwnedFd::from(writer)).write_all(&vec![b'x'; room]).unwrap();
            let mut seen = Vec::new();
            assert_eq!(peeker.look(&pipe, &mut seen).unwrap(), room);
            peeker.take(&pipe, room).unwrap();
        }
    }

    #[test]
    fn only_a_pipe_can_be_looked_into() {
        let file = OwnedFd::from(File::open("/dev/null").unwrap());
        let error = Peeker::new().unwrap().look(&file, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(capacity(&file).is_err());
    }
}
