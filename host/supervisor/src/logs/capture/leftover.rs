//! Gap files of lives that nobody holds any more: their keeper has ended, or the machine, before a host has read them. Their
//! lines come before those of the next incarnation.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::former::{Chunk, Gap};
use crate::clock::wall_ms;
use crate::logs::item::LogStream;
use crate::logs::process::{ProcessLog, Written};
use crate::logs::write::batch::{Batch, End};

/// A gap file without a life.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Leftover {
    incarnation: u64,
    path: PathBuf,
    is_error: bool,
}

/// The gap files without a life, by the names of their processes.
pub(crate) type Leftovers = HashMap<Arc<str>, Vec<Leftover>>;

/// Returns the gap files in this directory that are not held. Anything else in it is left alone.
pub(crate) fn leftovers(dir: &Path, is_held: impl Fn(&Path) -> bool) -> io::Result<Leftovers> {
    let mut found = Leftovers::new();
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some((process, incarnation, is_error)) = name.and_then(parts)
            && !is_held(&path)
        {
            let leftovers = found.entry(Arc::from(process)).or_default();
            leftovers.push(Leftover { incarnation, path: path.clone(), is_error });
        }
    }
    found.values_mut().for_each(|leftovers| leftovers.sort());
    Ok(found)
}

/// Takes the name of a gap file apart: the process, the incarnation, and whether it is of standard error.
fn parts(name: &str) -> Option<(&str, u64, bool)> {
    let (life, stream) = name.rsplit_once('.')?;
    let (process, incarnation) = life.rsplit_once('.')?;
    let is_error = match stream {
        "out" => false,
        "err" => true,
        _ => return None,
    };
    Some((process, incarnation.parse().ok()?, is_error))
}

impl Leftover {
    pub(super) fn stream(&self) -> LogStream {
        if self.is_error { LogStream::Err } else { LogStream::Out }
    }

    /// Writes its lines, and removes it. It waits for the disk.
    pub(super) fn write(&self, log: &ProcessLog) -> io::Result<()> {
        let gap = Gap::new(provost_files::open_direct(&self.path)?, 0)?;
        let mut at = 0;
        while let Some(Chunk { bytes, end, .. }) = gap.chunk(at)? {
            at += bytes.len() as u64;
            // Its process is gone, so its last line is over.
            let end = if end == End::Shown { End::Whole } else { end };
            let batch = Batch { stream: self.stream(), at_ms: wall_ms(), bytes, end, claim: None };
            if matches!(log.write(batch), Written::NotYet(_)) {
                return Err(io::ErrorKind::ResourceBusy.into());
            }
        }
        gap.remove(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_found_in_the_order_of_incarnations_and_nothing_else_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        for name in
            ["web.10.out", "web.9.err", "web.9.out", "a.b.1.out", "note", "web.out", "web.x.out", "db.1.out"]
        {
            std::fs::write(dir.path().join(name), "x\n").unwrap();
        }
        let found = leftovers(dir.path(), |path| path.ends_with("db.1.out")).unwrap();
        let of = |name: &str| -> Vec<(u64, bool)> {
            found[name].iter().map(|leftover| (leftover.incarnation, leftover.is_error)).collect()
        };
        assert_eq!(found.len(), 2);
        assert_eq!(of("web"), [(9, true), (9, false), (10, false)]);
        assert_eq!(of("a.b"), [(1, false)]);
        assert!(leftovers(&dir.path().join("none"), |_| false).unwrap().is_empty());
    }
}
