//! Opens a file within a granted directory. A pipe, a device or a socket is refused without waiting for it: a read of
//! one may never end, and would block a thread and a descriptor for as long.

use std::fs::File;
use std::sync::{Arc, LazyLock};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::io::Errno;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File as OpenFile};
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorFlags, ErrorCode, OpenFlags, PathFlags};
use wasmtime_wasi::{OpenMode, runtime};

/// Whether the kernel has `openat2` and lets this process use it: it came with Linux 5.6, and old sandboxes refuse it.
pub(super) static HAS_OPENAT2: LazyLock<bool> = LazyLock::new(|| {
    openat2(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::NO_SYMLINKS).is_ok()
});

/// How often a look-up is tried that failed because something on its path was moved.
const TRIES: usize = 16;

/// Why nothing was opened.
pub(super) enum NotOpened {
    /// It is a pipe, a device or a socket.
    Special,
    /// The error code for the plugin.
    Code(ErrorCode),
}

/// The flags for opening a file.
#[derive(Clone, Copy)]
struct How {
    flags: OFlags,
    resolve: ResolveFlags,
    mode: OpenMode,
}

impl How {
    /// Interprets the flags as wasmtime-wasi does: a file that is not opened for writing is opened for reading.
    fn new(dir: &Dir, path: PathFlags, open: OpenFlags, wanted: DescriptorFlags) -> Result<Self, ErrorCode> {
        let unsupported = DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC;
        if wanted.intersects(unsupported) {
            return Err(ErrorCode::Unsupported);
        }
        let makes = OpenFlags::CREATE | OpenFlags::TRUNCATE;
        if open.contains(OpenFlags::DIRECTORY) && open.intersects(makes | OpenFlags::EXCLUSIVE) {
            return Err(ErrorCode::Invalid);
        }
        let reads = wanted.contains(DescriptorFlags::READ) || !wanted.contains(DescriptorFlags::WRITE);
        let writes = wanted.contains(DescriptorFlags::WRITE) || open.intersects(makes);
        if writes && dir.perms.write_not_permitted() {
            return Err(ErrorCode::NotPermitted);
        }
        let mut flags = OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        flags |= match (reads, writes) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            _ => OFlags::RDONLY,
        };
        flags.set(OFlags::CREATE, open.contains(OpenFlags::CREATE));
        flags.set(OFlags::EXCL, open.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE));
        flags.set(OFlags::TRUNC, open.contains(OpenFlags::TRUNCATE));
        flags.set(OFlags::DIRECTORY, open.contains(OpenFlags::DIRECTORY));
        flags.set(OFlags::NOFOLLOW, !path.contains(PathFlags::SYMLINK_FOLLOW));
        let mut mode = OpenMode::empty();
        mode.set(OpenMode::READ, reads);
        mode.set(OpenMode::WRITE, writes);
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        Ok(Self { flags, resolve, mode })
    }

    fn open(self, dir: &File, path: &str, flags: OFlags) -> Result<File, Errno> {
        let mode = if flags.contains(OFlags::CREATE) { Mode::from_raw_mode(0o666) } else { Mode::empty() };
        let mut tries = 0;
        loop {
            tries += 1;
            match openat2(dir, path, flags, mode, self.resolve) {
                Err(Errno::AGAIN) if tries < TRIES => {}
                result => return result.map(File::from),
            }
        }
    }
}

/// Opens `name` in `dir`, on one of the plugin's own threads for blocking operations.
pub(super) async fn open(
    dir: &Dir,
    path: PathFlags,
    name: String,
    open: OpenFlags,
    wanted: DescriptorFlags,
) -> Result<Descriptor, NotOpened> {
    let how = How::new(dir, path, open, wanted).map_err(NotOpened::Code)?;
    let (perms, beneath) = (dir.perms, Arc::clone(&dir.dir));
    let (file, kind) = runtime::spawn_blocking(move || opened(&beneath, &name, how)).await?;
    Ok(match kind {
        FileType::Directory => Descriptor::Dir(Dir::new(file, perms, how.mode, false)),
        _ => Descriptor::File(OpenFile::new(file, perms, how.mode, false)),
    })
}

/// Opens a file. Its type is checked before, because opening a device may have an effect, and again on the opened file.
fn opened(dir: &File, name: &str, how: How) -> Result<(File, FileType), NotOpened> {
    let look = OFlags::PATH | OFlags::CLOEXEC | (how.flags & OFlags::NOFOLLOW);
    if let Ok(seen) = how.open(dir, name, look) {
        regular(&seen)?;
    }
    let file = how.open(dir, name, how.flags).map_err(code)?;
    let kind = regular(&file)?;
    Ok((file, kind))
}

/// Returns the type of a file that may be used. A link passes: opening it fails with the right error.
fn regular(file: &File) -> Result<FileType, NotOpened> {
    let kind = FileType::from_raw_mode(fstat(file).map_err(code)?.st_mode);
    match kind {
        FileType::RegularFile | FileType::Directory | FileType::Symlink => Ok(kind),
        _ => Err(NotOpened::Special),
    }
}

fn code(errno: Errno) -> NotOpened {
    NotOpened::Code(match errno {
        // The path leads out of the directory.
        Errno::XDEV => ErrorCode::NotPermitted,
        other => ErrorCode::from(std::io::Error::from(other)),
    })
}
