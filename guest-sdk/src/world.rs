//! The world as a plugin sees it: a trait, so that the same logic reads the host's snapshot in a component
//! and a made-up world in a native test.

use crate::{Columns, Counts, Death, Fields, ProcessState, Removal, Snapshot};

/// All processes at one instant, read-only. In a component it is the host's snapshot; in native tests
/// it is a [`crate::testing::MadeUpWorld`].
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Fields, Phase, World};
///
/// /// Returns the names of the processes that do not run although they should.
/// fn down(world: &dyn World) -> Vec<String> {
///     world.rows(Fields::NAMES).in_phase(Phase::Fatal).map(|row| row.name().to_owned()).collect()
/// }
///
/// let world = MadeUpWorld::of([process("web", Phase::Running), process("db", Phase::Fatal)]);
/// assert_eq!(down(&world), ["db"]);
/// assert_eq!((world.size(), world.counts().running), (2, 1));
/// assert_eq!(world.get("db").map(|process| process.phase), Some(Phase::Fatal));
/// ```
pub trait World {
    /// Returns the generation: the number of the change that produced this world.
    fn generation(&self) -> u64;
    /// Returns the time of that change in milliseconds since the Unix epoch.
    fn taken_at(&self) -> u64;
    /// Returns the number of processes.
    fn size(&self) -> u32;
    /// Returns the process with this name.
    fn get(&self, name: &str) -> Option<ProcessState>;
    /// Returns at most `limit` (and 1024) processes from position `offset` on, in the order of the config.
    fn page(&self, offset: u32, limit: u32) -> Vec<ProcessState>;
    /// Returns the same rows column by column, at most `limit` (and 65536): far cheaper than `page` for many rows.
    fn columns(&self, fields: Fields, offset: u32, limit: u32) -> Columns;
    /// Returns the processes that have changed after `generation`, in the order of the config; `None` if there are more
    /// than `limit` (or 1024): then read all with `page`. Removed processes are not among them: see
    /// [`removed_since`](Self::removed_since).
    fn changed_since(&self, generation: u64, limit: u32) -> Option<Vec<ProcessState>>;
    /// Returns the processes that were removed after `generation`, oldest first. A name that is also among the changes
    /// since the same generation belongs to a new process: drop the removed ones first, and then take the changes.
    /// `None` if they are not all known any more, or more than 1024: then read all with `page`, and drop the rest.
    fn removed_since(&self, generation: u64) -> Option<Vec<Removal>>;
    /// Returns the processes of this group, in the order of the config; at most 1024. The empty name selects the processes
    /// without a group.
    fn group(&self, name: &str) -> Vec<ProcessState>;
    /// Returns the number of processes in each phase.
    fn counts(&self) -> Counts;
    /// Returns the unrequested ends of the process with this name since it was last started by hand, newest first, at
    /// most `limit`. The host remembers 100.
    fn deaths(&self, name: &str, limit: u32) -> Vec<Death>;
}

impl World for Snapshot {
    fn generation(&self) -> u64 {
        Self::generation(self)
    }
    fn taken_at(&self) -> u64 {
        Self::taken_at(self)
    }
    fn size(&self) -> u32 {
        Self::size(self)
    }
    fn get(&self, name: &str) -> Option<ProcessState> {
        Self::get(self, name)
    }
    fn page(&self, offset: u32, limit: u32) -> Vec<ProcessState> {
        Self::page(self, offset, limit)
    }
    fn columns(&self, fields: Fields, offset: u32, limit: u32) -> Columns {
        Self::columns(self, fields, offset, limit)
    }
    fn changed_since(&self, generation: u64, limit: u32) -> Option<Vec<ProcessState>> {
        Self::changed_since(self, generation, limit).ok()
    }
    fn removed_since(&self, generation: u64) -> Option<Vec<Removal>> {
        Self::removed_since(self, generation)
    }
    fn group(&self, name: &str) -> Vec<ProcessState> {
        Self::group(self, name)
    }
    fn counts(&self) -> Counts {
        Self::counts(self)
    }
    fn deaths(&self, name: &str, limit: u32) -> Vec<Death> {
        Self::deaths(self, name, limit)
    }
}
