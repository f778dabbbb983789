//! The program of the keeper, which this binary carries. It is executed from memory, or, where the kernel refuses that, from a file
//! in the runtime directory.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use provost_files::{Access as FileAccess, Owners};
use provost_supervisor::RUNTIME_DIR_VARIABLE;
use rustix::fs::{Access, Mode, OFlags};
use rustix::process::{Resource, getrlimit};

use crate::successor::{CarriedKeeper, KEEPER_NAME, KeeperAbout, file_in_memory, seal};

/// The program.
static PROGRAM: &[u8] = include_bytes!(env!("PROVOST_KEEPER_PROGRAM"));

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
    let become_it = |mut command: Command| Err::<Infallible, _>(command.exec());
    let Err(error) = by_memory_or_file(arguments, runtime_dir, owners, become_it);
    error
}

/// Runs the command of the keeper with its program in memory, or else with its program in a file.
fn by_memory_or_file<T>(
    arguments: &[OsString],
    runtime_dir: &Path,
    owners: Owners,
    run: impl Fn(Command) -> io::Result<T>,
) -> Result<T, NotExecuted> {
    let run = |program: &Path| {
        let mut command = Command::new(program);
        command.arg0(KEEPER_NAME).args(arguments).env(RUNTIME_DIR_VARIABLE, named(runtime_dir));
        run(command)
    };
    let memory = match in_memory().and_then(|file| run(&in_process(&file))) {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    let path = runtime_dir.join(KEEPER_NAME);
    match in_file(&path, runtime_dir, owners).and_then(|()| run(&path)) {
        Ok(done) => Ok(done),
        Err(file) => Err(NotExecuted { memory, path, file }),
    }
}

/// Returns the name by which processes are told apart that belong to different runtime directories.
pub(crate) fn named(runtime_dir: &Path) -> PathBuf {
    let there = runtime_dir.canonicalize().or_else(|_| std::path::absolute(runtime_dir));
    there.unwrap_or_else(|_| runtime_dir.to_owned())
}

/// Starts a keeper whose standard input is this connection.
///
/// # Errors
/// Its program cannot be executed.
pub(super) fn start(
    arguments: &[OsString],
    runtime_dir: &Path,
    owners: Owners,
    connection: OwnedFd,
) -> Result<Child, NotExecuted> {
    by_memory_or_file(arguments, runtime_dir, owners, |mut command| {
        command.stdin(connection.try_clone()?).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    })
}

/// Returns the path of an open file of this process.
fn in_process(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Returns the bytes of the program.
pub(crate) fn keeper_program() -> &'static [u8] {
    PROGRAM
}

/// Returns the program as a file that can be executed, and what it understands.
///
/// # Errors
/// There can be no file in memory.
pub(crate) fn program() -> io::Result<CarriedKeeper> {
    Ok(CarriedKeeper { program: in_memory()?.into(), about: KeeperAbout::this() })
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
    rustix::fs::access(in_process(program), Access::EXEC_OK).is_ok()
}

/// Puts the program into a sealed file that exists in memory only.
fn in_memory() -> io::Result<File> {
    fail::fail_point!("keeper.memory", |_| Err(io::Error::from_raw_os_error(libc::EACCES)));
    check_room()?;
    let mut file = file_in_memory()?;
    file.write_all(PROGRAM)?;
    seal(&file)?;
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
    provost_files::own_dir_in_safe_place(dir, owners).map_err(io::Error::other)?;
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
