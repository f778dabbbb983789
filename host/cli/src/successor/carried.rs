//! The keeper that a program carries: a program of its own, which takes the place of the one that runs if the host that is to come
//! does not speak with that one.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

use super::about::Keeper;

/// The name by which the program of a keeper is known to `ps`, and the name of its file.
pub(crate) const KEEPER_NAME: &str = "provost-keeper";

/// The longest program of a keeper, in bytes.
const BYTES_MAX: u64 = 16 << 20;

/// The keeper that a program carries.
#[derive(Debug)]
pub(crate) struct CarriedKeeper {
    /// Its program, in memory.
    pub(crate) program: OwnedFd,
    /// What it understands.
    pub(crate) about: Keeper,
}

impl CarriedKeeper {
    /// Takes a file that a program has written its keeper into.
    ///
    /// # Errors
    /// It is empty, or too long.
    pub(super) fn written(file: File, about: Keeper) -> io::Result<Self> {
        let length = file.metadata()?.len();
        if length == 0 || length > BYTES_MAX {
            return Err(io::Error::other(format!("it writes a program of {length} bytes")));
        }
        seal(&file)?;
        Ok(Self { program: file.into(), about })
    }
}

/// Returns an empty file that exists in memory only and can be executed.
///
/// # Errors
/// The kernel does not allow it.
pub(crate) fn file_in_memory() -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag, and later ones may refuse to execute a file that was made without it.
    let file = match memfd_create(KEEPER_NAME, flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create(KEEPER_NAME, flags)?,
        other => other?,
    };
    Ok(file.into())
}

/// Makes such a file one that is not changed any more.
///
/// # Errors
/// The kernel does not allow it.
pub(crate) fn seal(file: &File) -> io::Result<()> {
    Ok(fcntl_add_seals(file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?)
}
