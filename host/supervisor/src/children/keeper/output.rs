//! The outputs of a child of the keeper. The keeper holds their reading ends as well, and moves what arrives while there is no
//! host into gap files. It does so until an output was read to its end: what a process has written before its end is in the
//! log whenever this host ends.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use provost_keeper::protocol::{Id, Order, Stream};
use rustix::io::Errno;
use tokio::sync::oneshot;

use super::connection::Keeper;
use super::link::Answer;
use super::slots::FormerOutput;

/// The outputs of one life of a process.
#[derive(Debug)]
pub(crate) struct KeptOutput {
    hold: Arc<Hold>,
    /// The gap files of both, by the former host of a child that was taken over.
    former: Option<FormerOutput>,
    paths: [Option<PathBuf>; 2],
}

/// Keeps the slot of a life in the keeper until it is dropped.
#[derive(Debug)]
struct Hold {
    keeper: Keeper,
    id: Id,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.keeper.release(self.id);
    }
}

/// One output of a life.
#[derive(Debug)]
pub(crate) struct KeptStream {
    hold: Arc<Hold>,
    stream: Stream,
    path: Option<PathBuf>,
}

/// What was moved out of a pipe while there was no host.
#[derive(Debug)]
pub(crate) struct HeldGap {
    /// The file, if the gap had begun when this host attached.
    pub(crate) file: Option<File>,
    /// The bytes from its beginning that a host has written into the log.
    pub(crate) framed: u64,
    /// Whether the keeper may still be moving output into the file, or into a new one.
    pub(crate) may_grow: bool,
}

impl KeptOutput {
    pub(super) fn new(keeper: &Keeper, id: Id, former: Option<FormerOutput>) -> Self {
        keeper.hold(id);
        let hold = Arc::new(Hold { keeper: keeper.clone(), id });
        let paths = keeper.gap_paths(id).map(|paths| paths.map(Some)).unwrap_or_default();
        Self { hold, former, paths }
    }

    /// Returns the number by which the keeper knows the life.
    pub(crate) fn id(&self) -> u32 {
        self.hold.id.0
    }

    /// Takes one of the outputs, 0 for standard output, with its gap, if the child is one of a former host.
    pub(crate) fn take(&mut self, at: usize) -> (KeptStream, Option<HeldGap>) {
        let stream = Stream::ALL.get(at).copied().unwrap_or(Stream::Output);
        let path = self.paths.get_mut(at).and_then(Option::take);
        let gap = self.former.as_mut().map(|former| HeldGap {
            file: former.files.get_mut(at).and_then(Option::take).map(File::from),
            framed: former.gaps.get(at).copied().unwrap_or_default().framed,
            may_grow: former.may_grow,
        });
        (KeptStream { hold: self.hold.clone(), stream, path }, gap)
    }
}

impl KeptStream {
    /// Returns the path of the gap file, if there is one for this output.
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// Tells the keeper that this many bytes of the gap are in the log; with all of them, the gap is over.
    ///
    /// # Errors
    /// `EBUSY` if the keeper is still moving output into the file; `EPIPE` if the keeper is gone.
    pub(crate) async fn framed(&self, bytes: u64) -> io::Result<()> {
        let (wanted, answer) = oneshot::channel();
        let order = Order::Framed { id: self.hold.id, stream: self.stream, bytes };
        self.hold.keeper.order(&order, Vec::new(), Answer::Wanted(wanted));
        Ok(answer.await.unwrap_or(Err(Errno::PIPE))?)
    }
}
