//! The API over TCP: who may send requests, how many, and what they may do.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_control::{ApiRules, CertificateFiles, RulesInForce, Scope, TcpListening, TcpWanted, Tokens};
use provost_state::Cause;
use provost_supervisor::{Clock, LogLimits, ProcessSpec, Settings, Supervisor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::harness::{FOREVER, Host, shell};
use crate::http::{Answer, ask, exchange};

/// A host that also listens on TCP.
struct Remote {
    host: Host,
    address: SocketAddr,
    tokens: PathBuf,
    rules: RulesInForce,
}

fn certificate() -> CertificateFiles {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/certificates");
    CertificateFiles { cert: dir.join("localhost.crt"), key: dir.join("localhost.key") }
}

impl Remote {
    fn start(specs: Vec<ProcessSpec>, tls: Option<CertificateFiles>, connections_max: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::new(dir.path().join("logs"));
        let supervisor = Supervisor::boot(settings, specs, Vec::new(), Vec::new()).unwrap();
        let tokens = dir.path().join("tokens");
        let listen = vec!["127.0.0.1:0".parse().unwrap()];
        let tcp = TcpListening::bind(&TcpWanted { listen, tls, tokens: tokens.clone() }).unwrap();
        let url = tcp.urls().remove(0);
        let address = url.split_once("://").unwrap().1.parse().unwrap();
        let rules = RulesInForce::default();
        let host = Host::over_tcp(supervisor, dir, connections_max, Some(tcp), rules.clone());
        Self { host, address, tokens, rules }
    }

    fn plain() -> Self {
        Self::start(vec![], None, 64)
    }

    /// Makes a token and returns its secret.
    fn token(&self, name: &str, scope: Scope) -> String {
        Tokens::create(&self.tokens, name, scope, 0, None).unwrap().as_str().to_owned()
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request with these headers, each of which ends with a line break.
    async fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let host = self.address;
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
        exchange(self.connect().await, &request).await
    }

    async fn ask_as(&self, secret: &str, method: &str, path: &str) -> Answer {
        self.ask(method, path, &bearer(secret)).await
    }

    /// Opens a stream, and returns everything that it sends once it has ended.
    async fn follow(&self, secret: &str, path: &str) -> String {
        let (mut stream, host) = (self.connect().await, self.address);
        let head = format!("Host: {host}\r\nConnection: close\r\n{}", bearer(secret));
        stream.write_all(format!("GET {path} HTTP/1.1\r\n{head}\r\n").as_bytes()).await.unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        all
    }

    /// Asks with a token until the answer has this status.
    async fn until_answered(&self, secret: &str, status: u16) {
        while self.ask_as(secret, "GET", "/v1/ping").await.status != status {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

fn bearer(secret: &str) -> String {
    format!("Authorization: Bearer {secret}\r\n")
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.error().code.to_string())
}

#[tokio::test]
async fn a_request_without_an_accepted_token_is_refused_and_told_how_to_send_one() {
    let remote = Remote::plain();
    let nobody = remote.ask("GET", "/v1/ping", "").await;
    assert_eq!(code(&nobody), (401, "unauthorized".to_owned()));
    assert_eq!(nobody.header("www-authenticate"), Some("bearer realm=\"provost\""));
    let secret = remote.token("ci", Scope::Read);
    let last = secret.chars().last().map(|last| if last == 'A' { 'B' } else { 'A' }).unwrap();
    let other = format!("{}{last}", &secret[..secret.len() - 1]);
    for wrong in [
        bearer(&other),
        bearer("pvt_"),
        bearer(&"x".repeat(10_000)),
        format!("Authorization: Basic {secret}\r\n"),
        format!("Authorization: {secret}\r\n"),
        bearer(&secret) + &bearer(&secret),
    ] {
        let answer = remote.ask("GET", "/v1/ping", &wrong).await;
        assert_eq!(code(&answer), (401, "unauthorized".to_owned()), "{wrong}");
        assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
    }
    assert_eq!(remote.ask_as(&secret, "GET", "/v1/ping").await.status, 200);
}

#[tokio::test]
async fn a_new_token_works_at_once_and_a_revoked_or_expired_one_no_longer() {
    let remote = Remote::plain();
    let first = remote.token("first", Scope::Read);
    assert_eq!(remote.ask_as(&first, "GET", "/v1/ping").await.status, 200);
    let second = remote.token("second", Scope::Read);
    remote.until_answered(&second, 200).await;
    Tokens::revoke(&remote.tokens, "first").unwrap();
    remote.until_answered(&first, 401).await;
    let old = Tokens::create(&remote.tokens, "old", Scope::Admin, 0, Some(1)).unwrap();
    loop {
        let answer = remote.ask_as(old.as_str(), "GET", "/v1/ping").await;
        assert_eq!(answer.status, 401);
        if answer.error().message.contains("the token `old` has expired") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_token_file_that_others_may_write_is_noticed_and_accepted_again_when_that_is_mended() {
    let remote = Remote::plain();
    let secret = remote.token("ci", Scope::Read);
    let file = remote.tokens.join("ci.json");
    for (mode, status) in [(0o600, 200), (0o666, 401), (0o600, 200)] {
        std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        remote.until_answered(&secret, status).await;
    }
    remote.host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_scope_allows_itself_and_what_is_below_it() {
    let remote = Remote::start(vec![shell("web", "", FOREVER)], None, 64);
    let scopes = [Scope::Read, Scope::Operate, Scope::Admin];
    let secrets = scopes.map(|scope| remote.token(scope.as_str(), scope));
    for (method, path, needed) in [
        ("GET", "/v1/status", Scope::Read),
        ("GET", "/metrics", Scope::Read),
        ("DELETE", "/v1/logs?select=web", Scope::Operate),
        ("POST", "/v1/processes/stop", Scope::Operate),
        ("POST", "/v1/config/reload", Scope::Admin),
        ("POST", "/v1/plugins/x/unload", Scope::Admin),
        ("POST", "/v1/state", Scope::Admin),
        ("POST", "/v1/host/upgrade", Scope::Admin),
        ("POST", "/v1/shutdown", Scope::Admin),
    ] {
        for (scope, secret) in scopes.iter().zip(&secrets) {
            if *scope == Scope::Admin && path == "/v1/shutdown" {
                continue;
            }
            let answer = remote.ask_as(secret, method, path).await;
            let is_refused = answer.status == 403;
            assert_eq!(is_refused, *scope < needed, "{method} {path} as {scope}: {}", answer.body);
            if is_refused {
                let error = answer.error();
                assert_eq!(error.code.as_str(), "forbidden");
                let said = format!("takes the scope `{needed}`, and this caller has `{scope}`");
                assert!(error.message.ends_with(&said), "{}", error.message);
            }
        }
    }
    // Nothing was done by those that were refused.
    remote.host.until("web", |web| web.phase == provost_api::Phase::Running).await;
    remote.rules.set(ApiRules { read_only: true, ..ApiRules::default() });
    assert_eq!(remote.ask_as(&secrets[2], "POST", "/v1/processes/stop").await.status, 403);
    assert_eq!(remote.ask_as(&secrets[2], "GET", "/v1/status").await.status, 200);
    // The Unix socket is not concerned.
    assert_eq!(ask(&remote.host, "POST", "/v1/processes/stop", r#"{"select":["web"]}"#).await.status, 200);
    remote.host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn the_host_answers_only_for_its_own_names() {
    let remote = Remote::plain();
    let secret = remote.token("ci", Scope::Read);
    let called = async |host: &str| {
        let auth = bearer(&secret);
        let request = format!("GET /v1/ping HTTP/1.1\r\n{host}Connection: close\r\n{auth}\r\n");
        exchange(remote.connect().await, &request).await
    };
    for own in ["localhost", "127.0.0.1:80", "[::1]:9191"] {
        assert_eq!(called(&format!("Host: {own}\r\n")).await.status, 200, "{own}");
    }
    let foreign = called("Host: evil.example\r\n").await;
    assert_eq!(code(&foreign), (421, "misdirected".to_owned()));
    assert_eq!(foreign.error().message, "this host does not answer for `evil.example`");
    assert_eq!(called("").await.status, 421);
    remote.rules.set(ApiRules { hosts: vec!["ops.example".to_owned()], ..ApiRules::default() });
    assert_eq!(called("Host: ops.example:443\r\n").await.status, 200);
    // The name counts more than the token: a page of a foreign server learns nothing.
    assert_eq!(code(&remote.ask("GET", "http://evil.example/livez", "").await).0, 421);
}

#[tokio::test]
async fn pages_of_other_servers_are_refused_unless_the_config_names_them() {
    let remote = Remote::plain();
    let secret = remote.token("ci", Scope::Read);
    let from = async |origin: &str| {
        remote.ask("GET", "/v1/ping", &format!("{}Origin: {origin}\r\n", bearer(&secret))).await
    };
    let own = from(&format!("http://{}", remote.address)).await;
    assert_eq!((own.status, own.header("access-control-allow-origin")), (200, None));
    for foreign in ["https://evil.example", "null", &format!("https://{}", remote.address)] {
        let refused = from(foreign).await;
        assert_eq!(code(&refused), (403, "forbidden".to_owned()), "{foreign}");
        assert_eq!(refused.header("access-control-allow-origin"), None);
    }
    remote.rules.set(ApiRules { origins: vec!["https://ops.example".to_owned()], ..ApiRules::default() });
    let allowed = from("https://ops.example").await;
    assert_eq!(
        (allowed.status, allowed.header("access-control-allow-origin"), allowed.header("vary")),
        (200, Some("https://ops.example"), Some("origin"))
    );
    let asks = "Origin: https://ops.example\r\nAccess-Control-Request-Method: POST\r\n\
                Access-Control-Request-Headers: authorization\r\n";
    let preflight = remote.ask("OPTIONS", "/v1/processes/stop", asks).await;
    assert_eq!(preflight.status, 204, "{}", preflight.body);
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert!(preflight.header("access-control-allow-methods").unwrap().contains("post"));
    let foreign = remote.ask("OPTIONS", "/v1/processes/stop", &asks.replace("ops", "evil")).await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test]
async fn requests_beyond_the_rate_are_refused_per_token_and_the_unix_socket_still_answers() {
    let remote = Remote::plain();
    remote.rules.set(ApiRules { requests_per_second: 1, ..ApiRules::default() });
    let (one, other) = (remote.token("one", Scope::Read), remote.token("other", Scope::Read));
    let mut refused = None;
    for _ in 0..1_000 {
        let answer = remote.ask_as(&one, "GET", "/v1/ping").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(code(&refused), (429, "too_many_requests".to_owned()));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(remote.ask_as(&other, "GET", "/v1/ping").await.status, 200);
    remote.host.client.ping().await.unwrap();
}

#[tokio::test]
async fn a_flood_of_connections_leaves_the_unix_socket_its_half() {
    let remote = Remote::start(vec![], None, 8);
    let secret = remote.token("ci", Scope::Operate);
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = remote.connect().await;
        let head = "Content-Type: application/json\r\nContent-Length: 10\r\nExpect: 100-continue\r\n";
        let request =
            format!("POST /v1/processes/start HTTP/1.1\r\nHost: localhost\r\n{}{head}\r\n", bearer(&secret));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut begins = [0; 12];
        stream.read_exact(&mut begins).await.unwrap();
        assert_eq!(&begins, b"HTTP/1.1 100", "the host waits for the body");
        streams.push(stream);
    }
    let mut late = remote.connect().await;
    let mut told = String::new();
    late.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    for _ in 0..10 {
        remote.host.client.ping().await.unwrap();
    }
    drop(streams);
}

async fn tls(remote: &Remote, trusted: &Path) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, remote.connect().await).await
}

#[tokio::test]
async fn with_a_certificate_only_tls_is_spoken() {
    let remote = Remote::start(vec![], Some(certificate()), 64);
    let secret = remote.token("ci", Scope::Read);
    let request = format!(
        "GET /v1/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: https://localhost\r\n{}\r\n",
        bearer(&secret)
    );
    let answer = exchange(tls(&remote, &certificate().cert).await.unwrap(), &request).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut plain = remote.connect().await;
    plain.write_all(request.as_bytes()).await.unwrap();
    let mut told = Vec::new();
    // The connection may also be reset.
    let _ = plain.read_to_end(&mut told).await;
    assert!(!String::from_utf8_lossy(&told).contains("HTTP"), "{told:?}");
}

#[tokio::test]
async fn a_stream_ends_with_a_whole_line_when_its_token_is_revoked_or_expires_however_busy_it_is() {
    let busy = shell("busy", "", "while :; do echo line; done");
    let log = LogLimits { file_bytes_max: 1 << 20, files_max: 2 };
    let remote = Remote::start(vec![ProcessSpec { log, ..busy }], None, 64);
    let revoked = remote.token("revoked", Scope::Read);
    let now_ms = Clock::new().now().wall_ms;
    let brief = Tokens::create(&remote.tokens, "brief", Scope::Read, now_ms, Some(now_ms + 3_000)).unwrap();
    let other = remote.token("other", Scope::Read);
    let (quiet, busy) = ("/v1/events?follow=1&limit=0", "/v1/logs?follow=1&select=busy");
    // Nothing else is asked, so that no other request has the host look at the tokens.
    let revoke = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Tokens::revoke(&remote.tokens, "revoked").unwrap();
    };
    let ended = async {
        tokio::join!(
            remote.follow(&revoked, quiet),
            remote.follow(&revoked, busy),
            remote.follow(brief.as_str(), quiet),
            remote.follow(brief.as_str(), busy),
            revoke,
        )
    };
    let (one, two, three, four, ()) = tokio::select! {
        ended = ended => ended,
        other = remote.follow(&other, busy) => panic!("the stream of another token has ended: {other}"),
    };
    for (at, all) in [one, two, three, four].iter().enumerate() {
        assert!(all.starts_with("HTTP/1.1 200"), "{all}");
        let end = if at % 2 == 0 { "\r\n\r\n0\r\n\r\n" } else { "\n\r\n0\r\n\r\n" };
        assert!(all.ends_with(end), "{}", &all[all.len().saturating_sub(200)..]);
    }
    assert_eq!(remote.ask_as(brief.as_str(), "GET", "/v1/ping").await.status, 401);
    remote.host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn handshakes_that_do_not_go_on_give_way_to_other_clients() {
    let remote = Remote::start(vec![], Some(certificate()), 8);
    let secret = remote.token("ci", Scope::Read);
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = remote.connect().await;
        // The beginning of a handshake.
        stream.write_all(&[22, 3, 1]).await.unwrap();
        slow.push(stream);
    }
    let auth = bearer(&secret);
    let request = format!("GET /v1/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{auth}\r\n");
    let answer = exchange(tls(&remote, &certificate().cert).await.unwrap(), &request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(slow[0].read(&mut [0; 8]).await.unwrap_or(0), 0, "the first was closed");
}

#[tokio::test]
async fn a_host_is_alive_and_is_ready_when_its_processes_are() {
    let job = ProcessSpec {
        process_type: provost_state::ProcessType::job(),
        ..shell("job", "", "read line < gate")
    };
    let remote = Remote::start(vec![shell("web", "", FOREVER), job], None, 64);
    let secret = remote.token("ci", Scope::Read);
    assert_eq!(remote.ask("GET", "/livez", "").await.body, r#"{"alive":true}"#);
    assert_eq!(ask(&remote.host, "GET", "/livez", "").await.status, 200);
    remote.host.order("stop", &["job"]).await.unwrap();
    let nameless = remote.ask("GET", "/readyz", "").await;
    assert_eq!((nameless.status, &*nameless.body), (503, r#"{"ready":false}"#));
    remote.host.until("web", |web| web.phase == provost_api::Phase::Running).await;
    for named in
        [remote.ask_as(&secret, "GET", "/readyz").await, ask(&remote.host, "GET", "/readyz", "").await]
    {
        assert_eq!(named.status, 503);
        let readiness: provost_api::Readiness = serde_json::from_str(&named.body).unwrap();
        let names: Vec<_> = readiness.not_ready.unwrap().into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["job"]);
    }
    let unknown = remote.ask("GET", "/readyz", &bearer("wrong")).await;
    assert_eq!((unknown.status, &*unknown.body), (503, r#"{"ready":false}"#));
    remote.host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn metrics_are_those_of_the_plugin_that_the_config_names() {
    let remote = Remote::plain();
    let secret = remote.token("ci", Scope::Read);
    let missing = remote.ask_as(&secret, "GET", "/metrics").await;
    assert_eq!(code(&missing), (404, "unknown_view".to_owned()));
    assert!(missing.error().hint.unwrap().contains("bundled:prometheus"));
    assert_eq!(remote.ask("GET", "/metrics", "").await.status, 401);
    remote.rules.set(ApiRules { metrics: "painter".to_owned(), ..ApiRules::default() });
    assert_eq!(remote.ask_as(&secret, "GET", "/metrics").await.status, 200);
    assert_eq!(ask(&remote.host, "GET", "/metrics", "").await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_listened_on_or_read_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let wanted = TcpWanted { listen: vec![address], tls: None, tokens: dir.path().join("tokens") };
    let told = TcpListening::bind(&wanted).unwrap_err().to_string();
    assert!(told.starts_with(&format!("cannot listen on {address}: ")), "{told}");
    let files = certificate();
    let swapped = CertificateFiles { cert: files.key.clone(), key: files.cert.clone() };
    let told = swapped.check().unwrap_err().to_string();
    assert!(told.ends_with("it has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)"), "{told}");
    let keyless = CertificateFiles { cert: files.cert.clone(), key: files.cert.clone() };
    assert!(keyless.check().unwrap_err().to_string().contains("it has no private key in PEM"));
    files.check().unwrap();
}

#[tokio::test]
async fn streams_over_tcp_leave_the_unix_socket_its_share() {
    let remote = Remote::start(vec![], None, 16);
    let secret = remote.token("reader", Scope::Read);
    let mut streams = Vec::new();
    loop {
        let mut stream = remote.connect().await;
        let (host, bearer) = (remote.address, bearer(&secret));
        let request = format!("GET /v1/events?follow=1 HTTP/1.1\r\nHost: {host}\r\n{bearer}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut begins = [0; 12];
        stream.read_exact(&mut begins).await.unwrap();
        if begins == *b"HTTP/1.1 503" {
            break;
        }
        assert_eq!(&begins, b"HTTP/1.1 200");
        streams.push(stream);
    }
    assert_eq!(streams.len(), 7, "an eighth of the connections over TCP is left for short requests");
    assert_eq!(ask(&remote.host, "GET", "/v1/events", "").await.status, 200);
    remote.host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_balancer_with_a_token_that_is_no_longer_accepted_sees_that_the_host_lives() {
    let remote = Remote::plain();
    for path in ["/livez", "/readyz"] {
        assert_eq!(remote.ask("GET", path, &bearer("pvt_old")).await.status, 200, "{path}");
    }
    assert_eq!(remote.ask("GET", "/v1/ping", &bearer("pvt_old")).await.status, 401);
    remote.host.supervisor.shutdown(Cause::Shutdown).await;
}
