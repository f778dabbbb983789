//! Reads files whole, if they are regular files and not too large. A pipe would have the host wait for whoever writes, and a
//! device has no end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// A file is not read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It has more bytes than are read.
    TooLarge {
        /// At least so many.
        bytes: u64,
        /// So many are read.
        most: u64,
    },
    /// The file is missing, is not a regular file, or cannot be read.
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLarge { bytes, most } => {
                Self::new(io::ErrorKind::FileTooLarge, format!("it has {bytes} bytes, more than {most}"))
            }
            ReadError::Io(error) => error,
        }
    }
}

/// All bytes of the file at `path`, which are at most `most`. A link is followed: an operator may name one.
pub(crate) fn read_whole(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    bytes_of(open_regular(path, OFlags::empty())?, most)
}

/// Opens a file in a directory of the host's own, where a link has no business.
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    open_regular(path, OFlags::NOFOLLOW)
}

fn open_regular(path: &Path, also: OFlags) -> io::Result<File> {
    // Without O_NONBLOCK the opening of a pipe that nobody writes to would not return.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | also).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        return Ok(file);
    }
    let (kind, what) = match metadata.is_dir() {
        true => (io::ErrorKind::IsADirectory, "a directory"),
        false => (io::ErrorKind::InvalidInput, "a device, a pipe or a socket"),
    };
    Err(io::Error::new(kind, format!("it is {what}, not a file")))
}

/// All bytes of an open file, which are at most `most`.
pub(crate) fn bytes_of(file: File, most: u64) -> Result<Vec<u8>, ReadError> {
    let length = file.metadata()?.len();
    if length > most {
        return Err(ReadError::TooLarge { bytes: length, most });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // It may grow while it is read.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        beyond if beyond > most => Err(ReadError::TooLarge { bytes: beyond, most }),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(path: &Path, most: u64) -> String {
        io::Error::from(read_whole(path, most).unwrap_err()).to_string()
    }

    #[test]
    fn a_file_is_read_up_to_what_is_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read_whole(&path, 5).unwrap(), b"12345");
        assert_eq!(says(&path, 4), "it has 5 bytes, more than 4");
    }

    #[test]
    fn what_is_no_file_is_not_read_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
            .unwrap();
        assert_eq!(says(&pipe, 5), "it is a device, a pipe or a socket, not a file");
        assert_eq!(says(Path::new("/dev/zero"), 5), "it is a device, a pipe or a socket, not a file");
        assert_eq!(says(dir.path(), 5), "it is a directory, not a file");
        assert!(open_own(&pipe).is_err() && open_own(Path::new("/dev/zero")).is_err());
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        assert!(open_own(&file).is_ok() && open_own(&link).is_err());
    }
}
