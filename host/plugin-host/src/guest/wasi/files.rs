//! The files of a plugin with grants: WASI's filesystem in the directories that were opened when its version was made,
//! with every attempt to leave them logged and counted.

use std::fs::File;
use std::sync::Arc;

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode,
    Filesize, Host, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags,
    PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};
use wasmtime_wasi::{OpenMode, WasiCtxView};

use super::directories::Directories;
use super::opening::{self, HAS_OPENAT2, NotOpened};
use super::quota::{ENTRY_BYTES, Metered};
use super::watch::Watch;

/// The filesystem, with denials reported.
pub(crate) struct WatchedFiles<'a> {
    files: WasiFilesystemCtxView<'a>,
    directories: &'a Directories,
    watch: &'a Arc<dyn Watch>,
}

pub(crate) struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = WatchedFiles<'a>;
}

impl<'a> WatchedFiles<'a> {
    pub(super) fn new(
        view: WasiCtxView<'a>,
        directories: &'a Directories,
        watch: &'a Arc<dyn Watch>,
    ) -> Self {
        let files = WasiFilesystemCtxView { ctx: view.ctx.filesystem(), table: view.table };
        Self { files, directories, watch }
    }

    /// Opens a regular file, a directory or a link. Without `openat2` the type is checked before opening only.
    async fn open(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: &str,
        open: OpenFlags,
        mode: DescriptorFlags,
    ) -> FsResult<Fd> {
        if open.contains(OpenFlags::CREATE) {
            self.room("open_at", ENTRY_BYTES).await?;
        }
        let opened = if *HAS_OPENAT2 {
            let Descriptor::Dir(dir) = self.files.table.get(&fd)? else {
                return Err(ErrorCode::NotDirectory.into());
            };
            opening::open(dir, flags, path.to_owned(), open, mode).await
        } else {
            let seen = self.files.stat_at(Resource::new_borrow(fd.rep()), flags, path.to_owned()).await;
            match seen.map(|seen| seen.type_) {
                Ok(kind) if !is_regular(kind) => Err(NotOpened::Special),
                _ => {
                    let fd = self.files.open_at(fd, flags, path.to_owned(), open, mode).await?;
                    self.remember(self.files.table.get(&fd)?);
                    return Ok(fd);
                }
            }
        };
        match opened {
            Ok(descriptor) => {
                self.remember(&descriptor);
                Ok(self.files.table.push(descriptor)?)
            }
            Err(NotOpened::Code(code)) => Err(code.into()),
            Err(NotOpened::Special) => {
                self.watch.denied(&format!("open_at {path}: it is a pipe, a device or a socket, not a file"));
                Err(ErrorCode::Unsupported.into())
            }
        }
    }

    /// Registers a file that is open for writing with the quota.
    fn remember(&self, descriptor: &Descriptor) {
        if let Descriptor::File(file) = descriptor
            && file.open_mode.contains(OpenMode::WRITE)
        {
            self.directories.quota().opened(&file.file);
        }
    }

    /// Takes this many bytes from the quota of the writable directories.
    async fn room(&mut self, call: &str, bytes: u64) -> FsResult<()> {
        let taken = self.directories.quota().take(bytes).await;
        self.counted(call, taken)
    }

    /// Takes bytes at `offset` of a file from the quota.
    async fn room_at(&mut self, call: &str, fd: &Fd, offset: Filesize, bytes: u64) -> FsResult<()> {
        let Descriptor::File(file) = self.files.table.get(fd)? else { return Ok(()) };
        let taken = self.directories.quota().take_at(file.file.clone(), offset, bytes).await;
        self.counted(call, taken)
    }

    fn counted(&self, call: &str, taken: Result<(), ErrorCode>) -> FsResult<()> {
        if taken == Err(ErrorCode::Quota) {
            self.watch.denied(&self.directories.quota().denial(call));
        }
        Ok(taken?)
    }

    /// Wraps a stream into this file, so that what it writes is taken from the quota.
    fn metered(
        &mut self,
        stream: Resource<DynOutputStream>,
        begins: Option<(Arc<File>, Filesize)>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.files.table.delete(stream)?;
        let quota = self.directories.quota().clone();
        Ok(self.files.table.push(Metered::over(stream, quota, self.watch.clone(), begins))?)
    }

    /// Counts what was denied because it was not granted. A denial by the operating system (`access`) is not counted.
    fn watched<T>(&self, call: &str, path: &str, result: FsResult<T>) -> FsResult<T> {
        if let Err(error) = &result
            && error.downcast_ref() == Some(&ErrorCode::NotPermitted)
        {
            self.watch.denied(&format!("{call} {path}: it is outside of what fs-read and fs-write grant"));
        }
        result
    }
}

/// Whether this is a regular file, a directory or a link.
fn is_regular(kind: DescriptorType) -> bool {
    matches!(kind, DescriptorType::RegularFile | DescriptorType::Directory | DescriptorType::SymbolicLink)
}

impl preopens::Host for WatchedFiles<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        let mut all = Vec::new();
        for (dir, name) in self.directories.iter() {
            all.push((self.files.table.push(Descriptor::Dir(dir.clone()))?, name.clone()));
        }
        Ok(all)
    }
}

impl Host for WatchedFiles<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.files.convert_error_code(error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.files.filesystem_error_code(error)
    }
}

/// The handle of a descriptor.
type Fd = Resource<Descriptor>;

/// Defines functions of a descriptor that are passed on to the filesystem, with denials reported. The path that is
/// reported, if any, stands after the semicolon.
macro_rules! through {
    ($(async $name:ident($($arg:ident: $ty:ty),* $(; $path:ident)?) -> $ok:ty;)*) => {
        $(async fn $name(&mut self, fd: Fd, $($arg: $ty),*) -> FsResult<$ok> {
            let about = <[&str]>::concat(&[$($path.as_str())?]);
            let result = self.files.$name(fd, $($arg),*).await;
            self.watched(stringify!($name), &about, result)
        })*
    };
}

impl HostDescriptor for WatchedFiles<'_> {
    through! {
        async advise(offset: Filesize, len: Filesize, advice: Advice) -> ();
        async sync_data() -> ();
        async get_flags() -> DescriptorFlags;
        async get_type() -> DescriptorType;
        async set_times(atim: NewTimestamp, mtim: NewTimestamp) -> ();
        async read(len: Filesize, offset: Filesize) -> (Vec<u8>, bool);
        async read_directory() -> Resource<DirectoryEntryStream>;
        async sync() -> ();
        async stat() -> DescriptorStat;
        async stat_at(flags: PathFlags, path: String; path) -> DescriptorStat;
        async set_times_at(flags: PathFlags, path: String, atim: NewTimestamp, mtim: NewTimestamp; path) -> ();
        async readlink_at(path: String; path) -> String;
        async remove_directory_at(path: String; path) -> ();
        async rename_at(path: String, new: Fd, new_path: String; path) -> ();
        async unlink_file_at(path: String; path) -> ();
        async metadata_hash() -> MetadataHashValue;
        async metadata_hash_at(flags: PathFlags, path: String; path) -> MetadataHashValue;
    }

    async fn set_size(&mut self, fd: Fd, size: Filesize) -> FsResult<()> {
        self.room_at("set_size", &fd, size, 0).await?;
        let result = self.files.set_size(fd, size).await;
        self.watched("set_size", "", result)
    }

    async fn write(&mut self, fd: Fd, buffer: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        self.room_at("write", &fd, offset, buffer.len() as u64).await?;
        let result = self.files.write(fd, buffer, offset).await;
        self.watched("write", "", result)
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.room("create_directory_at", ENTRY_BYTES).await?;
        let result = self.files.create_directory_at(fd, path.clone()).await;
        self.watched("create_directory_at", &path, result)
    }

    async fn link_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: String,
        new: Fd,
        new_path: String,
    ) -> FsResult<()> {
        self.room("link_at", ENTRY_BYTES).await?;
        let result = self.files.link_at(fd, flags, path.clone(), new, new_path).await;
        self.watched("link_at", &path, result)
    }

    async fn symlink_at(&mut self, fd: Fd, path: String, new_path: String) -> FsResult<()> {
        self.room("symlink_at", ENTRY_BYTES).await?;
        let result = self.files.symlink_at(fd, path, new_path.clone()).await;
        self.watched("symlink_at", &new_path, result)
    }

    async fn open_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: String,
        open: OpenFlags,
        mode: DescriptorFlags,
    ) -> FsResult<Fd> {
        let result = self.open(fd, flags, &path, open, mode).await;
        self.watched("open_at", &path, result)
    }

    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        let result = self.files.read_via_stream(fd, offset);
        self.watched("read_via_stream", "", result)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        let file = match self.files.table.get(&fd)? {
            Descriptor::File(file) => Some((file.file.clone(), offset)),
            Descriptor::Dir(_) => None,
        };
        let result = self.files.write_via_stream(fd, offset);
        let stream = self.watched("write_via_stream", "", result)?;
        self.metered(stream, file)
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        let result = self.files.append_via_stream(fd);
        let stream = self.watched("append_via_stream", "", result)?;
        self.metered(stream, None)
    }

    async fn is_same_object(&mut self, fd: Fd, other: Fd) -> wasmtime::Result<bool> {
        self.files.is_same_object(fd, other).await
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        HostDescriptor::drop(&mut self.files, fd)
    }
}

impl HostDirectoryEntryStream for WatchedFiles<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.files.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        HostDirectoryEntryStream::drop(&mut self.files, stream)
    }
}
