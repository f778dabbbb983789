//! Those parts of a spec that take effect with a spawn, and what environment files gave then, as bytes: what a child was spawned with can be compared with the
//! config by a host that has not spawned it. Each key has a number and its own bytes, so that keys can be added.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_state::Incarnation;

use super::wire::{Put, Take, Unreadable};
use crate::gave::{Digest, Gave};
use crate::spec::{CommandLine, ProcessSpec, Stderr, Stdin};

const COMMAND: u8 = 1;
const CWD: u8 = 2;
const ENV: u8 = 3;
const ENV_FILES: u8 = 4;
const STDERR: u8 = 5;
const STDIN: u8 = 6;
const TTY: u8 = 7;

/// The parts of a spec that take effect with a spawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AtSpawn {
    /// The number that stands for them ([`ProcessSpec::digest_at_spawn`]).
    pub(crate) digest: u64,
    /// The bytes of each key that is not at its default. Keys that this host does not know are kept.
    pub(super) keys: BTreeMap<u8, Vec<u8>>,
}

impl AtSpawn {
    /// Returns those parts of a spec.
    pub(crate) fn of(spec: &ProcessSpec) -> Self {
        let ProcessSpec { command, cwd, env, env_files, stderr, stdin, tty, .. } = spec;
        let mut keys = BTreeMap::new();
        let mut put = |key: u8, bytes: &dyn Fn(&mut Put)| {
            let mut body = Put::default();
            bytes(&mut body);
            keys.insert(key, body.0);
        };
        put(COMMAND, &|body| match command {
            CommandLine::Argv(arguments) => {
                body.byte(0).list(arguments.iter(), |body, argument| {
                    body.text(argument);
                });
            }
            CommandLine::Shell(line) => {
                body.byte(1).text(line);
            }
        });
        if let Some(cwd) = cwd {
            put(CWD, &|body| put_path(body, cwd));
        }
        if !env.is_empty() {
            put(ENV, &|body| {
                body.list(env.iter(), |body, (name, value)| {
                    body.text(name).text(value);
                });
            });
        }
        if !env_files.is_empty() {
            put(ENV_FILES, &|body| {
                body.list(env_files.iter(), |body, path| put_path(body, path));
            });
        }
        if *stderr == Stderr::Merged {
            put(STDERR, &|_| {});
        }
        if *stdin == Stdin::Open {
            put(STDIN, &|_| {});
        }
        if *tty {
            put(TTY, &|_| {});
        }
        Self { digest: spec.digest_at_spawn(), keys }
    }

    /// Returns this spec with these parts in the place of its own.
    ///
    /// # Errors
    /// [`Unreadable`] if the bytes of a key make no sense.
    pub(crate) fn over(&self, spec: &ProcessSpec) -> Result<ProcessSpec, Unreadable> {
        let read = |key: u8| self.keys.get(&key).map(|bytes| Take(bytes));
        let command = match read(COMMAND) {
            Some(mut take) => match take.flag()? {
                false => CommandLine::Argv(take.list(owned)?),
                true => CommandLine::Shell(owned(&mut take)?),
            },
            None => spec.command.clone(),
        };
        let env = match read(ENV) {
            Some(mut take) => take.list(|take| Ok((owned(take)?, owned(take)?)))?,
            None => Vec::new(),
        };
        Ok(ProcessSpec {
            command,
            cwd: read(CWD).map(|mut take| take_path(&mut take)).transpose()?,
            env: env.into_iter().collect(),
            env_files: read(ENV_FILES).map_or_else(|| Ok(Vec::new()), |mut take| take.list(take_path))?,
            stderr: if read(STDERR).is_some() { Stderr::Merged } else { Stderr::Own },
            stdin: if read(STDIN).is_some() { Stdin::Open } else { Stdin::Null },
            tty: read(TTY).is_some(),
            ..spec.clone()
        })
    }
}

/// What is kept of the environment files of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnvFiles {
    pub(crate) incarnation: Incarnation,
    pub(crate) files: Arc<[Gave]>,
}

/// Writes the parts of a spec.
pub(super) fn put_at_spawn(body: &mut Put, AtSpawn { digest, keys }: &AtSpawn) {
    body.number(*digest).list(keys.iter(), |body, (key, bytes)| {
        body.byte(*key).bytes(bytes);
    });
}

/// Reads what [`put_at_spawn`] has written.
pub(super) fn take_at_spawn(take: &mut Take<'_>) -> Result<AtSpawn, Unreadable> {
    let digest = take.number()?;
    let keys = take.list(|take| Ok((take.byte()?, take.bytes()?.to_vec())))?;
    Ok(AtSpawn { digest, keys: keys.into_iter().collect() })
}

/// Writes what is kept of environment files.
pub(super) fn put_env_files(body: &mut Put, EnvFiles { incarnation, files }: &EnvFiles) {
    body.number(incarnation.0).list(files.iter(), |body, Gave { digest, names }| {
        body.bytes(&digest.key).bytes(&digest.sum).list(names.iter(), |body, name| {
            body.text(name);
        });
    });
}

/// Reads what [`put_env_files`] has written.
pub(super) fn take_env_files(take: &mut Take<'_>) -> Result<EnvFiles, Unreadable> {
    let bytes = |take: &mut Take<'_>| take.bytes()?.try_into().map_err(|_| Unreadable::Number);
    let gave = |take: &mut Take<'_>| {
        let digest = Digest { key: bytes(take)?, sum: bytes(take)? };
        Ok(Gave { digest, names: take.list(|take| take.text().map(Box::from))?.into() })
    };
    Ok(EnvFiles { incarnation: Incarnation(take.number()?), files: take.list(gave)?.into() })
}

fn owned(take: &mut Take<'_>) -> Result<String, Unreadable> {
    take.text().map(str::to_owned)
}

fn put_path(body: &mut Put, path: impl AsRef<Path>) {
    body.bytes(path.as_ref().as_os_str().as_bytes());
}

fn take_path(take: &mut Take<'_>) -> Result<PathBuf, Unreadable> {
    take.bytes().map(|bytes| OsString::from_vec(bytes.to_vec()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> ProcessSpec {
        ProcessSpec {
            cwd: Some("/srv".into()),
            env: BTreeMap::from([("A".to_owned(), "1".to_owned()), ("B".to_owned(), String::new())]),
            env_files: vec!["/srv/a.env".into(), OsString::from_vec(vec![b'/', 0xff]).into()],
            stderr: Stderr::Merged,
            stdin: Stdin::Open,
            tty: true,
            ..ProcessSpec::new("web", CommandLine::Argv(vec!["web".to_owned(), "-p".to_owned()]))
        }
    }

    #[test]
    fn a_spec_reads_back_as_it_was_written() {
        let plain = ProcessSpec::new("web", CommandLine::Shell("exec web".to_owned()));
        for (then, now) in [(full(), plain.clone()), (plain, full())] {
            let mut body = Put::default();
            put_at_spawn(&mut body, &AtSpawn::of(&then));
            let mut take = Take(&body.0);
            let read = take_at_spawn(&mut take).unwrap();
            take.end().unwrap();
            let over = read.over(&now).unwrap();
            assert_eq!(over.changed_at_spawn(&then), Vec::<&str>::new());
            assert_eq!(
                (over.digest_at_spawn(), read.digest),
                (then.digest_at_spawn(), then.digest_at_spawn())
            );
        }
    }

    #[test]
    fn bytes_that_make_no_sense_are_refused() {
        for (key, bytes) in [(COMMAND, &[7][..]), (COMMAND, &[0, 9]), (ENV, &[1, 1]), (CWD, &[5, b'/'])] {
            let keys = BTreeMap::from([(key, bytes.to_vec())]);
            assert!(AtSpawn { digest: 0, keys }.over(&full()).is_err(), "{key} {bytes:?}");
        }
    }
}
