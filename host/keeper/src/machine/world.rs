//! What the state machine asks of the operating system. The program implements it; tests replace it by a model.

use std::ffi::CStr;

use crate::protocol::{Descriptors, Gap, Held, Scope, Spec, Stream};

/// The number of places for which address space is reserved at the start. Only what is used of it is memory, and lists that grow
/// within it leave no smaller copies of themselves behind.
pub const RESERVED: usize = 4_096;

/// The time at an input, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// `CLOCK_BOOTTIME`, which is what messages contain. It goes on while the machine sleeps.
    pub boot: u64,
    /// `CLOCK_MONOTONIC`, by which the keeper waits.
    pub steady: u64,
}

/// A process that another keeper has started.
#[derive(Clone, Copy, Debug)]
pub struct Adopted<'a> {
    /// What was known of it.
    pub held: &'a Held,
    /// Its gap files.
    pub gap_files: [Option<&'a CStr>; 2],
    /// Whether its output is the other side of a terminal.
    pub is_terminal: bool,
}

/// The operating system. A slot is named by its place, a small number that is used again.
pub trait World {
    /// Starts the child of a free slot without waiting for its exec; returns its process id.
    ///
    /// # Errors
    /// The error number. Nothing was started, and nothing of the slot is left.
    fn spawn(&mut self, place: usize, spec: &Spec<'_>) -> Result<u32, i32>;

    /// Takes the descriptors of a process that another keeper has started. Returns whether it still lives.
    ///
    /// # Errors
    /// The error number, and nothing of the slot is left.
    fn adopt(&mut self, place: usize, adopted: &Adopted<'_>) -> Result<bool, i32>;

    /// Sends a signal to a process that is not reaped.
    ///
    /// # Errors
    /// The error number.
    fn signal(&mut self, place: usize, pid: u32, number: i32, scope: Scope) -> Result<(), i32>;

    /// Reaps a child that has ended.
    fn reap(&mut self, place: usize, pid: u32);

    /// Closes all that is open of a slot that is free now.
    fn release(&mut self, place: usize);

    /// Returns which descriptors are open of a slot.
    fn descriptors(&self, place: usize) -> Descriptors;

    /// Returns the gaps of a slot.
    fn gaps(&self, place: usize) -> [Gap; 2];

    /// Records that the first bytes of a gap file are in the log.
    ///
    /// # Errors
    /// The error number: `EINVAL` if the file has fewer bytes.
    fn framed(&mut self, place: usize, stream: Stream, bytes: u64) -> Result<(), i32>;

    /// Keeps the descriptor of the message at hand under this key, or drops what is kept.
    ///
    /// # Errors
    /// The error number: `ENOSPC` if there are too many keys.
    fn stash(&mut self, key: u32, generation: u64) -> Result<(), i32>;

    /// Returns the key and the number of the stash at this index, if there are that many.
    fn stashed(&self, index: usize) -> Option<(u32, u64)>;

    /// Begins to start a host.
    ///
    /// # Errors
    /// The error number.
    fn start_host(&mut self) -> Result<(), i32>;

    /// Takes the program of the message at hand, if there is one, as that of the next host. Returns whether there is one.
    fn replace_program(&mut self) -> bool;

    /// The program of the last replacement stays (`true`), or the former one is the program again.
    fn settle_program(&mut self, stays: bool);

    /// Sends SIGKILL to the host, whose end is an input later.
    fn kill_host(&mut self);

    /// Whether the host is stopped by a signal or a debugger.
    fn host_is_stopped(&self) -> bool;

    /// Begins to move output into the gap files, or to stop doing so. Returns whether that has come to an end; if not, its
    /// end is an input later.
    fn drain(&mut self, on: bool) -> bool;

    /// Whether all output of processes that have ended is in the gap files.
    fn is_drained(&self) -> bool;

    /// Calls `found` with the group of every living process of the machine. Returns false if that could not be looked at, so
    /// that nothing is known.
    fn groups(&mut self, found: &mut dyn FnMut(u32)) -> bool;
}
