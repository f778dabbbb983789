//! What a descriptor of a child is open on.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// What a descriptor of a child is open on.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// `/dev/null`: [`spawn`](crate::spawn()) opens it for reading, [`fork`](crate::fork) for reading and writing.
    Null,
    /// This descriptor.
    Fd(BorrowedFd<'a>),
    /// This path, opened for reading and writing. The first one that is a terminal becomes the controlling terminal of a new
    /// session.
    Path(&'a CStr),
}
