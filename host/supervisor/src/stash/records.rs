//! The records of a stash, each as one frame. Every kind is at its version 1, which is frozen: the bytes of each are in a
//! test.
//!
//! The order of the records in a file means nothing. A state is newer if its process was added later, or if its version is
//! higher; what is no state has a number that counts up with each change. So several tasks may append at the same time,
//! and a file may be written anew while they do.

use std::sync::Arc;

use provost_state::{Backend, Generation, Incarnation, ProcessState, Rollout, Routing, Signal};

use super::at_spawn::{
    AtSpawn, EnvFiles, Variables, put_at_spawn, put_env_files, put_variables, take_at_spawn, take_env_files,
    take_variables,
};
use super::counted::{Counted, put_counted, take_counted};
use super::frames::{Kind, put_frame};
use super::states::{StateRead, put_state, take_state};
use super::wire::{Put, Take, Unreadable};
use crate::spec::{Escaped, StopTo};

/// The first record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The boot of the machine, as the kernel names it: pids and monotonic times mean nothing in another one.
    pub(crate) boot: Arc<str>,
    /// The number of the file.
    pub(crate) number: u64,
}

/// What a child was spawned with, as far as another host needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) incarnation: Incarnation,
    /// A number that stands for those parts of the spec that count at the spawn.
    pub(crate) spec: u64,
    /// The variables that start policies set.
    pub(crate) env: Vec<(String, String)>,
    /// The values of the variables that its checks name.
    pub(crate) vars: Vec<(String, String)>,
    /// How it is ended if the next config does not have it any more.
    pub(crate) stop_signal: Signal,
    pub(crate) stop_to: StopTo,
    pub(crate) escaped: Escaped,
    pub(crate) stop_grace_ms: u64,
}

/// What holds for a process beside its state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Aside {
    pub(crate) beside: Beside,
    /// Whether the life whose end is not decided yet had become ready.
    pub(crate) was_ready: bool,
    /// Whether it is being stopped in order to be started again, which was not requested yet.
    pub(crate) again: bool,
}

/// What follows for a process, because of its group, its set or a stop in progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Beside {
    /// What its phase says.
    #[default]
    Nothing,
    /// Its group holds it.
    Held,
    /// Its set does not need it.
    Spare,
    /// It is given up when its child has ended, for this reason.
    Fatal(Arc<str>),
    /// It was not ready in time, for this reason, and its end is judged.
    Overdue(Arc<str>),
}

/// One key of the memory of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenKey {
    pub(crate) key: Arc<str>,
    /// The number of the change of the memory that has written it: the highest one of a key counts.
    pub(crate) version: u64,
    /// `None` if it was deleted.
    pub(crate) value: Option<Arc<[u8]>>,
}

/// One record, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    Head(Head),
    /// No generation above this one was given to a commit.
    Lease(Generation),
    State {
        born: Generation,
        read: Box<StateRead>,
    },
    Removed {
        name: Arc<str>,
        born: Generation,
    },
    Life {
        turn: u64,
        name: Arc<str>,
        born: Generation,
        life: Life,
    },
    Aside {
        turn: u64,
        name: Arc<str>,
        born: Generation,
        aside: Aside,
    },
    /// Those parts of the spec with which the last child was spawned that take effect with a spawn.
    AtSpawn {
        turn: u64,
        name: Arc<str>,
        born: Generation,
        at_spawn: AtSpawn,
    },
    /// What the environment files of the last child gave.
    EnvFiles {
        turn: u64,
        name: Arc<str>,
        born: Generation,
        env_files: EnvFiles,
    },
    /// The names of the variables that the last child was given about its user, its sockets and its watchdog.
    Variables {
        turn: u64,
        name: Arc<str>,
        born: Generation,
        variables: Variables,
    },
    /// The digest of those parts of the spec in force that take effect with a spawn, if the living child may have others.
    InForce {
        turn: u64,
        name: Arc<str>,
        born: Generation,
        digest: u64,
    },
    /// What the health checks have counted.
    Counted {
        turn: u64,
        name: Arc<str>,
        born: Generation,
        counted: Counted,
    },
    /// How many replicas of a set are wanted, and whether that was set by hand.
    Set {
        turn: u64,
        name: Arc<str>,
        wanted: u32,
        by_hand: bool,
    },
    Routing {
        turn: u64,
        routing: Routing,
    },
    /// What was written into the memory of a plugin.
    Memory {
        plugin: Arc<str>,
        written: Vec<WrittenKey>,
    },
    /// Bytes that only their writer understands.
    Note {
        turn: u64,
        key: Arc<str>,
        bytes: Vec<u8>,
    },
}

const HEAD: Kind = Kind { kind: 1, version: 1 };
const LEASE: Kind = Kind { kind: 2, version: 1 };
const STATE: Kind = Kind { kind: 3, version: 1 };
const REMOVED: Kind = Kind { kind: 4, version: 1 };
const LIFE: Kind = Kind { kind: 5, version: 1 };
const ASIDE: Kind = Kind { kind: 6, version: 1 };
const SET: Kind = Kind { kind: 7, version: 1 };
const ROUTING: Kind = Kind { kind: 8, version: 1 };
const MEMORY: Kind = Kind { kind: 9, version: 1 };
const NOTE: Kind = Kind { kind: 10, version: 1 };
/// Records that are read all or none: the frames of others.
pub(super) const TOGETHER: Kind = Kind { kind: 11, version: 1 };
const AT_SPAWN: Kind = Kind { kind: 12, version: 1 };
const ENV_FILES: Kind = Kind { kind: 13, version: 1 };
const IN_FORCE: Kind = Kind { kind: 14, version: 1 };
const COUNTED: Kind = Kind { kind: 15, version: 1 };
const VARIABLES: Kind = Kind { kind: 16, version: 1 };

/// Appends a record to `bytes`.
pub(crate) fn put(bytes: &mut Vec<u8>, record: &Record) {
    let mut body = Put::default();
    let kind = match record {
        Record::Head(Head { boot, number }) => {
            body.text(boot).number(*number);
            HEAD
        }
        Record::Lease(generation) => {
            body.number(generation.0);
            LEASE
        }
        Record::State { born, read } => {
            body.number(born.0);
            put_state(&mut body, &read.state, read.deaths_total, read.deaths.iter());
            STATE
        }
        Record::Removed { name, born } => {
            body.text(name).number(born.0);
            REMOVED
        }
        Record::Life { turn, name, born, life } => {
            put_life(body.number(*turn).text(name).number(born.0), life);
            LIFE
        }
        Record::Aside { turn, name, born, aside } => {
            put_aside(body.number(*turn).text(name).number(born.0), aside);
            ASIDE
        }
        Record::AtSpawn { turn, name, born, at_spawn } => {
            put_at_spawn(body.number(*turn).text(name).number(born.0), at_spawn);
            AT_SPAWN
        }
        Record::EnvFiles { turn, name, born, env_files } => {
            put_env_files(body.number(*turn).text(name).number(born.0), env_files);
            ENV_FILES
        }
        Record::Variables { turn, name, born, variables } => {
            put_variables(body.number(*turn).text(name).number(born.0), variables);
            VARIABLES
        }
        Record::InForce { turn, name, born, digest } => {
            body.number(*turn).text(name).number(born.0).number(*digest);
            IN_FORCE
        }
        Record::Counted { turn, name, born, counted } => {
            put_counted(body.number(*turn).text(name).number(born.0), counted);
            COUNTED
        }
        Record::Set { turn, name, wanted, by_hand } => {
            body.number(*turn).text(name).number(*wanted).byte((*by_hand).into());
            SET
        }
        Record::Routing { turn, routing } => {
            body.number(*turn).byte(code(routing.backend)).byte(routing.rollout.percent());
            ROUTING
        }
        Record::Memory { plugin, written } => {
            body.text(plugin).list(written.iter(), put_written);
            MEMORY
        }
        Record::Note { turn, key, bytes } => {
            body.number(*turn).text(key).bytes(bytes);
            NOTE
        }
    };
    put_frame(bytes, kind, &body.0);
}

/// Returns the frame of these frames, which are read all or none.
pub(crate) fn together(frames: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frames.len() + 16);
    put_frame(&mut bytes, TOGETHER, frames);
    bytes
}

/// Appends a state with its `newest` deaths.
pub(crate) fn put_commit(bytes: &mut Vec<u8>, born: Generation, state: &ProcessState, newest: usize) {
    let mut body = Put::default();
    body.number(born.0);
    let total = state.deaths.len();
    let newest: Vec<_> = state.deaths.iter().take(newest.min(total)).collect();
    put_state(&mut body, state, total, newest.into_iter());
    put_frame(bytes, STATE, &body.0);
}

/// Reads a record; `None` if its kind or its version is one that this host does not know.
pub(crate) fn take(kind: Kind, body: &[u8]) -> Result<Option<Record>, Unreadable> {
    let mut take = Take(body);
    let record = match kind {
        HEAD => Record::Head(Head { boot: take.shared()?, number: take.number()? }),
        LEASE => Record::Lease(Generation(take.number()?)),
        STATE => Record::State { born: Generation(take.number()?), read: Box::new(take_state(&mut take)?) },
        REMOVED => Record::Removed { name: take.shared()?, born: Generation(take.number()?) },
        LIFE => Record::Life {
            turn: take.number()?,
            name: take.shared()?,
            born: Generation(take.number()?),
            life: take_life(&mut take)?,
        },
        ASIDE => Record::Aside {
            turn: take.number()?,
            name: take.shared()?,
            born: Generation(take.number()?),
            aside: take_aside(&mut take)?,
        },
        AT_SPAWN => Record::AtSpawn {
            turn: take.number()?,
            name: take.shared()?,
            born: Generation(take.number()?),
            at_spawn: take_at_spawn(&mut take)?,
        },
        ENV_FILES => Record::EnvFiles {
            turn: take.number()?,
            name: take.shared()?,
            born: Generation(take.number()?),
            env_files: take_env_files(&mut take)?,
        },
        VARIABLES => Record::Variables {
            turn: take.number()?,
            name: take.shared()?,
            born: Generation(take.number()?),
            variables: take_variables(&mut take)?,
        },
        IN_FORCE => Record::InForce {
            turn: take.number()?,
            name: take.shared()?,
            born: Generation(take.number()?),
            digest: take.number()?,
        },
        COUNTED => Record::Counted {
            turn: take.number()?,
            name: take.shared()?,
            born: Generation(take.number()?),
            counted: take_counted(&mut take)?,
        },
        SET => Record::Set {
            turn: take.number()?,
            name: take.shared()?,
            wanted: take.small()?,
            by_hand: take.flag()?,
        },
        ROUTING => Record::Routing {
            turn: take.number()?,
            routing: Routing {
                backend: backend(take.byte()?)?,
                rollout: Rollout::new(take.byte()?.into()).map_err(|_| Unreadable::Variant)?,
            },
        },
        MEMORY => Record::Memory { plugin: take.shared()?, written: take.list(take_written)? },
        NOTE => Record::Note { turn: take.number()?, key: take.shared()?, bytes: take.bytes()?.to_vec() },
        _ => return Ok(None),
    };
    take.end()?;
    Ok(Some(record))
}

fn code(backend: Backend) -> u8 {
    match backend {
        Backend::Atomic => 0,
        Backend::Locked => 1,
        Backend::Dual => 2,
    }
}

fn backend(code: u8) -> Result<Backend, Unreadable> {
    Ok(match code {
        0 => Backend::Atomic,
        1 => Backend::Locked,
        2 => Backend::Dual,
        _ => return Err(Unreadable::Variant),
    })
}

fn put_life(body: &mut Put, life: &Life) {
    body.number(life.incarnation.0).number(life.spec);
    for variables in [&life.env, &life.vars] {
        body.list(variables.iter(), |body, (name, value)| {
            body.text(name).text(value);
        });
    }
    body.signed(life.stop_signal.number());
    body.byte(match life.stop_to {
        StopTo::Group => 0,
        StopTo::Main => 1,
    });
    body.byte(match life.escaped {
        Escaped::Kill => 0,
        Escaped::Leave => 1,
    });
    body.number(life.stop_grace_ms);
}

fn take_life(take: &mut Take<'_>) -> Result<Life, Unreadable> {
    let variable = |take: &mut Take<'_>| Ok((take.text()?.to_owned(), take.text()?.to_owned()));
    Ok(Life {
        incarnation: Incarnation(take.number()?),
        spec: take.number()?,
        env: take.list(variable)?,
        vars: take.list(variable)?,
        stop_signal: Signal::new(take.signed()?).ok_or(Unreadable::Variant)?,
        stop_to: if take.flag()? { StopTo::Main } else { StopTo::Group },
        escaped: if take.flag()? { Escaped::Leave } else { Escaped::Kill },
        stop_grace_ms: take.number()?,
    })
}

fn put_aside(body: &mut Put, aside: &Aside) {
    match &aside.beside {
        Beside::Nothing => body.byte(0),
        Beside::Held => body.byte(1),
        Beside::Spare => body.byte(2),
        Beside::Fatal(why) => body.byte(3).text(why),
        Beside::Overdue(why) => body.byte(4).text(why),
    };
    body.byte(aside.was_ready.into()).byte(aside.again.into());
}

fn take_aside(take: &mut Take<'_>) -> Result<Aside, Unreadable> {
    let beside = match take.byte()? {
        0 => Beside::Nothing,
        1 => Beside::Held,
        2 => Beside::Spare,
        3 => Beside::Fatal(take.shared()?),
        4 => Beside::Overdue(take.shared()?),
        _ => return Err(Unreadable::Variant),
    };
    Ok(Aside { beside, was_ready: take.flag()?, again: take.flag()? })
}

fn put_written(body: &mut Put, WrittenKey { key, version, value }: &WrittenKey) {
    body.text(key).number(*version).option(value.as_deref(), |body, value| {
        body.bytes(value);
    });
}

fn take_written(take: &mut Take<'_>) -> Result<WrittenKey, Unreadable> {
    Ok(WrittenKey {
        key: take.shared()?,
        version: take.number()?,
        value: take.option(|take| take.bytes().map(Arc::from))?,
    })
}
