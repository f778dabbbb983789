//! Peeks into a pipe without emptying it, and takes bytes out later: `tee(2)`, `splice(2)` and the capacity of a pipe.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::pipe::{SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, splice, tee};

/// The most bytes of one look: the capacity of the largest pipe that an ordinary user can have.
pub(super) const LOOK_BYTES_MAX: usize = 1 << 20;

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
        let bytes = tee(pipe, &scratch.writer, LOOK_BYTES_MAX, SpliceFlags::NONBLOCK)?;
        // After an error the scratch pipe may not be empty, so it is not put back.
        let copied = (&scratch.reader).take(bytes as u64).read_to_end(seen)?;
        if copied == bytes {
            self.0.scratch.lock().push(scratch);
        }
        Ok(copied)
    }

    /// Removes whatever `pipe` holds, and returns its length; 0 at the end.
    ///
    /// # Errors
    /// `WouldBlock` if it is empty.
    pub(crate) fn drop_some(&self, pipe: &OwnedFd) -> io::Result<usize> {
        Ok(splice(pipe, None, &self.0.dev_null, None, LOOK_BYTES_MAX, SpliceFlags::NONBLOCK)?)
    }

    /// Removes the next `bytes` bytes from `pipe`, which has to hold that many.
    pub(crate) fn take(&self, pipe: &OwnedFd, mut bytes: usize) -> io::Result<()> {
        // The host ends between a write and the consumption of what was written.
        fail::fail_point!("log.take", |_| -> io::Result<()> { std::process::abort() });
        while bytes > 0 {
            match splice(pipe, None, &self.0.dev_null, None, bytes, SpliceFlags::NONBLOCK) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(moved) => bytes = bytes.saturating_sub(moved),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Returns the capacity of a pipe; an error if it is not one.
pub(crate) fn capacity(pipe: &OwnedFd) -> io::Result<usize> {
    Ok(fcntl_getpipe_size(pipe)?)
}

/// Changes the capacity of a pipe and returns the new one.
pub(crate) fn set_capacity(pipe: &OwnedFd, bytes: usize) -> io::Result<usize> {
    Ok(fcntl_setpipe_size(pipe, bytes)?)
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
