//! Links the functions that a plugin may call: the interfaces of the contract, and each interface of WASI that its
//! grants open.

use wasmtime::Engine;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io as wasi_io, random};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::WasiHttp;
use wasmtime_wasi_http::p2::bindings::http;

use crate::limits::grants::Grants;

use super::bindings::{log, memory, plugins, settings, snapshots, types, usages};
use super::instance::Guest;
use super::wasi::HasFiles;

/// Links everything that a plugin with these grants may call.
pub(crate) fn linker(engine: &Engine, grants: &Grants) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    snapshots::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    settings::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    memory::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    log::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    plugins::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    usages::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    types::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    link_outside(&mut linker, grants)?;
    Ok(linker)
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.outside().view()
    }
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Adds to `linker` the interfaces to the outside that these grants open, and no others.
fn link_outside(linker: &mut Linker<Guest>, grants: &Grants) -> wasmtime::Result<()> {
    if !grants.reach_outside() {
        return Ok(());
    }
    let l = linker;
    wasi_io::error::add_to_linker::<_, HasTable>(l, |guest| guest.outside().table())?;
    wasi_io::poll::add_to_linker::<_, HasTable>(l, |guest| guest.outside().table())?;
    wasi_io::streams::add_to_linker::<_, HasTable>(l, |guest| guest.outside().table())?;
    cli::environment::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::stdin::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::stdout::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::stderr::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    if grants.clock() {
        clocks::wall_clock::add_to_linker::<_, WasiClocks>(l, Guest::clocks)?;
        clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(l, Guest::clocks)?;
    }
    if grants.random() {
        random::random::add_to_linker::<_, WasiRandom>(l, |guest| guest.ctx().ctx.random())?;
        random::insecure::add_to_linker::<_, WasiRandom>(l, |guest| guest.ctx().ctx.random())?;
        random::insecure_seed::add_to_linker::<_, WasiRandom>(l, |guest| guest.ctx().ctx.random())?;
    }
    if grants.files() {
        filesystem::preopens::add_to_linker::<_, HasFiles>(l, |guest| guest.outside().files())?;
        filesystem::types::add_to_linker::<_, HasFiles>(l, |guest| guest.outside().files())?;
    }
    if grants.http() {
        let options = http::types::LinkOptions::default();
        http::types::add_to_linker::<_, WasiHttp>(l, &options, |guest| guest.outside().http())?;
        http::outgoing_handler::add_to_linker::<_, WasiHttp>(l, |guest| guest.outside().http())?;
    }
    Ok(())
}
