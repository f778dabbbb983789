//! How a host ends: with everything that it runs, or without it.

use crate::failure::Failure;

/// How a host ends.
#[derive(Debug)]
pub(crate) enum End<T> {
    /// Nothing goes on: all processes were stopped, or none was started. The keeper ends with this exit code, too.
    Ended(T),
    /// Its processes go on with the next host, which the keeper starts.
    GoesOn(T),
}

impl End<Result<u8, Failure>> {
    /// The end of a host that failed, and has stopped nothing. If there was a host before it, whatever that one has left goes
    /// on: a config that cannot be read now, or a shortage, ends no process.
    pub(crate) fn failed(failure: Failure, has_former: bool) -> Self {
        if has_former { Self::GoesOn(Err(failure)) } else { Self::Ended(Err(failure)) }
    }
}
