//! The program of the keeper, which this binary carries. It is executed from memory, or, where the kernel refuses that, from a file
//! in the runtime directory.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use provost_files::{Access as FileAccess, Owners};
use rustix::fs::{Access, MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// The program.
static PROGRAM: &[u8] = include_bytes!(env!("PROVOST_KEEPER_PROGRAM"));

/// The name by which the program is known to `ps`, and the name of its file.
pub(super) const NAME: &str = "provost-keeper";

/// Why the program cannot be executed.
#[derive(Debug, thiserror::Error)]
#[error("not from memory: {memory}; not from {}: {file}", path.display())]
pub(crate) struct NotExecuted {
    memory: io::Error,
    path: PathBuf,
    file: io::Error,
}

/// Replaces this process by the keeper. Returns only if that is not possible.
pub(super) fn execute(arguments: &[OsString], runtime_dir: &Path, owners: Owners) -> NotExecuted {
    let memory = match in_memory() {
        Ok(program) => become_it(Path::new(&format!("/proc/self/fd/{}", program.as_raw_fd())), arguments),
        Err(error) => error,
    };
    let path = runtime_dir.join(NAME);
    let file = match in_file(&path, runtime_dir, owners) {
        Ok(()) => become_it(&path, arguments),
        Err(error) => error,
    };
    NotExecuted { memory, path, file }
}

fn become_it(program: &Path, arguments: &[OsString]) -> io::Error {
    Command::new(program).arg0(NAME).args(arguments).exec()
}

/// Opens the program, which is the exec stage as well. Where the kernel does not execute what is in memory, that is this binary.
///
/// # Errors
/// Neither can be had.
pub(crate) fn stage() -> io::Result<OwnedFd> {
    if let Ok(program) = in_memory()
        && is_executable(&program)
    {
        return Ok(program.into());
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    Ok(rustix::fs::open("/proc/self/exe", flags, Mode::empty())?)
}

/// Whether the kernel executes it: it may be told not to (`vm.memfd_noexec`).
fn is_executable(program: &File) -> bool {
    let path = format!("/proc/self/fd/{}", program.as_raw_fd());
    rustix::fs::access(path, Access::EXEC_OK).is_ok()
}

/// Puts the program into a sealed file that exists in memory only.
fn in_memory() -> io::Result<File> {
    fail::fail_point!("keeper.memory", |_| Err(io::Error::from_raw_os_error(libc::EACCES)));
    check_room()?;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag, and later ones may refuse to execute a file that was made without it.
    let file = match memfd_create(NAME, flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create(NAME, flags)?,
        other => other?,
    };
    let mut file = File::from(file);
    file.write_all(PROGRAM)?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(file)
}

/// Fails if the limit on the size of a file is too low for the program: writing it would end this process by SIGXFSZ.
fn check_room() -> io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(most) if most < PROGRAM.len() as u64 => Err(io::Error::from_raw_os_error(libc::EFBIG)),
        _ => Ok(()),
    }
}

/// Puts the program into a file, unless it is there.
fn in_file(path: &Path, dir: &Path, owners: Owners) -> io::Result<()> {
    fail::fail_point!("keeper.file", |_| Err(io::Error::from_raw_os_error(libc::EACCES)));
    check_room()?;
    provost_files::safe_place(dir, owners)
        .and_then(|()| provost_files::own_dir(dir))
        .map_err(io::Error::other)?;
    let is_there = provost_files::read_own(path, PROGRAM.len() as u64).is_ok_and(|there| there == PROGRAM);
    if !is_there {
        provost_files::replace(path, FileAccess::Private, &[PROGRAM]).map_err(io::Error::other)?;
    }
    let file = provost_files::open_own(path).map_err(io::Error::other)?;
    if file.metadata()?.mode() & 0o777 != 0o700 {
        file.set_permissions(Permissions::from_mode(0o700))?;
    }
    Ok(())
}
