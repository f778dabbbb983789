//! Where a process writes: the reading ends of its outputs, and the gap files beside them, in one allocation for each process.
//! The loop and the thread that moves output share it.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use rustix::pipe::SpliceFlags;

use super::gap::{GapFile, GapPaths};
use crate::GAP_BYTES_MAX;
use crate::protocol::Gap;

/// The most bytes that are moved in one step.
const STEP: usize = 64 * 1024;

/// Both outputs of a process.
#[derive(Debug)]
pub(super) struct Outlets {
    both: [Option<Outlet>; 2],
    paths: GapPaths,
}

/// One output of a process.
#[derive(Debug)]
struct Outlet {
    from: OwnedFd,
    /// Whether it is a terminal, out of which the kernel cannot splice.
    is_terminal: bool,
    /// Whether all writers are gone and everything was moved.
    is_over: AtomicBool,
    /// The gap that has begun, until a host has framed all of it.
    gap: Mutex<Option<Arc<GapFile>>>,
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

/// A reading end, and whether it is a terminal.
pub(super) type Reader = (OwnedFd, bool);

impl Outlets {
    /// Returns the outlets of these reading ends, with the gaps that another keeper has begun.
    pub(super) fn new(
        readers: [Option<Reader>; 2],
        paths: GapPaths,
        gaps: [Option<(OwnedFd, Gap)>; 2],
    ) -> Arc<Self> {
        let [first, second] = readers;
        let [first_gap, second_gap] = gaps;
        let outlet = |reader: Option<Reader>, gap: Option<(OwnedFd, Gap)>| {
            let (from, is_terminal) = reader?;
            let gap = Mutex::new(gap.map(|(file, gap)| Arc::new(GapFile::new(file, gap))));
            Some(Outlet { from, is_terminal, is_over: AtomicBool::new(false), gap })
        };
        Arc::new(Self { both: [outlet(first, first_gap), outlet(second, second_gap)], paths })
    }

    fn outlet(&self, at: usize) -> Option<&Outlet> {
        self.both.get(at)?.as_ref()
    }

    /// Returns the reading end of an output.
    pub(super) fn from(&self, at: usize) -> Option<BorrowedFd<'_>> {
        Some(self.outlet(at)?.from.as_fd())
    }

    /// Returns whether an output is a terminal.
    pub(super) fn is_terminal(&self, at: usize) -> bool {
        self.outlet(at).is_some_and(|outlet| outlet.is_terminal)
    }

    /// Returns the path of the gap file of an output.
    pub(super) fn path(&self, at: usize) -> Option<CString> {
        self.paths.with(at, |path| Ok(path.to_owned()))?.ok()
    }

    /// Returns the gap file of an output, if a gap has begun.
    pub(super) fn gap_file(&self, at: usize) -> Option<Arc<GapFile>> {
        self.outlet(at)?.gap().clone()
    }

    /// Returns how much of an output is in its gap file.
    pub(super) fn gap(&self, at: usize) -> Gap {
        self.gap_file(at).map(|file| file.gap()).unwrap_or_default()
    }

    /// Records that the first bytes of the gap file are in the log. The gap is over when all of them are.
    pub(super) fn framed(&self, at: usize, bytes: u64) -> Result<(), i32> {
        let outlet = self.outlet(at).ok_or(Errno::INVAL.raw_os_error())?;
        let mut gap = outlet.gap();
        let is_over = match gap.as_deref() {
            Some(file) => file.framed(bytes)?,
            None if bytes == 0 => false,
            None => return Err(Errno::INVAL.raw_os_error()),
        };
        if is_over {
            *gap = None;
        }
        Ok(())
    }

    /// Whether an output can be moved.
    pub(super) fn can_move(&self, at: usize) -> bool {
        let is_over = |outlet: &Outlet| outlet.is_over.load(Ordering::Acquire);
        self.paths.has(at)
            && self.outlet(at).is_some_and(|outlet| !is_over(outlet))
            && self.gap(at).bytes < GAP_BYTES_MAX
    }

    /// Whether something is left that can be moved.
    pub(super) fn is_left(&self) -> bool {
        let has_bytes = |from| rustix::io::ioctl_fionread(from).is_ok_and(|bytes| bytes > 0);
        (0..2).any(|at| self.can_move(at) && self.from(at).is_some_and(has_bytes))
    }

    /// Moves some bytes of an output into its gap file. It waits for the disk.
    pub(super) fn step(&self, at: usize) -> Result<Moved, Errno> {
        let Some(outlet) = self.outlet(at) else { return Ok(Moved::Full) };
        let known = outlet.gap().clone();
        let file = match known {
            Some(file) => file,
            // No file is made for nothing.
            None if rustix::io::ioctl_fionread(&outlet.from)? == 0 => return outlet.nothing(),
            None => match self.paths.with(at, GapFile::open) {
                Some(opened) => Arc::new(opened?),
                None => return Ok(Moved::Full),
            },
        };
        if file.gap().bytes > 0 {
            // Of a former keeper: it is told to the next host even if nothing more fits.
            *outlet.gap() = Some(file.clone());
        }
        outlet.step(&file)
    }
}

impl Outlet {
    fn gap(&self) -> MutexGuard<'_, Option<Arc<GapFile>>> {
        self.gap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, gap: &Arc<GapFile>) -> Result<Moved, Errno> {
        let start = gap.gap().bytes;
        let most = usize::try_from(GAP_BYTES_MAX.saturating_sub(start)).unwrap_or(STEP).min(STEP);
        if most == 0 {
            return Ok(Moved::Full);
        }
        let file = &gap.file;
        let moved =
            if self.is_terminal { self.copy(file, start, most) } else { self.splice(file, start, most) };
        let moved = match moved {
            Err(Errno::IO) if !self.is_terminal => return Err(Errno::IO),
            Ok(0) | Err(Errno::IO) => {
                self.is_over.store(true, Ordering::Release);
                return Ok(Moved::End);
            }
            Err(Errno::AGAIN) => return Ok(Moved::Nothing),
            other => other?,
        };
        gap.grown_to(start.saturating_add(moved as u64));
        *self.gap() = Some(gap.clone());
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
        // What was read is nowhere else, so there has to be room for it on the disk first.
        match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, start, room as u64) {
            Ok(()) | Err(Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error),
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
        let is_closed = has_hung_up(&self.from)?;
        if is_closed {
            self.is_over.store(true, Ordering::Release);
        }
        Ok(if is_closed { Moved::End } else { Moved::Nothing })
    }
}

/// Whether the other side of this descriptor is closed: nobody writes any more.
pub(super) fn has_hung_up(fd: &OwnedFd) -> Result<bool, Errno> {
    let mut looked = [PollFd::new(fd, PollFlags::IN)];
    poll(&mut looked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    Ok(looked.iter().any(|looked| looked.revents().contains(PollFlags::HUP)))
}
