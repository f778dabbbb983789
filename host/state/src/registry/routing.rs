//! Which backend a process is on. The routing is one word, loaded once for each call: with `atomic` for all
//! processes it costs a load that never misses the cache and a branch that is always predicted.
//!
//! | backend | a process is on | a whole snapshot |
//! |---|---|---|
//! | `atomic`, rollout 100 | the published root | one load |
//! | `atomic`, rollout N | the root for N percent of the names, the locks for the rest | both, under the writers' lock |
//! | `locked` | the locks | all locks, exclusively |
//! | `dual` | both; the locks are served | both, compared |

use strum::{Display, EnumCount, EnumString, IntoStaticStr, VariantArray};

use crate::hash;
use crate::sync::{AtomicU16, Ordering};
use crate::words::array;

/// An implementation of the state core.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Display,
    EnumCount,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
#[strum(parse_err_ty = NoSuchBackend, parse_err_fn = no_such_backend)]
pub enum Backend {
    /// One published root behind an atomic pointer. Reads take no lock.
    #[default]
    Atomic,
    /// A mutex for each state behind an `RwLock<HashMap>`: the baseline, and the emergency fallback.
    Locked,
    /// Both: every commit goes to both sides, every read compares them, and the locked value is served.
    Dual,
}

impl Backend {
    /// All backends.
    pub const ALL: [Self; Self::COUNT] = array(Self::VARIANTS);

    /// Returns the word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The error for a text that names no backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no backend `{}`: there are {all}", .0, all = all_backends())]
pub struct NoSuchBackend(pub String);

/// Returns the words for all backends, for a sentence.
fn all_backends() -> String {
    let [others @ .., last] = Backend::ALL.map(Backend::as_str);
    format!("{} and {last}", others.join(", "))
}

fn no_such_backend(text: &str) -> NoSuchBackend {
    NoSuchBackend(text.to_owned())
}

/// The percentage of the processes that are on `atomic` when that is the backend: 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollout(u8);

/// The error for a percentage over 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rollout is a percentage from 0 to 100, not {0}")]
pub struct BadRollout(pub u64);

impl Rollout {
    /// All processes.
    pub const FULL: Self = Self(100);

    /// Creates a rollout to `percent` of the processes.
    ///
    /// # Errors
    /// [`BadRollout`] if it is more than 100.
    pub fn new(percent: u64) -> Result<Self, BadRollout> {
        match u8::try_from(percent) {
            Ok(small @ 0..=100) => Ok(Self(small)),
            _ => Err(BadRollout(percent)),
        }
    }

    /// Returns the percentage.
    #[must_use]
    pub fn percent(self) -> u8 {
        self.0
    }
}

impl Default for Rollout {
    fn default() -> Self {
        Self::FULL
    }
}

/// The backend and rollout in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// The backend.
    pub backend: Backend,
    /// The rollout of the backend, if it is `atomic`.
    pub rollout: Rollout,
}

/// Where the state of one process is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Atomic,
    Locked,
    Both,
}

impl Routing {
    /// Returns where the process with this name is kept.
    pub(crate) fn side(self, name: &str) -> Side {
        match self.backend {
            Backend::Locked => Side::Locked,
            Backend::Dual => Side::Both,
            Backend::Atomic if bucket(name) < self.rollout.0 => Side::Atomic,
            Backend::Atomic => Side::Locked,
        }
    }

    /// Returns where all processes are kept, if that is one place.
    pub(crate) fn whole(self) -> Option<Side> {
        match (self.backend, self.rollout.0) {
            (Backend::Locked, _) | (Backend::Atomic, 0) => Some(Side::Locked),
            (Backend::Dual, _) => Some(Side::Both),
            (Backend::Atomic, 100) => Some(Side::Atomic),
            (Backend::Atomic, _) => None,
        }
    }
}

/// Returns a number from 0 to 99 by a hash (FNV-1a) that is the same in every host and version: a name stays in its
/// bucket.
fn bucket(name: &str) -> u8 {
    // Below 100, so it fits.
    (hash::fnv(hash::EMPTY, name.bytes()) % 100) as u8
}

/// The routing as one atomic word.
#[derive(Debug)]
pub(crate) struct RoutingWord(AtomicU16);

impl Default for RoutingWord {
    fn default() -> Self {
        Self(AtomicU16::new(packed(Routing::default())))
    }
}

fn packed(routing: Routing) -> u16 {
    (routing.backend as u16) << 8 | u16::from(routing.rollout.0)
}

impl RoutingWord {
    /// Whether the backend is `atomic`, for some processes at least.
    #[inline]
    pub(crate) fn is_atomic(&self) -> bool {
        self.0.load(Ordering::Acquire) >> 8 == Backend::Atomic as u16
    }

    /// Loads the routing. Acquire: a reader that sees a routing also sees the states that were moved to its side before
    /// it came into force.
    #[inline]
    pub(crate) fn load(&self) -> Routing {
        const LOCKED: u16 = Backend::Locked as u16;
        const DUAL: u16 = Backend::Dual as u16;
        let word = self.0.load(Ordering::Acquire);
        let backend = match word >> 8 {
            LOCKED => Backend::Locked,
            DUAL => Backend::Dual,
            _ => Backend::Atomic,
        };
        Routing { backend, rollout: Rollout((word & 0xff) as u8) }
    }

    /// Stores the routing. The writer calls this after it has moved all states to the side where they will be read.
    pub(crate) fn store(&self, routing: Routing) {
        self.0.store(packed(routing), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_rollout_includes_every_process_of_a_smaller_one() {
        let names: Vec<String> = (0..1_000).map(|n| format!("web.{n}")).collect();
        let on_atomic = |percent| {
            let routing = Routing { backend: Backend::Atomic, rollout: Rollout::new(percent).unwrap() };
            names.iter().filter(|name| routing.side(name) == Side::Atomic).collect::<Vec<_>>()
        };
        assert_eq!(bucket("web"), bucket("web"));
        assert_eq!((on_atomic(0).len(), on_atomic(100).len()), (0, 1_000));
        let (some, more) = (on_atomic(25), on_atomic(50));
        assert!((150..350).contains(&some.len()), "{}", some.len());
        assert!(some.iter().all(|name| more.contains(name)));
        assert_eq!(Rollout::new(101), Err(BadRollout(101)));
    }

    #[test]
    fn the_error_for_an_unknown_backend_lists_the_known_ones() {
        let error = "fast".parse::<Backend>().unwrap_err().to_string();
        assert_eq!(error, "there is no backend `fast`: there are atomic, locked and dual");
    }

    #[test]
    fn the_routing_word_returns_the_routing_that_was_stored() {
        let word = RoutingWord::default();
        assert_eq!(word.load(), Routing::default());
        for backend in Backend::ALL {
            for percent in [0, 1, 50, 100] {
                let routing = Routing { backend, rollout: Rollout::new(percent).unwrap() };
                word.store(routing);
                assert_eq!(word.load(), routing);
                assert_eq!(backend.as_str().parse::<Backend>(), Ok(backend));
            }
        }
    }
}
