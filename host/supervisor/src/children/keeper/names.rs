//! Which life of which process each id means. It is written down for the next host in a file in memory that the keeper keeps,
//! before the keeper is asked to start that life: whatever it holds has a name.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use provost_keeper::protocol::Id;
use provost_state::Incarnation;
use rustix::fs::{MemfdFlags, memfd_create};

/// A life of a process.
pub(super) type Life = (Arc<str>, Incarnation);

/// The file is written anew when it has more bytes than this, and than four times what it began with.
const BYTES_MIN: u64 = 1 << 20;

/// The longest file that is read: a name for each of a million lives.
const BYTES_MAX: u64 = 256 << 20;

/// The lives that are held, and the file.
#[derive(Debug)]
pub(super) struct Names {
    lives: HashMap<Id, Life>,
    ids: HashMap<Life, Id>,
    file: File,
    bytes: u64,
    bytes_first: u64,
}

impl Names {
    /// Reads the file of a former host; lives that are not held any more are left out.
    pub(super) fn read(former: Option<OwnedFd>, is_held: impl Fn(Id) -> bool) -> io::Result<Self> {
        let bytes = former.map(|former| contents(former, BYTES_MAX)).transpose()?.unwrap_or_default();
        let lives: HashMap<Id, Life> = entries(&bytes).filter(|(id, _)| is_held(*id)).collect();
        let ids = lives.iter().map(|(id, life)| (life.clone(), *id)).collect();
        let (file, bytes) = written(&lives)?;
        Ok(Self { lives, ids, file, bytes, bytes_first: bytes })
    }

    /// Returns another descriptor of the file, for the keeper.
    pub(super) fn file(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }

    /// Returns the life that an id means.
    pub(super) fn life(&self, id: Id) -> Option<Life> {
        self.lives.get(&id).cloned()
    }

    /// Returns all lives with their ids.
    pub(super) fn lives(&self) -> impl Iterator<Item = (Id, &Life)> {
        self.lives.iter().map(|(id, life)| (*id, life))
    }

    /// Returns the id of a life.
    pub(super) fn id(&self, life: &Life) -> Option<Id> {
        self.ids.get(life).copied()
    }

    /// Enters a life that is about to be started. Returns true if there is a new file, which the keeper has to be given first.
    ///
    /// # Errors
    /// It could not be written down, and is not entered.
    pub(super) fn enter(&mut self, id: Id, life: Life) -> io::Result<bool> {
        let is_grown = self.bytes > BYTES_MIN.max(self.bytes_first.saturating_mul(4));
        let entry = entry(id, &life);
        if is_grown {
            let mut lives = self.lives.clone();
            lives.insert(id, life.clone());
            (self.file, self.bytes_first) = written(&lives)?;
            self.bytes = self.bytes_first;
        } else {
            self.file.write_all(&entry)?;
            self.bytes += entry.len() as u64;
        }
        self.ids.insert(life.clone(), id);
        self.lives.insert(id, life);
        Ok(is_grown)
    }

    /// Removes a life that the keeper does not hold any more.
    pub(super) fn remove(&mut self, id: Id) {
        if let Some(life) = self.lives.remove(&id)
            && self.ids.get(&life) == Some(&id)
        {
            self.ids.remove(&life);
        }
    }
}

/// Reads a file from its beginning, up to this many bytes.
pub(super) fn contents(file: OwnedFd, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut file = File::from(file);
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes these lives into a new file; returns its length, too.
fn written(lives: &HashMap<Id, Life>) -> io::Result<(File, u64)> {
    let bytes: Vec<u8> = lives.iter().flat_map(|(id, life)| entry(*id, life)).collect();
    let mut file = File::from(memfd_create("provost-names", MemfdFlags::CLOEXEC)?);
    file.write_all(&bytes)?;
    Ok((file, bytes.len() as u64))
}

/// Returns an entry: the id, the incarnation, the length of the name, the name.
fn entry(Id(id): Id, (name, incarnation): &Life) -> Vec<u8> {
    let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
    let parts: [&[u8]; 4] =
        [&id.to_le_bytes(), &incarnation.0.to_le_bytes(), &length.to_le_bytes(), name.as_bytes()];
    parts.concat()
}

/// Reads entries up to the first that is not whole.
fn entries(mut bytes: &[u8]) -> impl Iterator<Item = (Id, Life)> {
    std::iter::from_fn(move || {
        let (id, rest) = bytes.split_first_chunk()?;
        let (incarnation, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (name, rest) = rest.split_at_checked(u32::from_le_bytes(*length).try_into().ok()?)?;
        bytes = rest;
        let name = Arc::from(String::from_utf8_lossy(name));
        Some((Id(u32::from_le_bytes(*id)), (name, Incarnation(u64::from_le_bytes(*incarnation)))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(name: &str, incarnation: u64) -> Life {
        (name.into(), Incarnation(incarnation))
    }

    #[test]
    fn the_next_host_reads_the_lives_that_are_still_held() {
        let mut names = Names::read(None, |_| true).unwrap();
        for (id, life) in [(1, life("web", 1)), (2, life("db", 7)), (3, life("web", 2))] {
            assert!(!names.enter(Id(id), life).unwrap());
        }
        names.remove(Id(1));
        let mut next = Names::read(Some(names.file().unwrap()), |id| id != Id(1)).unwrap();
        assert_eq!((next.life(Id(2)), next.life(Id(1))), (Some(life("db", 7)), None));
        assert_eq!(next.id(&life("web", 2)), Some(Id(3)));
        next.enter(Id(4), life("api", 1)).unwrap();
        let third = Names::read(Some(next.file().unwrap()), |_| true).unwrap();
        assert_eq!(third.lives, next.lives);
    }

    #[test]
    fn an_entry_that_is_not_whole_ends_the_list() {
        let bytes = [entry(Id(1), &life("web", 1)), entry(Id(2), &life("db", 2))].concat();
        for length in 0..bytes.len() {
            let whole = usize::from(length >= entry(Id(1), &life("web", 1)).len());
            assert_eq!(entries(&bytes[..length]).count(), whole, "{length}");
        }
        assert_eq!(entries(&bytes).count(), 2);
    }

    #[test]
    fn the_file_is_written_anew_when_most_of_it_is_about_lives_that_are_over() {
        let mut names = Names::read(None, |_| true).unwrap();
        let name = "n".repeat(1_000);
        let mut renewed = 0;
        for number in 0..3_000 {
            renewed += u32::from(names.enter(Id(number), life(&name, number.into())).unwrap());
            names.remove(Id(number));
        }
        assert_eq!(renewed, 2);
        assert!(names.bytes < BYTES_MIN * 2);
    }
}
