//! Goes on with an output where a former host was. First come the lines of the gap, which the keeper has moved out of the pipe
//! while there was no host, and then the pipe. What the former host had written and not yet consumed is left out, and a line
//! that it had begun is continued.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::former::{Chunk, Gap, Resuming, Start};
use super::reading::{Pipe, Reading, written};
use crate::children::keeper::{HeldGap, KeptStream};
use crate::jobs::Lost;
use crate::logs::disk::is_out_of_descriptors;
use crate::logs::ledger::Origin;
use crate::logs::write::batch::End;

/// The pause before the keeper is asked again whether it is still moving output, or before a file is opened again.
const A_WHILE: Duration = Duration::from_millis(500);

/// The line that says that the process had to wait.
const FULL: &[u8] =
    b"[provost: there was no host, and its 64 MiB for this output were full: the process had to wait]\n";

impl Reading {
    /// Writes what a former host has left of this output, up to the pipe.
    pub(super) async fn resume(&mut self, fd: &Arc<OwnedFd>, resuming: Resuming<'_>) {
        let Resuming { kept, gap } = resuming;
        // An earlier incarnation that is within a line goes on with it first.
        self.line = self.pipe.log.line(self.pipe.stream).await;
        let gap = self.pipe.settled(kept, gap).await;
        let start = self.pipe.start(fd, gap.clone()).await;
        self.unfinished = start.is_within_line;
        if let Some(gap) = gap {
            self.write_gap(&gap, start.at, kept).await;
        }
        if !self.unfinished {
            self.line = None;
        }
    }

    /// Writes the gap from this place on, removes it, and tells the keeper.
    async fn write_gap(&mut self, gap: &Arc<Gap>, mut at: u64, kept: &KeptStream) {
        loop {
            match self.pipe.chunk(gap, at).await {
                Ok(Ok(Some(chunk))) => {
                    let origin = Origin::Gap { identity: gap.identity, offset: at };
                    at = at.saturating_add(chunk.bytes.len() as u64);
                    self.write_at_once(chunk, origin).await;
                }
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    self.pipe.complain(&error);
                    break;
                }
                Err(_) => return,
            }
        }
        let (gap, is_shared, path) = (gap.clone(), gap.is_shared, kept.path().cloned());
        // The lines are in the log: a file that stays costs nothing but its place.
        let removed = move || path.map_or(Ok(()), |path| gap.remove(&path));
        if let Ok(Err(error)) = self.pipe.writing.run(removed).await {
            tracing::warn!(process = &*self.pipe.log.stored.name, %error, "a gap file cannot be removed");
        }
        if is_shared && let Err(error) = kept.framed(at).await {
            tracing::warn!(process = &*self.pipe.log.stored.name, %error, "the keeper goes on with a gap");
        }
    }

    /// Writes a part of a gap and waits until that is done.
    async fn write_at_once(&mut self, Chunk { bytes, end, is_full }: Chunk, origin: Origin) {
        self.unfinished = end != End::Whole;
        self.write(bytes, end, None, origin);
        self.until_written().await;
        if let Some(entry) = &self.pipe.entry {
            entry.taken();
        }
        if is_full {
            self.say(FULL);
            self.until_written().await;
        }
    }

    async fn until_written(&mut self) {
        while self.writing.is_some() {
            let outcome = written(&mut self.writing).await;
            self.on_written(outcome).await;
        }
    }
}

impl Pipe {
    /// Waits until the keeper is not moving output into the gap any more. Until then, nobody may touch the pipe, which the
    /// kernel holds for as long as the disk hangs.
    async fn settled(&self, kept: &KeptStream, gap: HeldGap) -> Option<Arc<Gap>> {
        let HeldGap { mut file, framed, may_grow } = gap;
        if may_grow {
            while kept.framed(framed).await.is_err_and(|error| is_busy(&error)) {
                tokio::time::sleep(A_WHILE).await;
            }
        }
        // It may have begun meanwhile, or this is another keeper, which does not know of it.
        let is_shared = file.is_some() || may_grow;
        if let (None, Some(path)) = (&file, kept.path().cloned()) {
            file = self.writing.run(move || open(&path)).await.ok().flatten();
        }
        let file = file?;
        match self.writing.run(move || Gap::new(file, framed)).await {
            Ok(Ok(gap)) => Some(Arc::new(Gap { is_shared, ..gap })),
            Ok(Err(error)) => {
                self.complain(&error);
                None
            }
            Err(_) => None,
        }
    }

    /// Finds out where the output goes on.
    async fn start(&self, fd: &Arc<OwnedFd>, gap: Option<Arc<Gap>>) -> Start {
        let from = Start { at: gap.as_ref().map_or(0, |gap| gap.framed), is_within_line: false };
        let Some(entry) = &self.entry else { return from };
        match entry.last() {
            // Most processes are silent: their log files need not be opened.
            None => return from,
            Some(last) if last.is_taken && gap.is_none() => {
                return Start { is_within_line: last.after.is_within_line, ..from };
            }
            Some(_) => {}
        }
        loop {
            let (log, entry, fd) = (self.log.clone(), entry.clone(), fd.clone());
            let (gap, peeker) = (gap.clone(), self.peeker.clone());
            let look = move || log.start(&entry, &fd, gap.as_deref(), &peeker);
            match self.writing.run(look).await {
                Ok(Ok(start)) => return start,
                Ok(Err(error)) if is_out_of_descriptors(&error) => tokio::time::sleep(A_WHILE).await,
                Ok(Err(error)) => {
                    self.complain(&error);
                    return from;
                }
                Err(_) => return from,
            }
        }
    }

    /// Reads the next part of a gap.
    async fn chunk(&self, gap: &Arc<Gap>, at: u64) -> Result<io::Result<Option<Chunk>>, Lost> {
        let gap = gap.clone();
        self.writing.run(move || gap.chunk(at)).await
    }

    fn complain(&self, error: &io::Error) {
        let (process, stream) = (&*self.log.stored.name, self.stream);
        tracing::error!(process, ?stream, %error, "what was written while there was no host cannot be read; lines may be missing or twice in the log");
    }
}

fn is_busy(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::BUSY.raw_os_error())
}

/// Opens a gap file that this host was not given, if there is one.
fn open(path: &Path) -> Option<File> {
    provost_files::open_direct(path).ok()
}
