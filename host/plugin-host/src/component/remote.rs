//! The port for components that are elsewhere, in a registry or on a server. This crate knows no network; who implements the
//! port fetches a component into a file by its digest, and keeps the file for as long as a version needs it.

use std::any::Any;
use std::fmt;
use std::path::PathBuf;

/// Finds components that are elsewhere.
pub trait Remote: fmt::Debug + Send + Sync {
    /// Returns the file with the component that `reference` names, as it is in the config, if it was fetched before. Reads files.
    fn at_hand(&self, reference: &str) -> Option<Fetched>;

    /// Begins to fetch a component: its time limit runs from now on.
    fn begin(&self, reference: &str) -> Fetching;

    /// Returns the file with a component, and fetches it first if necessary. It is called where a component is read: on threads
    /// that may block, while no lock is held, and never for a decision. The signature is beside the file, as it is beside every
    /// component.
    ///
    /// # Errors
    /// [`RemoteError`] if there is no such file; nothing was changed then.
    fn component(&self, reference: &str) -> Result<Fetched, RemoteError> {
        match self.at_hand(reference) {
            Some(fetched) => Ok(fetched),
            None => self.begin(reference).finish(),
        }
    }
}

/// A fetch that has begun.
pub struct Fetching {
    /// Fetches, and blocks until then.
    pub(crate) work: Box<dyn FnOnce() -> Result<Fetched, RemoteError> + Send>,
    /// Ends the work when it is dropped.
    pub(crate) wanted: Box<dyn Any + Send>,
}

impl Fetching {
    /// Makes a fetch of what fetches and blocks, and ends when `wanted` is dropped.
    pub fn new(
        wanted: impl Any + Send,
        work: impl FnOnce() -> Result<Fetched, RemoteError> + Send + 'static,
    ) -> Self {
        Self { work: Box::new(work), wanted: Box::new(wanted) }
    }

    /// Fetches the component, and blocks until then.
    ///
    /// # Errors
    /// [`RemoteError`] if it cannot be fetched.
    pub fn finish(self) -> Result<Fetched, RemoteError> {
        let Self { work, wanted } = self;
        let done = work();
        drop(wanted);
        done
    }
}

impl fmt::Debug for Fetching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetching").finish_non_exhaustive()
    }
}

/// A component that was fetched into a file.
#[derive(Debug)]
pub struct Fetched {
    /// The file.
    pub path: PathBuf,
    /// Keeps the file for as long as this lives.
    pub lease: FetchLease,
}

/// What keeps a file that was fetched.
pub struct FetchLease(#[expect(dead_code, reason = "it is held and not read")] Box<dyn Any + Send + Sync>);

impl FetchLease {
    /// Keeps a file for as long as `held` lives.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self(Box::new(held))
    }
}

impl fmt::Debug for FetchLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FetchLease(..)")
    }
}

/// Why a component cannot be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct RemoteError {
    /// What is wrong: a whole clause.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

/// Finds nothing: the default of a host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Remote for Nowhere {
    fn at_hand(&self, _: &str) -> Option<Fetched> {
        None
    }

    fn begin(&self, reference: &str) -> Fetching {
        let error = RemoteError {
            what: format!("`{reference}` is not on this machine"),
            hint: format!("`provost plugin pull {reference} --output FILE` fetches it into a file"),
        };
        Fetching::new((), move || Err(error))
    }
}
