//! The outputs of a child of the keeper. The keeper holds their reading ends as well, and moves what arrives while there is no
//! host into gap files. It does so until an output was read to its end: what a process has written before its end is in the
//! log whenever this host ends.

use std::collections::HashSet;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_keeper::protocol::{Id, Order, Stream};

use super::connection::Keeper;
use super::keys::LEDGER_KEY;
use super::names::Life;
use super::outbox::Answer;
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

impl Keeper {
    /// Has the keeper move output into files below this directory while there is no host; it is created. Until then, and if it
    /// cannot be created, output waits in its pipe. The path is absolute.
    ///
    /// # Errors
    /// The directory cannot be created.
    pub(crate) fn keep_gaps_below(&self, dir: &Path) -> io::Result<()> {
        provost_files::own_dir(dir)?;
        // It was set before if it fails, to the same.
        let _ = self.outputs().gaps.set(dir.to_owned());
        Ok(())
    }

    /// Returns the paths of the gap files of a life, standard output first.
    pub(super) fn gap_paths(&self, id: Id) -> Option<[PathBuf; 2]> {
        let life = self.names().lock().life(id)?;
        self.gap_paths_of(&life)
    }

    fn gap_paths_of(&self, (name, incarnation): &Life) -> Option<[PathBuf; 2]> {
        let dir = self.outputs().gaps.get()?;
        Some(["out", "err"].map(|stream| dir.join(format!("{name}.{}.{stream}", incarnation.0))))
    }

    /// Returns the paths of the gap files of all lives.
    pub(crate) fn held_gaps(&self) -> HashSet<PathBuf> {
        let names = self.names().lock();
        names.lives().filter_map(|(_, life)| self.gap_paths_of(life)).flatten().collect()
    }

    /// Returns the paths of the gap files of a life as the keeper takes them.
    pub(super) fn gap_files_of(&self, id: Id) -> [Option<CString>; 2] {
        let life = self.names().lock().life(id);
        life.map_or([None, None], |life| self.gap_files(&life))
    }

    /// Returns the paths of the gap files of a life that is about to be started.
    pub(in crate::children) fn gap_files(&self, life: &Life) -> [Option<CString>; 2] {
        let path = |path: PathBuf| CString::new(path.as_os_str().as_bytes()).ok();
        self.gap_paths_of(life).map_or([None, None], |paths| paths.map(path))
    }

    /// Takes the file of the ledger that a former host has left.
    pub(crate) fn former_ledger(&self) -> Option<OwnedFd> {
        self.outputs().former_ledger.lock().take()
    }

    /// Has the keeper keep the file of the ledger.
    pub(crate) fn keep_ledger(&self, file: OwnedFd) {
        *self.outputs().ledger.lock() = file.try_clone().ok().map(Arc::new);
        self.order(&Order::Stash { key: LEDGER_KEY, generation: 0 }, vec![file], Answer::Unneeded);
    }

    /// Returns the numbers of all lives, with the names of their processes.
    pub(crate) fn lives(&self) -> Vec<(u32, Arc<str>)> {
        self.names().lock().lives().map(|(id, (name, _))| (id.0, name.clone())).collect()
    }

    /// Keeps the slot of a life until it is [released](Keeper::release), although its end may be written down.
    pub(super) fn hold(&self, id: Id) {
        self.outputs().held.lock().insert(id, false);
    }

    /// The outputs of a life are read to their ends, or given up.
    pub(super) fn release(&self, id: Id) {
        let is_recorded = self.outputs().held.lock().remove(&id);
        if is_recorded == Some(true) {
            self.forget_id(id);
        }
    }
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
        let order = Order::Framed { id: self.hold.id, stream: self.stream, bytes };
        self.hold.keeper.asked(&order, Vec::new()).await
    }
}
