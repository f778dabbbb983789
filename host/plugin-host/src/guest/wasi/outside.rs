//! The access to the outside of one instance: the contexts of WASI, containing exactly what was granted.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView};

use crate::guest::bindings::log::Level;
use crate::limits::Limits;
use crate::limits::grants::{Grant, Grants};

use super::directories::Directories;
use super::files::WatchedFiles;
use super::gate::Gate;
use super::reach::Reach;
use super::stdio::Pipe;
use super::watch::Watch;

/// The largest amount of randomness in one call, in bytes.
const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// The access to the outside of one instance.
pub(crate) struct Outside {
    wasi: WasiCtx,
    table: ResourceTable,
    http: WasiHttpCtx,
    directories: Directories,
    gate: Gate,
}

impl Outside {
    /// Creates the access that these grants allow.
    pub(crate) fn new(
        reach: &Reach,
        grants: &Arc<Grants>,
        limits: &Limits,
        call: Duration,
        watch: Arc<dyn Watch>,
    ) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.max_random_size(RANDOM_BYTES_MAX)
            .stdout(Pipe::new(Level::Info, watch.clone()))
            .stderr(Pipe::new(Level::Warn, watch.clone()));
        for grant in grants.iter() {
            if let Grant::Env(name) = grant
                && let Ok(value) = std::env::var(name)
            {
                wasi.env(name, value);
            }
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles_max);
        Self {
            wasi: wasi.build(),
            table,
            http: WasiHttpCtx::new(),
            directories: reach.directories.clone(),
            gate: Gate { grants: grants.clone(), longest: call, watch },
        }
    }

    /// Creates an access to nothing.
    pub(crate) fn nothing(watch: Arc<dyn Watch>) -> Self {
        Self {
            wasi: WasiCtx::builder().build(),
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            directories: Directories::default(),
            gate: Gate { grants: Arc::default(), longest: Duration::ZERO, watch },
        }
    }

    /// Returns the context and the handles for the interfaces of WASI.
    pub(crate) fn view(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }

    /// Returns its handles.
    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// Returns its HTTP client, behind the gate.
    pub(crate) fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.gate, table: &mut self.table, ctx: &mut self.http }
    }

    /// Returns its filesystem, in the granted directories.
    pub(crate) fn files(&mut self) -> WatchedFiles<'_> {
        let watch = &self.gate.watch;
        let view = WasiCtxView { ctx: &mut self.wasi, table: &mut self.table };
        WatchedFiles::new(view, &self.directories, watch)
    }
}
