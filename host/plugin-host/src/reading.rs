//! Files that an operator names: read whole, if they are files at all and not beyond all measure. A pipe would have the host
//! wait for whoever writes, and a device has no end.

use std::fs::OpenOptions;
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
    /// There is none, or it is none, or it cannot be read.
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

/// All bytes of the file at `path`, which are at most `most`.
pub(crate) fn read_whole(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    // Without O_NONBLOCK the opening of a pipe that nobody writes to would not return.
    let at_once = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(at_once).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        let (kind, what) = match metadata.is_dir() {
            true => (io::ErrorKind::IsADirectory, "a directory"),
            false => (io::ErrorKind::InvalidInput, "a device, a pipe or a socket"),
        };
        return Err(io::Error::new(kind, format!("it is {what}, not a file")).into());
    }
    if metadata.len() > most {
        return Err(ReadError::TooLarge { bytes: metadata.len(), most });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
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
    }
}
