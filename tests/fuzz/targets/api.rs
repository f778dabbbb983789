//! Requests to the API on a real socket, with scripted children. For all bytes: the host answers within a bounded time and
//! with bounded bytes, errors are JSON of the documented form, and the next request is answered, too.
//!
//! An input whose first line is a method and a path becomes a request with the rest as its body. Any other is sent as it is.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use provost_api as api;
use provost_control::{
    Answer, ApiContext, CONNECTIONS_MAX, ConfigFile, ConfigRefusal, ConfigReport, Listening, LiveConfig,
    RulesInForce, Scaling, Step, serve,
};
use provost_state::{
    Blame, Cause, Consumer, Fault, PluginChange, PluginRefusal, PluginRefusalKind, PluginReport,
    PluginWanted, Plugins, Policy, Replacement, Snapshot, View, ViewRequest, ViewResponse,
};
use provost_supervisor::{CommandLine, Manner, ProcessSpec, Scripted, Settings};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// The greatest size of an answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 8 << 20;

/// The deadline of an answer to a request that does not ask the host to wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the target reads the answer to a request that may ask the host to wait.
const GLANCE: Duration = Duration::from_millis(50);

/// Plugins with a single view, which refuse every change.
#[derive(Debug)]
struct Shelf(Arc<str>);

impl View for Shelf {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn render(&self, request: &ViewRequest, _: &Arc<Snapshot>) -> Result<ViewResponse, Fault> {
        let body = format!("{}?{}", request.path, request.query).into_bytes();
        Ok(ViewResponse { status: 200, content_type: "text/plain".to_owned(), body })
    }
}

fn refused<T>(name: &str) -> Result<T, PluginRefusal> {
    let message = format!("there is no plugin called `{name}`");
    Err(PluginRefusal { kind: PluginRefusalKind::Unknown, message, hint: "look elsewhere".to_owned() })
}

impl Plugins for Shelf {
    fn reports(&self) -> Vec<PluginReport> {
        Vec::new()
    }

    fn view(&self, name: &str) -> Option<Arc<dyn View>> {
        (name == "page").then(|| Arc::new(Self(self.0.clone())) as Arc<dyn View>)
    }

    fn policy(&self, _: &str) -> Option<Arc<dyn Policy>> {
        None
    }

    fn consumer(&self, _: &str) -> Option<Box<dyn Consumer>> {
        None
    }

    fn load(&self, wanted: &PluginWanted, _: &Arc<Snapshot>) -> Result<PluginChange, PluginRefusal> {
        let settings: serde_json::Value = serde_json::from_str(&wanted.settings_json).unwrap();
        assert!(settings.is_object(), "settings are an object: {settings}");
        refused(&wanted.name)
    }

    fn unload(&self, name: &str) -> Result<PluginChange, PluginRefusal> {
        refused(name)
    }

    fn swap(&self, name: &str, _: &Replacement, _: &Arc<Snapshot>) -> Result<PluginChange, PluginRefusal> {
        refused(name)
    }

    fn rollback(&self, name: &str) -> Result<PluginChange, PluginRefusal> {
        refused(name)
    }

    fn revive(&self, name: &str) -> Result<PluginChange, PluginRefusal> {
        refused(name)
    }

    fn blame(&self, name: &str) -> Result<Option<Blame>, PluginRefusal> {
        refused(name)
    }
}

/// A config that is refused always.
#[derive(Debug)]
struct NoConfig;

fn no_config<T: Send + 'static>() -> Answer<'static, Result<T, ConfigRefusal>> {
    let report = "the config is wrong".to_owned();
    let report = ConfigReport { whole: report.clone(), without_lines: report };
    Box::pin(std::future::ready(Err(ConfigRefusal::BadConfig(report))))
}

impl LiveConfig for NoConfig {
    fn difference(&self, _: Option<PathBuf>) -> Answer<'_, Result<api::Difference, ConfigRefusal>> {
        no_config()
    }

    fn reload(
        &self,
        _: api::ReloadOrder,
    ) -> Answer<'_, Result<mpsc::UnboundedReceiver<Step>, ConfigRefusal>> {
        no_config()
    }

    fn scale(&self, _: String, _: u32, _: Cause) -> Answer<'_, Result<Scaling, ConfigRefusal>> {
        no_config()
    }

    fn plugin_changed(&self, _: String) -> Answer<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn file(&self) -> Answer<'_, ConfigFile> {
        Box::pin(std::future::ready(ConfigFile::default()))
    }
}

/// A host that serves for as long as the fuzzer runs.
struct Served {
    socket: PathBuf,
    _runtime: tokio::runtime::Runtime,
    _ended: watch::Sender<Option<api::Ended>>,
    _shutdown: mpsc::Receiver<()>,
    _dir: tempfile::TempDir,
}

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("provost.sock");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (shutdown, told) = mpsc::channel(1);
    let (end, ended) = watch::channel(None);
    runtime.block_on(async {
        // SIGPIPE: the fuzzer lacks the start code of Rust, which ignores it. It stays handled until the program ends.
        std::mem::forget(signal(SignalKind::pipe()).unwrap());
        let children = Scripted::default();
        let specs = ["web", "job", "other"].map(|name| {
            children.cast(name, Manner::Obedient);
            ProcessSpec { group: "g".into(), ..ProcessSpec::new(name, CommandLine::Shell("x".to_owned())) }
        });
        let settings = Settings::new(dir.path().join("logs"));
        let supervisor = children.boot(settings, specs.into(), Vec::new(), Vec::new()).unwrap();
        let host = api::Host { pid: 1, version: "0".to_owned(), ..api::Host::default() };
        let plugins = Arc::new(Shelf("page".into()));
        let desk = ApiContext {
            past: None,
            supervisor,
            plugins,
            config: Arc::new(NoConfig),
            rules: RulesInForce::default(),
            mounts: Vec::new(),
            host,
            shutdown,
            connections_max: CONNECTIONS_MAX,
            ended,
        };
        tokio::spawn(serve(Listening::bind(&socket).unwrap(), None, desk, std::future::pending()));
    });
    Served { socket, _runtime: runtime, _ended: end, _shutdown: told, _dir: dir }
});

/// Returns the bytes to send, and whether they are a complete request that was built here.
fn request(data: &[u8]) -> (Vec<u8>, bool) {
    let (line, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[][..]),
    };
    let is_path = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#';
    let Some((method, path)) =
        line.iter().position(|byte| *byte == b' ').map(|at| (&line[..at], &line[at + 1..]))
    else {
        return (data.to_vec(), false);
    };
    let well_formed = method.iter().all(u8::is_ascii_uppercase)
        && !method.is_empty()
        && method != b"CONNECT"
        && path.starts_with(b"/")
        && path.iter().all(is_path);
    if !well_formed {
        return (data.to_vec(), false);
    }
    let head = format!(
        " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    ([line, head.as_bytes(), body].concat(), true)
}

/// Whether the request may ask the host to wait without a bound.
fn waits(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data).to_lowercase();
    // The letters of a word may be escaped, in JSON or in a query.
    ["wait", "follow", "\\u", "%", "restart", "stop"].iter().any(|word| text.contains(word))
}

fn check(answer: &[u8], whole: bool) {
    assert!((answer.len() as u64) < ANSWER_BYTES_MAX, "{} bytes of answer", answer.len());
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        assert!(!whole, "no head: {text}");
        return;
    };
    let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    assert!(head.starts_with("HTTP/1.") && (100..600).contains(&status), "{head}");
    assert_ne!(status, 500, "{text}");
    let chunked = head.to_lowercase().contains("transfer-encoding");
    if whole && status >= 400 && !chunked && !body.is_empty() {
        let problem: api::Problem = serde_json::from_str(body).unwrap();
        assert!(!problem.code.as_str().is_empty() && !problem.detail.is_empty(), "{body}");
        assert!(problem.detail.len() < 4_096, "{body}");
    }
}

fn ask(bytes: &[u8], whole: bool, patience: Duration) -> Option<Vec<u8>> {
    let mut stream = UnixStream::connect(&SERVED.socket).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    // It may be refused before it has been read.
    let _ = stream.write_all(bytes);
    if !whole {
        // The input may be half a request; this marks its end, so that the host does not wait for the rest.
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).ok().map(|_| answer)
}

pub(super) fn run(data: &[u8]) {
    let (bytes, whole) = request(data);
    let patience = if waits(data) { GLANCE } else { PATIENCE };
    let answer = ask(&bytes, whole, patience);
    assert!(answer.is_some() || patience == GLANCE, "no answer in {PATIENCE:?}");
    if let Some(answer) = answer {
        check(&answer, whole && patience == PATIENCE && !bytes.starts_with(b"HEAD"));
    }
    let (ping, _) = request(b"GET /v1/ping");
    check(&ask(&ping, true, PATIENCE).unwrap(), true);
}
