//! Where a process writes: the reading end of one output, and the gap file beside it. The loop and the thread that moves
//! output share it.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::SpliceFlags;

use crate::protocol::Gap;

/// The largest gap file in bytes. After it, the process waits until a host reads.
pub(super) const GAP_MAX: u64 = 64 * 1024 * 1024;

/// The most bytes that are moved in one step.
const STEP: usize = 64 * 1024;

/// One output of a process.
#[derive(Debug)]
pub(super) struct Outlet {
    from: OwnedFd,
    /// Whether it is a terminal, out of which the kernel cannot splice.
    is_terminal: bool,
    path: Option<CString>,
    file: Mutex<Option<Arc<OwnedFd>>>,
    bytes: AtomicU64,
    framed: AtomicU64,
    /// Whether all writers are gone and everything was moved.
    is_over: AtomicBool,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// There is perhaps more.
    Some,
    /// There is nothing at the moment.
    Nothing,
    /// All writers are gone.
    End,
    /// The gap file has its largest size, or there is none.
    Full,
}

impl Outlet {
    /// Returns the outlet of this reading end.
    pub(super) fn new(from: OwnedFd, is_terminal: bool, path: Option<CString>) -> Self {
        Self {
            from,
            is_terminal,
            path,
            file: Mutex::default(),
            bytes: AtomicU64::new(0),
            framed: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Continues a gap that another keeper has begun.
    pub(super) fn resume(&self, file: Option<OwnedFd>, gap: Gap) {
        *self.file() = file.map(Arc::new);
        self.bytes.store(gap.bytes, Ordering::Release);
        self.framed.store(gap.framed, Ordering::Release);
    }

    /// Whether it is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Returns the path of its gap file.
    pub(super) fn path(&self) -> Option<&CString> {
        self.path.as_ref()
    }

    pub(super) fn from(&self) -> BorrowedFd<'_> {
        self.from.as_fd()
    }

    fn file(&self) -> MutexGuard<'_, Option<Arc<OwnedFd>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the gap file, if there is one.
    pub(super) fn gap_file(&self) -> Option<Arc<OwnedFd>> {
        self.file().clone()
    }

    pub(super) fn gap(&self) -> Gap {
        Gap { bytes: self.bytes.load(Ordering::Acquire), framed: self.framed.load(Ordering::Acquire) }
    }

    /// Records that the first bytes of the gap file are in the log.
    pub(super) fn framed(&self, bytes: u64) -> Result<(), i32> {
        let gap = self.gap();
        if bytes > gap.bytes || bytes < gap.framed {
            return Err(Errno::INVAL.raw_os_error());
        }
        // The counts stay: where a disk did not answer, a last step may still add to this file.
        self.framed.store(bytes, Ordering::Release);
        if bytes == gap.bytes {
            *self.file() = None;
        }
        Ok(())
    }

    /// Whether it can be moved.
    pub(super) fn can_move(&self) -> bool {
        self.path.is_some() && !self.is_over.load(Ordering::Acquire) && self.gap().bytes < GAP_MAX
    }

    /// Whether something is left that can be moved.
    pub(super) fn is_left(&self) -> bool {
        self.can_move() && rustix::io::ioctl_fionread(&self.from).is_ok_and(|bytes| bytes > 0)
    }

    /// Moves some bytes into the gap file. It waits for the disk.
    pub(super) fn step(&self) -> Result<Moved, Errno> {
        let gap = self.gap();
        let (Some(path), true) = (&self.path, gap.bytes < GAP_MAX) else { return Ok(Moved::Full) };
        let known = self.gap_file();
        let (file, start) = match known {
            Some(file) => (file, gap.bytes),
            // No file is made for nothing.
            None if rustix::io::ioctl_fionread(&self.from)? == 0 => return self.nothing(),
            None => {
                let opened = open(path)?;
                self.bytes.store(opened.1, Ordering::Release);
                self.framed.store(0, Ordering::Release);
                opened
            }
        };
        let most = usize::try_from(GAP_MAX.saturating_sub(start)).unwrap_or(STEP).min(STEP);
        if most == 0 {
            return Ok(Moved::Full);
        }
        let moved =
            if self.is_terminal { self.copy(&file, start, most) } else { self.splice(&file, start, most) };
        let moved = match moved {
            Err(Errno::IO) if !self.is_terminal => return Err(Errno::IO),
            Ok(0) | Err(Errno::IO) => {
                self.is_over.store(true, Ordering::Release);
                return Ok(Moved::End);
            }
            Err(Errno::AGAIN) => return Ok(Moved::Nothing),
            other => other?,
        };
        *self.file() = Some(file);
        self.bytes.store(start.saturating_add(moved as u64), Ordering::Release);
        Ok(Moved::Some)
    }

    /// The kernel takes from the pipe exactly what it has written, also if this process is killed in between.
    fn splice(&self, file: &OwnedFd, start: u64, most: usize) -> Result<usize, Errno> {
        let mut offset = start;
        rustix::pipe::splice(&self.from, None, file, Some(&mut offset), most, SpliceFlags::NONBLOCK)
    }

    fn copy(&self, file: &OwnedFd, start: u64, most: usize) -> Result<usize, Errno> {
        let mut buffer = [0; 4096];
        let room = buffer.len().min(most);
        let ready = rustix::io::ioctl_fionread(&self.from)?;
        let room = room.min(usize::try_from(ready).unwrap_or(room));
        if room == 0 {
            return if self.nothing()? == Moved::End { Ok(0) } else { Err(Errno::AGAIN) };
        }
        let read = rustix::io::read(&self.from, buffer.get_mut(..room).unwrap_or_default())?;
        let mut written = 0;
        while written < read {
            let rest = buffer.get(written..read).unwrap_or_default();
            written += rustix::io::pwrite(file, rest, start.saturating_add(written as u64))?;
        }
        Ok(read)
    }

    /// Tells an output that has nothing at the moment from one whose writers are gone.
    fn nothing(&self) -> Result<Moved, Errno> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut looked = [PollFd::new(&self.from, PollFlags::IN)];
        poll(&mut looked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
        let is_closed = looked.first().is_some_and(|looked| looked.revents().contains(PollFlags::HUP));
        if is_closed {
            self.is_over.store(true, Ordering::Release);
        }
        Ok(if is_closed { Moved::End } else { Moved::Nothing })
    }
}

/// Opens a gap file; returns the place at which it goes on, which is the end of what is there already.
fn open(path: &CStr) -> Result<(Arc<OwnedFd>, u64), Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    let length = rustix::fs::fstat(&file)?.st_size;
    Ok((Arc::new(file), u64::try_from(length).unwrap_or(0)))
}
