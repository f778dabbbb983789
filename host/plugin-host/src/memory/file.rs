//! What plugins remember, on disk: one file a plugin, written whole beside the old one and then put in its place.
//!
//! Layout: a line that names it, then each key and value behind its length (32 bits, little endian), then the SHA-256 of
//! all that. A damaged file is put aside as `NAME.memory.damaged`, and the plugin begins with nothing.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Memory, Values};
use crate::reading::{bytes_of, open_own};

const HEADER: &[u8] = b"provost-memory-1\n";
const DIGEST_BYTES: usize = 32;

/// The largest file that is read, in bytes: more than the largest store, with a length before each key and value.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// How long the host waits at its end for what is still to be written. A disk that hangs must not keep it.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// Writes the files of all plugins of a host, on a thread of its own. When it is dropped, all that was to be written has
/// been.
#[derive(Debug)]
pub(crate) struct Keeper {
    dir: PathBuf,
    jobs: Sender<Job>,
    /// Says when its thread has written everything.
    written: Mutex<Receiver<()>>,
}

#[derive(Debug)]
enum Job {
    Write(Arc<Memory>),
    End,
}

impl Keeper {
    /// Keeps files in `dir`, which is created, for this user alone.
    pub(crate) fn new(dir: &Path) -> io::Result<Self> {
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let (jobs, inbox) = mpsc::channel();
        let (done, written) = mpsc::channel();
        thread::Builder::new().name("plugin-memory".to_owned()).spawn(move || {
            write_all(&inbox);
            // Whoever has waited long enough has gone.
            let _ = done.send(());
        })?;
        Ok(Self { dir: dir.to_owned(), jobs, written: Mutex::new(written) })
    }

    /// The file of this plugin.
    pub(super) fn of(&self, plugin: &str) -> Kept {
        Kept { path: self.file(plugin), jobs: self.jobs.clone() }
    }

    /// Its path.
    pub(crate) fn file(&self, plugin: &str) -> PathBuf {
        self.dir.join(format!("{}.memory", file_name(plugin)))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // If its thread has ended, there is nothing left to be told or waited for.
        let _ = self.jobs.send(Job::End);
        let written = self.written.get_mut().unwrap_or_else(PoisonError::into_inner);
        if written.recv_timeout(LAST_WRITES) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(
                dir = %self.dir.display(),
                "what plugins remember is not all written after {} s: the host does not wait for the disk any longer",
                LAST_WRITES.as_secs()
            );
        }
    }
}

fn write_all(inbox: &Receiver<Job>) {
    while let Ok(Job::Write(memory)) = inbox.recv() {
        memory.write();
    }
}

/// The file of one plugin.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    jobs: Sender<Job>,
}

impl Kept {
    /// Has `memory` written by the keeper. After the host's end nothing is.
    pub(super) fn write_soon(&self, memory: Arc<Memory>) {
        let _ = self.jobs.send(Job::Write(memory));
    }

    /// Writes the file.
    pub(super) fn write(&self, values: &Values) {
        if let Err(error) = replace(&self.path, &encode(values)) {
            tracing::warn!(file = %self.path.display(), %error, "what a plugin remembers could not be written");
        }
    }

    /// What the file says; nothing if there is none, or a damaged one.
    pub(super) fn read(&self) -> Values {
        let text = match open_own(&self.path).and_then(|file| Ok(bytes_of(file, FILE_BYTES_MAX)?)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Values::new(),
            Err(error) => {
                tracing::warn!(file = %self.path.display(), %error, "what a plugin remembers cannot be read: it begins anew");
                return Values::new();
            }
        };
        decode(&text).unwrap_or_else(|| {
            let aside = self.path.with_extension("memory.damaged");
            let kept = fs::rename(&self.path, &aside);
            tracing::warn!(
                file = %self.path.display(), aside = %aside.display(), is_aside = kept.is_ok(),
                "what a plugin remembers is damaged: it begins anew"
            );
            Values::new()
        })
    }
}

/// The name of a plugin as that of a file: what is not a letter, a digit, `-` or `_` is written as `%` and its hex.
fn file_name(plugin: &str) -> String {
    plugin
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02x}"),
        })
        .collect()
}

fn encode(values: &Values) -> Vec<u8> {
    let mut text = HEADER.to_vec();
    let mut put = |part: &[u8]| {
        // The limits keep each far below 32 bits.
        text.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        text.extend(part);
    };
    for (key, value) in values {
        put(key.as_bytes());
        put(value);
    }
    let digest = Sha256::digest(&text);
    text.extend(digest);
    text
}

fn decode(text: &[u8]) -> Option<Values> {
    let (text, digest) = text.split_at_checked(text.len().checked_sub(DIGEST_BYTES)?)?;
    if Sha256::digest(text)[..] != *digest {
        return None;
    }
    let mut rest = text.strip_prefix(HEADER)?;
    let mut values = Values::new();
    while !rest.is_empty() {
        let key = std::str::from_utf8(part(&mut rest)?).ok()?;
        values.insert(key.into(), part(&mut rest)?.into());
    }
    Some(values)
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let (part, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = behind;
    Some(part)
}

/// Writes beside the file and then puts it in its place, so that there is always a whole one, whenever the machine stops.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("memory.new");
    // What a host that was killed has left behind, or a pipe that was put there: a new file is written in any case.
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_reads_back_as_it_was_written_and_no_damaged_one_is_read() {
        let values = Values::from([("a".into(), [1_u8, 2].into()), ("bé".into(), [].into())]);
        let text = encode(&values);
        assert_eq!(decode(&text), Some(values));
        for end in 0..text.len() {
            assert_eq!(decode(&text[..end]), None, "cut at {end}");
        }
        for at in 0..text.len() {
            let mut damaged = text.clone();
            damaged[at] ^= 1;
            assert_eq!(decode(&damaged), None, "changed at {at}");
        }
        assert_eq!(decode(&encode(&Values::new())), Some(Values::new()));
    }

    #[test]
    fn no_name_of_a_plugin_leaves_the_directory() {
        assert_eq!(file_name("back_off-2"), "back_off-2");
        assert_eq!(file_name("../x"), "%2e%2e%2fx");
    }
}
