//! Those parts of a spec that take effect with a spawn, and what environment files gave then, as bytes: what a child was spawned with can be compared with the
//! config by a host that has not spawned it. Each key has a number and its own bytes, so that keys can be added.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_state::Incarnation;

use super::setups::{
    owned, put_cgroup, put_path, put_setup, put_socket, take_cgroup, take_path, take_setup, take_socket,
};
use super::wire::{Put, Take, Unreadable};
use crate::gave::{Digest, Gave};
use crate::setup::Setup;
use crate::spec::{AtSpawnParts, CommandLine, ProcessSpec, Stderr, Stdin};

const COMMAND: u8 = 1;
const CWD: u8 = 2;
const ENV: u8 = 3;
const ENV_FILES: u8 = 4;
const STDERR: u8 = 5;
const STDIN: u8 = 6;
const TTY: u8 = 7;
const SOCKETS: u8 = 8;
const WATCHDOG: u8 = 9;
const SETUP: u8 = 10;
const CGROUP: u8 = 11;

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
        let AtSpawnParts {
            command,
            cwd,
            env,
            env_files,
            stderr,
            stdin,
            tty,
            sockets,
            watchdog_ms,
            setup,
            cgroup,
        } = spec.at_spawn();
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
                body.list(env_files.iter(), put_path);
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
        if !sockets.is_empty() {
            put(SOCKETS, &|body| {
                body.list(sockets.iter(), put_socket);
            });
        }
        if let Some(watchdog_ms) = watchdog_ms {
            put(WATCHDOG, &|body| {
                body.number(*watchdog_ms);
            });
        }
        if !setup.is_empty() {
            put(SETUP, &|body| put_setup(body, setup));
        }
        if let Some(cgroup) = cgroup {
            put(CGROUP, &|body| put_cgroup(body, cgroup));
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
            sockets: read(SOCKETS).map_or_else(|| Ok(Vec::new()), |mut take| take.list(take_socket))?,
            watchdog_ms: read(WATCHDOG).map(|mut take| take.number()).transpose()?,
            setup: read(SETUP).map_or_else(|| Ok(Setup::default()), |mut take| take_setup(&mut take))?,
            cgroup: read(CGROUP).map(|mut take| take_cgroup(&mut take)).transpose()?,
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

/// The names of the variables that a child was given about its user, its sockets and its watchdog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variables {
    pub(crate) incarnation: Incarnation,
    pub(crate) names: Arc<[Box<str>]>,
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

/// Writes the names of variables.
pub(super) fn put_variables(body: &mut Put, Variables { incarnation, names }: &Variables) {
    body.number(incarnation.0).list(names.iter(), |body, name| {
        body.text(name);
    });
}

/// Reads what [`put_variables`] has written.
pub(super) fn take_variables(take: &mut Take<'_>) -> Result<Variables, Unreadable> {
    let incarnation = Incarnation(take.number()?);
    Ok(Variables { incarnation, names: take.list(|take| take.text().map(Box::from))?.into() })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use super::*;
    use crate::activation::{SocketAddress, SocketKind, SocketSpec};
    use crate::setup::{CapabilitySets, CgroupSpec, IoPriority, Limit, Limited};

    fn sockets() -> Vec<SocketSpec> {
        let (stream, datagram) = (SocketKind::Stream, SocketKind::Datagram);
        let path = SocketAddress::Path(OsString::from_vec(vec![b'/', 0xff]).into());
        let ip = SocketAddress::Ip("[::1]:80".parse().unwrap());
        vec![
            SocketSpec {
                name: "admin".into(),
                address: path,
                kind: datagram,
                mode: Some(0o660),
                backlog: None,
            },
            SocketSpec { name: "http".into(), address: ip, kind: stream, mode: None, backlog: Some(16) },
        ]
    }

    fn full_setup() -> Setup {
        Setup {
            user: Some("www-data".to_owned()),
            group: Some("4".to_owned()),
            groups: vec!["adm".to_owned()],
            umask: Some(0o027),
            nice: Some(-5),
            io_priority: Some(IoPriority::BestEffort(7)),
            oom_score_adj: Some(-900),
            limits: BTreeMap::from([
                (Limited::Core, Limit::Soft(Some(0))),
                (Limited::Nofile, Limit::Both(Some(1_024), None)),
            ]),
            no_new_privs: true,
            capabilities: Some(CapabilitySets { bounding: u64::MAX, ambient: 1 << 10 }),
        }
    }

    fn full() -> ProcessSpec {
        let cgroup = CgroupSpec {
            cpu_percent: Some(150),
            memory_bytes_max: Some(1 << 30),
            memory_bytes_high: None,
            pids_max: Some(64),
            is_optional: true,
        };
        ProcessSpec {
            sockets: sockets(),
            watchdog_ms: Some(30_000),
            setup: full_setup(),
            cgroup: Some(cgroup),
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
    fn every_part_is_seen_as_changed_and_changes_the_digest() {
        let (full, plain) = (full(), ProcessSpec::new("web", CommandLine::Shell("exec web".to_owned())));
        let changes: [(&str, ProcessSpec); 11] = [
            ("command", ProcessSpec { command: plain.command.clone(), ..full.clone() }),
            ("cwd", ProcessSpec { cwd: plain.cwd.clone(), ..full.clone() }),
            ("env", ProcessSpec { env: plain.env.clone(), ..full.clone() }),
            ("env_files", ProcessSpec { env_files: plain.env_files.clone(), ..full.clone() }),
            ("stderr", ProcessSpec { stderr: plain.stderr, ..full.clone() }),
            ("stdin", ProcessSpec { stdin: plain.stdin, ..full.clone() }),
            ("tty", ProcessSpec { tty: plain.tty, ..full.clone() }),
            ("sockets", ProcessSpec { sockets: sockets()[..1].to_vec(), ..full.clone() }),
            ("watchdog", ProcessSpec { watchdog_ms: Some(20_000), ..full.clone() }),
            ("nice", ProcessSpec { setup: Setup { nice: None, ..full_setup() }, ..full.clone() }),
            ("cgroup", ProcessSpec { cgroup: Some(CgroupSpec::default()), ..full.clone() }),
        ];
        for (key, other) in changes {
            assert_eq!(AtSpawn::of(&other).over(&full).unwrap().changed_at_spawn(&full), [key]);
            assert_ne!(other.digest_at_spawn(), full.digest_at_spawn(), "{key}");
        }
    }

    #[test]
    fn a_key_of_a_newer_host_is_passed_over_and_a_record_without_the_newer_keys_is_read() {
        let mut of_newer = AtSpawn::of(&full());
        of_newer.keys.insert(u8::MAX, vec![1, 2, 3]);
        assert_eq!(of_newer.over(&full()).unwrap().changed_at_spawn(&full()), Vec::<&str>::new());
        let mut of_older = AtSpawn::of(&full());
        of_older.keys.retain(|key, _| *key < SOCKETS);
        let read = of_older.over(&full()).unwrap();
        assert_eq!((read.sockets, read.watchdog_ms, read.cgroup), (Vec::new(), None, None));
        assert!(read.setup.is_empty() && read.tty);
    }

    #[test]
    fn the_bytes_of_the_keys_about_sockets_and_setup_are_these() {
        let keys = AtSpawn::of(&full()).keys;
        let hex = |key: u8| keys[&key].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            [SOCKETS, WATCHDOG, SETUP, CGROUP].map(hex),
            [
                "020561646d696e01022fff0101b00300046874747000085b3a3a315d3a383000000110",
                "b0ea01",
                "01087777772d64617461010134010361646d0117010901870e018780010204636f7265000100066e6f66696c6501018008000101ffffffffffffffffff018008",
                "01960101808080800400014001",
            ]
        );
    }

    #[test]
    fn bytes_that_make_no_sense_are_refused() {
        for (key, bytes) in [
            (COMMAND, &[7][..]),
            (COMMAND, &[0, 9]),
            (ENV, &[1, 1]),
            (CWD, &[5, b'/']),
            (SOCKETS, &[1, 0]),
            (SETUP, &[2]),
            (CGROUP, &[]),
        ] {
            let keys = BTreeMap::from([(key, bytes.to_vec())]);
            assert!(AtSpawn { digest: 0, keys }.over(&full()).is_err(), "{key} {bytes:?}");
        }
    }
}
