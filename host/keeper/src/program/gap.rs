//! The gap file of an output, and where it lies.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::protocol::Gap;

/// The longest path that the kernel takes, with its zero.
const PATH_MAX: usize = 4096;

/// A gap file that is open.
#[derive(Debug)]
pub(super) struct GapFile {
    pub(super) file: OwnedFd,
    bytes: AtomicU64,
    framed: AtomicU64,
}

impl GapFile {
    /// Takes a file that has these bytes.
    pub(super) fn new(file: OwnedFd, gap: Gap) -> Self {
        Self { file, bytes: AtomicU64::new(gap.bytes), framed: AtomicU64::new(gap.framed) }
    }

    /// Opens a gap file. It goes on at the end of what is there already.
    pub(super) fn open(path: &CStr) -> Result<Self, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
        let length = rustix::fs::fstat(&file)?.st_size;
        Ok(Self::new(file, Gap { bytes: u64::try_from(length).unwrap_or(0), framed: 0 }))
    }

    pub(super) fn gap(&self) -> Gap {
        Gap { bytes: self.bytes.load(Ordering::Acquire), framed: self.framed.load(Ordering::Acquire) }
    }

    pub(super) fn grown_to(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Release);
    }

    /// Records that the first bytes are in the log. Returns whether these are all.
    pub(super) fn framed(&self, bytes: u64) -> Result<bool, i32> {
        let gap = self.gap();
        if bytes > gap.bytes || bytes < gap.framed {
            return Err(Errno::INVAL.raw_os_error());
        }
        self.framed.store(bytes, Ordering::Release);
        Ok(bytes == gap.bytes)
    }
}

/// The paths of the gap files of both outputs of a process. What they begin with in common is kept once, because a thousand
/// paths would be more than everything else that the keeper keeps.
#[derive(Debug, Default)]
pub(super) struct GapPaths {
    /// The common part, and what follows it in each of the paths.
    text: Box<[u8]>,
    common: u16,
    first: u16,
    has: [bool; 2],
}

impl GapPaths {
    /// Takes these paths.
    ///
    /// # Errors
    /// One of them is not absolute, or longer than the kernel takes; or there is no memory.
    pub(super) fn new(paths: [Option<&CStr>; 2]) -> Result<Self, Errno> {
        let [first, second] = paths.map(|path| path.map(CStr::to_bytes).unwrap_or_default());
        let is_wrong = |path: &[u8]| !path.is_empty() && path.first() != Some(&b'/');
        if is_wrong(first) || is_wrong(second) {
            return Err(Errno::INVAL);
        }
        if first.len().max(second.len()) >= PATH_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        let common = first.iter().zip(second).take_while(|(one, other)| one == other).count();
        let rest = second.get(common..).unwrap_or_default();
        let mut text = Vec::new();
        text.try_reserve_exact(first.len() + rest.len()).map_err(|_| Errno::NOMEM)?;
        text.extend_from_slice(first);
        text.extend_from_slice(rest);
        let number = |length: usize| u16::try_from(length).unwrap_or(0);
        Ok(Self {
            text: text.into_boxed_slice(),
            common: number(common),
            first: number(first.len()),
            has: paths.map(|path| path.is_some_and(|path| !path.is_empty())),
        })
    }

    /// Whether there is a path for this output.
    pub(super) fn has(&self, at: usize) -> bool {
        self.has.get(at).copied().unwrap_or(false)
    }

    /// Calls `with` with the path for this output, if there is one.
    pub(super) fn with<T>(
        &self,
        at: usize,
        with: impl FnOnce(&CStr) -> Result<T, Errno>,
    ) -> Option<Result<T, Errno>> {
        if !self.has(at) {
            return None;
        }
        let (common, first) = (usize::from(self.common), usize::from(self.first));
        let (shared, rest) = match at {
            0 => (0, self.text.get(..first)),
            _ => (common, self.text.get(first..)),
        };
        let mut path = [0; PATH_MAX];
        let parts = self.text.iter().take(shared).chain(rest.unwrap_or_default());
        for (place, byte) in path.iter_mut().zip(parts) {
            *place = *byte;
        }
        Some(CStr::from_bytes_until_nul(&path).map_err(|_| Errno::NAMETOOLONG).and_then(with))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;

    fn read(paths: [Option<&CStr>; 2]) -> [Option<CString>; 2] {
        let paths = GapPaths::new(paths).unwrap();
        [0, 1].map(|at| paths.with(at, |path| Ok(path.to_owned())).map(Result::unwrap))
    }

    #[test]
    fn paths_come_back_as_they_were_whatever_they_have_in_common() {
        for paths in [
            [Some(c"/logs/gaps/web.1.out"), Some(c"/logs/gaps/web.1.err")],
            [Some(c"/logs/web"), Some(c"/logs/web.1")],
            [Some(c"/logs/web.1"), Some(c"/logs/web")],
            [Some(c"/a"), Some(c"/a")],
            [Some(c"/a"), None],
            [None, Some(c"/b")],
            [None, None],
        ] {
            assert_eq!(read(paths), paths.map(|path| path.map(CStr::to_owned)));
        }
        let both = GapPaths::new([Some(c"/logs/gaps/web.1.out"), Some(c"/logs/gaps/web.1.err")]).unwrap();
        assert_eq!(both.text.len(), "/logs/gaps/web.1.outerr".len());
    }

    #[test]
    fn a_path_that_is_relative_or_too_long_is_refused() {
        assert_eq!(GapPaths::new([None, Some(c"gaps/web")]).unwrap_err(), Errno::INVAL);
        let long = CString::new([&b"/"[..], &[b'x'; PATH_MAX]].concat()).unwrap();
        assert_eq!(GapPaths::new([Some(&long), None]).unwrap_err(), Errno::NAMETOOLONG);
    }
}
