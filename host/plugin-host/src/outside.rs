//! What a plugin with grants reaches of the outside: the interfaces of WASI that its grants open, linked one by one,
//! each with exactly what was granted behind it. What is beyond is denied, logged and counted.

mod directories;
mod files;
mod lines;
mod opening;
mod quota;
mod sending;
mod waiting;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io as wasi_io, random};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::http::{self, types::ErrorCode};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
};

use crate::bindings::log::Level;
use crate::call::Guest;
use crate::grants::{Grant, Grants, HttpHost};
use crate::limits::Limits;

pub(crate) use directories::Directories;
use files::{HasFiles, WatchedFiles};
use lines::Pipe;
use sending::Times;
pub(crate) use waiting::{Waiters, Waiting};

/// The most randomness that may be asked for at once, in bytes.
const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// Who is told of a plugin's doings outside.
pub(crate) trait Watch: Send + Sync {
    /// It tried what it was not granted.
    fn denied(&self, what: &str);

    /// It wrote a line to its standard output or its standard error.
    fn line(&self, level: Level, line: &str);
}

/// What a version has of the outside, for all of its instances.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) waiters: Arc<Waiters>,
    directories: Directories,
}

impl Reach {
    /// What these grants open; nothing if they open nothing of the outside.
    ///
    /// # Errors
    /// The error of the kernel if a thread cannot be had.
    pub(crate) fn new(
        grants: &Grants,
        limits: &Limits,
        waiting: &Waiting,
    ) -> io::Result<Option<Result<Self, String>>> {
        if !grants.reach_outside() {
            return Ok(None);
        }
        let waiters = waiting.waiters()?;
        Ok(Some(Directories::open(grants, limits).map(|directories| Self { waiters, directories })))
    }
}

/// What one instance has of the outside.
pub(crate) struct Outside {
    wasi: WasiCtx,
    table: ResourceTable,
    http: WasiHttpCtx,
    directories: Directories,
    gate: Gate,
}

impl Outside {
    /// All that is granted.
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

    /// Nothing at all.
    pub(crate) fn nothing(watch: Arc<dyn Watch>) -> Self {
        Self {
            wasi: WasiCtx::builder().build(),
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            directories: Directories::default(),
            gate: Gate { grants: Arc::default(), longest: Duration::ZERO, watch },
        }
    }

    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.gate, table: &mut self.table, ctx: &mut self.http }
    }

    fn files(&mut self) -> WatchedFiles<'_> {
        let watch = &self.gate.watch;
        let view = WasiCtxView { ctx: &mut self.wasi, table: &mut self.table };
        WatchedFiles::new(view, &self.directories, watch)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let outside = self.outside();
        WasiCtxView { ctx: &mut outside.wasi, table: &mut outside.table }
    }
}

/// Lets requests through to where they may go.
struct Gate {
    grants: Arc<Grants>,
    /// Nothing is waited for longer than this.
    longest: Duration,
    watch: Arc<dyn Watch>,
}

/// Where a request goes to; without a port to that of its scheme.
fn goal(uri: &::http::Uri) -> Option<(&str, u16)> {
    let port = match (uri.port_u16(), uri.scheme_str()) {
        (Some(port), _) => port,
        (None, Some("https")) => 443,
        (None, _) => 80,
    };
    Some((uri.host()?, port))
}

impl WasiHttpHooks for Gate {
    fn send_request(
        &mut self,
        request: ::http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _written: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<sending::Answer, Error>> + Send> {
        let goal = goal(request.uri());
        let (host, port) = goal.unwrap_or_default();
        let granted = HttpHost::parse(host).ok().and_then(|host| self.grants.reaches(&host, port)).cloned();
        let Some(to) = granted else {
            self.watch.denied(&format!("a request to {host}:{port}: it would need http-out:{host}:{port}"));
            return Box::new(async { Err(Error::HttpRequestDenied) });
        };
        let asked = options.unwrap_or_default();
        let most = |asked: Option<Duration>| asked.unwrap_or(self.longest).min(self.longest);
        let times = Times {
            connect: most(asked.connect_timeout),
            first_byte: most(asked.first_byte_timeout),
            between_bytes: most(asked.between_bytes_timeout),
        };
        let (watch, name) = (self.watch.clone(), format!("{}:{}", to.host, to.port));
        Box::new(sending::send(request, to, times, move |addresses| {
            let addresses = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            watch.denied(&format!(
                "a request to {name}: the name leads to {addresses}, which is not of the public internet: it would need \
                 http-out-private:{name}"
            ));
        }))
    }

    // These say what the plugin is told in a word, and by default they say it in the host's own name.
    fn p2_error_from_connect(&mut self, error: &io::Error) -> ErrorCode {
        self.watch.line(Level::Debug, &format!("no connection: {error}"));
        match error.kind() {
            io::ErrorKind::ConnectionRefused => ErrorCode::ConnectionRefused,
            io::ErrorKind::TimedOut => ErrorCode::ConnectionTimeout,
            _ => ErrorCode::DestinationUnavailable,
        }
    }

    fn p2_error_from_tls(&mut self, error: &io::Error) -> ErrorCode {
        self.watch.line(Level::Debug, &format!("no secure connection: {error}"));
        ErrorCode::TlsProtocolError
    }
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Adds to `linker` what these grants open, interface by interface, and nothing else.
pub(crate) fn link(linker: &mut Linker<Guest>, grants: &Grants) -> wasmtime::Result<()> {
    if !grants.reach_outside() {
        return Ok(());
    }
    let l = linker;
    wasi_io::error::add_to_linker::<_, HasTable>(l, |guest| &mut guest.outside().table)?;
    wasi_io::poll::add_to_linker::<_, HasTable>(l, |guest| &mut guest.outside().table)?;
    wasi_io::streams::add_to_linker::<_, HasTable>(l, |guest| &mut guest.outside().table)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_port_goes_to_that_of_its_scheme() {
        let goes = |uri: &'static str| {
            let uri = ::http::Uri::from_static(uri);
            goal(&uri).map(|(host, port)| (host.to_owned(), port))
        };
        assert_eq!(goes("http://a.example/x"), Some(("a.example".to_owned(), 80)));
        assert_eq!(goes("https://a.example/x"), Some(("a.example".to_owned(), 443)));
        assert_eq!(goes("http://[::1]:81/x"), Some(("[::1]".to_owned(), 81)));
        assert_eq!(goes("/x"), None);
    }
}
